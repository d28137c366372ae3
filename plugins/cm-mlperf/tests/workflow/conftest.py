"""One real measurement that many tests look at, a command line, and a small file server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

#: Longer than any run here takes on a loaded machine; only a hang reaches it.
_PATIENCE = 900


class Said(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class Place:
    """A home and a folder to run commands in."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.here = root / "here"
        self.here.mkdir(parents=True, exist_ok=True)
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("CM_", "MLC_"))}
        self.environ = {**plain, "CM_HOME": str(self.home), "HF_TOKEN": ""}

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cmcore", *words],
            cwd=self.here,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def cm(self, *words: str, **more: str) -> Said:
        with self.start(*words, **more) as running:
            out, err = running.communicate(timeout=_PATIENCE)
        assert "Traceback" not in err, err
        return Said(running.returncode, out, err)


class Measured(NamedTuple):
    """The main job, done once: `cm run mlperf --quiet` in an empty home."""

    place: Place
    said: Said

    @property
    def system(self) -> Path:
        (found,) = (self.place.here / "mlperf-results" / "test_results").iterdir()
        return found

    def point(self, scenario: str) -> Path:
        return self.system / "digits" / scenario.lower()

    def result(self, scenario: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.point(scenario) / "cm-result.json").read_text())
        return found


@pytest.fixture(scope="session")
def main_job(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    place = Place(tmp_path_factory.mktemp("main-job"))
    return Measured(place, place.cm("run", "mlperf", "--quiet"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def digits(main_job: Measured) -> Path:
    """Folder with model.onnx and dataset, as the main job has made it."""
    (found,) = main_job.place.home.glob("cache/*/model.onnx")
    return found.parent


class Files(ThreadingHTTPServer):
    """Serves what is in `files`; see `Handler` for what paths do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.tag = '"one"'
        #: Times that the connection ends after half of what is left.
        self.breaks = 0
        self.asked: list[tuple[str, str, str]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Handler(BaseHTTPRequestHandler):
    """/gated wants a token, /elsewhere leads to another server's address of the same file."""

    server: Files

    def do_GET(self) -> None:
        token = self.headers.get("Authorization") or ""
        self.server.asked.append((self.path, self.headers.get("Range") or "", token))
        if self.path.startswith("/gated") and token != "Bearer right":
            self.send_error(401 if not token else 403)
            return
        if self.path.startswith("/broken"):
            self.send_error(503)
            return
        if self.path.startswith("/gated/elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.server.url("/file"))
            self.end_headers()
            return
        body = self.server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        if self.headers.get("Range") and self.headers.get("If-Range") == self.server.tag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", self.server.tag)
        self.end_headers()
        body = body[start:]
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def files() -> Iterator[Files]:
    server = Files()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def data_folder(tmp_path: Path) -> Callable[..., Path]:
    """A data set folder of numpy files, made from arrays by name."""
    import numpy as np

    def make(**arrays: Any) -> Path:
        folder = tmp_path / "own"
        folder.mkdir()
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        return folder

    return make
