"""What the cross-package suites stand on: wheels, a loopback package index, fresh environments.

Nothing here imports cmcore: the suites look at it from outside, as a user's shell does.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("cmcore", "plugins/cm-script", "plugins/cm-cache")
#: What a plain Debian shell has; the environment that runs pytest must not leak in.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: `with installed("dist", ...):` has third-party packages there inside and gone after.
Installed = Callable[..., AbstractContextManager[None]]


class Answer(NamedTuple):
    """What a finished command left behind."""

    out: str
    err: str
    code: int

    @property
    def text(self) -> str:
        """Both streams, for messages of failed assertions."""
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(
                f"stdout is not one JSON document ({error})\n{self.text}"
            ) from None


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 300,
) -> Answer:
    """Run a command to its end, never with a terminal."""
    done = subprocess.run(
        [os.fspath(word) for word in argv],
        cwd=cwd,
        env=None if env is None else dict(env),
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return Answer(done.stdout, done.stderr, done.returncode)


def must(answer: Answer) -> Answer:
    """The answer itself, or a failure that shows both streams."""
    assert answer.code == 0, answer.text
    return answer


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the project in `source` with the hatchling that is already installed."""
    before = set(folder.glob("*.whl"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    must(run([*command, str(source)]))
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def write_tree(folder: Path, files: Mapping[str, str | dict[str, Any]]) -> Path:
    """Write `{relative path: text or data}`; data becomes JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        path.write_text(text, encoding="utf-8")
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests of tests are nobody's news."""


class _Simple(_Quiet):
    """A PEP 503 index over one folder of wheels."""

    def do_GET(self) -> None:
        path = urllib.parse.unquote(self.path).rstrip("/")
        if not path.startswith("/simple"):
            super().do_GET()
            return
        project = path.removeprefix("/simple").strip("/")
        wheels = sorted(name for name in os.listdir(self.directory) if name.endswith(".whl"))
        links = [name for name in wheels if _normal(name.split("-")[0]) == _normal(project)]
        if project and not links:
            self.send_error(404)
            return
        body = "".join(f'<a href="/{urllib.parse.quote(n)}">{n}</a>\n' for n in links).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@contextmanager
def _serve(handler: type[_Quiet], folder: Path) -> Iterator[str]:
    bound = functools.partial(handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serve_files(folder: Path) -> Any:
    """Context manager: `folder` on a loopback web server; gives the address."""
    return _serve(_Quiet, folder)


class Index(NamedTuple):
    """A package index on the loopback interface; a wheel put into `folder` is served at once."""

    folder: Path
    url: str


@contextmanager
def package_index(folder: Path) -> Iterator[Index]:
    """Serve the wheels in `folder` as a package index."""
    with _serve(_Simple, folder) as address:
        yield Index(folder, f"{address}/simple/")


class Machine:
    """A virtual environment outside the checkout and the shell of one user on it.

    Args:
        folder: where the environment is made.
        index: the only package index that its pip sees.
    """

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.python = self.bin / "python"
        self.index = index
        must(run([sys.executable, "-m", "venv", folder], env=self.environment(folder)))

    def environment(self, home: Path, **extra: str) -> dict[str, str]:
        """A complete environment block: nothing comes from the process that runs the tests."""
        block = {
            "PATH": f"{self.bin}:{SYSTEM_PATH}",
            "HOME": str(home),
            "CM_HOME": str(home / "cm"),
            "LANG": "C.UTF-8",
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index.url,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
        }
        return {**block, **extra}

    def pip(self, *words: str) -> Answer:
        """Run pip of this environment; it must succeed."""
        return must(run([self.python, "-m", "pip", *words], env=self.environment(self.folder)))

    def install(self, *requirements: str) -> None:
        """`pip install` from the loopback index."""
        self.pip("install", "--quiet", *requirements)

    def uninstall(self, *distributions: str) -> None:
        """`pip uninstall`."""
        self.pip("uninstall", "--quiet", "--yes", *distributions)

    def user(self, home: Path) -> User:
        """Somebody with a home folder of their own on this machine."""
        home.mkdir(parents=True, exist_ok=True)
        return User(self, home)


class User:
    """Runs `cm` as a person's shell would: own home, own working folder, no terminal."""

    def __init__(self, machine: Machine, home: Path) -> None:
        self.machine = machine
        self.home = home
        self.cm_home = home / "cm"
        self.env: dict[str, str] = {}

    def run(
        self,
        *argv: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 300,
    ) -> Answer:
        """Run any command with this user's environment."""
        block = self.machine.environment(self.home, **self.env, **(env or {}))
        work = cwd or self.home / "work"
        work.mkdir(exist_ok=True)
        return run(argv, cwd=work, env=block, stdin=stdin, timeout=timeout)

    def cm(self, *words: str, **how: Any) -> Answer:
        """Run `cm WORDS`; anything may come of it, but never a traceback."""
        answer = self.run(str(self.machine.bin / "cm"), *words, **how)
        assert "Traceback (most recent call last)" not in answer.out + answer.err, answer.text
        return answer

    def ok(self, *words: str, **how: Any) -> str:
        """Run `cm WORDS`, which must succeed; standard output."""
        return must(self.cm(*words, **how)).out

    def data(self, *words: str, **how: Any) -> Any:
        """Run `cm WORDS --out=json`, which must succeed; the parsed answer."""
        return must(self.cm(*words, "--out=json", **how)).json()

    def refused(self, *words: str, **how: Any) -> str:
        """Run `cm WORDS`, which must fail with one clear line on stderr; that line."""
        answer = self.cm(*words, **how)
        assert answer.code != 0, answer.text
        lines = [line for line in answer.err.splitlines() if line.strip()]
        assert lines, f"failed without a word\n{answer.text}"
        return lines[-1]
