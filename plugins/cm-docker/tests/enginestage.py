"""What the suites of engines stand on: a storage of their own with an image of two megabytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cm_docker.engine import OWNER, Engine
from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman
from cmcore.console import Console
from cmcore.context import Context

IMAGE = "localhost/cm-test/busybox:1"
ME = "test-owner"
MINE = {OWNER: ME}
DRIVE = Path(__file__).with_name("enginedrive.py")


def busybox(folder: Path) -> Path:
    """A tar file with a root file system around busybox; skips where there is no static one."""
    program = shutil.which("busybox", path=f"{os.environ.get('PATH', '')}:/bin:/usr/bin")
    if not program:
        pytest.skip("no busybox here: apt-get install busybox-static")
    if b"dynamic" in subprocess.run(["ldd", program], capture_output=True).stderr.replace(
        b"not a dynamic", b""
    ):
        pytest.skip("busybox is not static: apt-get install busybox-static")
    root = folder / "rootfs"
    for name in ("bin", "etc", "tmp", "proc", "sys", "dev", "run", "root"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy(program, root / "bin" / "busybox")
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "etc" / "notes").write_text("no program\n")
    packed = folder / "busybox.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(packed), "."], check=True)
    return packed


def storage(folder: Path) -> Path:
    """Configuration of a storage of podman below a folder."""
    path = folder / "storage.conf"
    path.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\n'
        f'runroot = "{folder}/run"\nrootless_storage_path = "{folder}/root"\n'
    )
    return path


def environment(folder: Path) -> dict[str, str]:
    """Variables for engines that keep everything below a folder."""
    known = {key: value for key, value in os.environ.items() if key != "CONTAINERS_CONF"}
    known["CONTAINERS_STORAGE_CONF"] = str(storage(folder))
    known["CM_HOME"] = str(folder / "home")
    known["DOCKER_CONFIG"] = str(folder / "docker")
    return known


def context(environ: dict[str, str], *, json: bool = False) -> Context:
    """A context that goes by these variables."""
    return Context(environ=environ, console=Console(json=json, interactive=False))


def podman(environ: dict[str, str]) -> Podman:
    """podman, or a skip that says why not."""
    engine = Podman(context(environ))
    state = engine.state()
    if not state.usable:
        pytest.skip(f"podman cannot be used here: {state.problems[0].text}")
    return engine


def docker(environ: dict[str, str]) -> Docker:
    """docker, or a skip that says why not."""
    engine = Docker(context(environ))
    state = engine.state()
    if not state.usable:
        pytest.skip(f"docker cannot be used here: {state.problems[0].text}")
    return engine


def service(environ: dict[str, str], folder: Path) -> Iterator[str]:
    """podman behind docker's socket, for as long as the generator lives."""
    address = f"unix://{folder}/docker.sock"
    words = podman(environ).words("system", "service", "--time=0", address)
    process = subprocess.Popen(words, env=environ, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (folder / "docker.sock").exists(), "podman's service")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def forget(engine: Podman, folder: Path) -> None:
    """Remove a storage with all that runs in it."""
    engine.ask("rm", "--force", "--all", "--volumes")
    subprocess.run(["umount", "-l", str(folder / "root" / "overlay")], capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        engine.ask("unshare", "rm", "-rf", str(folder))


def wait_for(true: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


class Driven:
    """A process of its own that builds or runs, to be signalled and killed.

    Its lines are read as they come: what happens to it happens at a known moment.
    """

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVE), *words],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.seen: list[str] = []

    def until(self, text: str) -> None:
        """Read lines up to one with this text."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.seen.append(line)
            if text in line:
                return
        raise AssertionError(f"no {text!r} in {''.join(self.seen)!r}")

    def child(self) -> int:
        """The process of the engine's program that it started last."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(listed.split()[-1])

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def end(self) -> str:
        """What it wrote, once it has ended."""
        assert self.process.stdout
        self.seen += self.process.stdout.readlines()
        self.process.stdout.close()
        self.process.wait(60)
        return "".join(self.seen)


def processes(word: str) -> list[int]:
    """Living processes with a word in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                alive = b"\nState:\tZ" not in (entry / "status").read_bytes()
            except OSError:
                continue
            if alive and word.encode() in words:
                found.append(int(entry.name))
    return found


def containers(engine: Engine) -> str:
    """Identifiers of all containers, those of builders too where the engine tells."""
    assert isinstance(engine, (Podman, Docker))
    more = ["--external"] if isinstance(engine, Podman) else []
    return engine.ask("ps", "--all", "--quiet", *more).out
