"""A docker daemon of the suites' own: its socket, images and containers lie in one folder.

Nothing is installed for it: Debian's packages are unpacked, so no service of theirs begins.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from boxes import Lack, call, last, may_change_the_machine, which
from kit import SYSTEM_PATH, Answer, must

#: Without a network of its own it changes nothing of the machine's.
WORDS = ("--bridge=none", "--iptables=false", "--ip6tables=false")
#: The second copies every layer, and works wherever there is room.
DRIVERS = ("overlay2", "vfs")
#: Debian's packages with the daemon.
PACKAGES = ("docker.io", "containerd")
#: In some releases the client is a package of its own; the registry is for one test.
MORE = ("docker-cli", "docker-registry")


@cache
def programs() -> str:
    """Folders with dockerd, its client and containerd, for a path; or raise `Lack`."""
    if os.geteuid():
        raise Lack("only root starts a docker daemon")
    if which("dockerd"):
        return ""
    if not may_change_the_machine():
        raise Lack("no dockerd on this machine: CM_TEST_APT=1 and root would unpack Debian's")
    if not which("apt-get") or not which("dpkg-deb"):
        raise Lack("no dockerd on this machine, and no apt-get to fetch it")
    folder = Path(tempfile.gettempdir()) / "cmcore-test-dockerd"
    folder.mkdir(mode=0o755, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "unpacked").is_dir():
            _unpack(folder)
    return f"{folder}/unpacked/usr/bin:{folder}/unpacked/usr/sbin"


def _unpack(folder: Path) -> None:
    part = Path(tempfile.mkdtemp(dir=folder))
    try:
        for package in PACKAGES + MORE:
            done = call(["apt-get", "-qq", "download", package], cwd=part, timeout=300)
            if done.code and package == PACKAGES[0]:
                call(["apt-get", "-qq", "update"], timeout=300)
                done = call(["apt-get", "-qq", "download", package], cwd=part, timeout=300)
            if done.code and package in PACKAGES:
                raise Lack(f"apt-get download {package} fails: {last(done)}")
        (part / "unpacked").mkdir(mode=0o755)
        for packed in sorted(part.glob("*.deb")):
            must(call(["dpkg-deb", "-x", packed, part / "unpacked"]))
        (part / "unpacked").rename(folder / "unpacked")
    finally:
        shutil.rmtree(part, ignore_errors=True)


class Daemon:
    """A running daemon.

    Args:
        folder: becomes its; short, because the path of a socket may have 107 characters.

    Attributes:
        address: for `DOCKER_HOST`.
        path: for `PATH`, the client of the same version comes first.
    """

    def __init__(self, folder: Path) -> None:
        found = programs()
        self.folder = folder
        folder.mkdir()
        self.address = f"unix://{folder}/socket"
        self.path = ":".join(filter(None, [found, os.environ.get("PATH", ""), SYSTEM_PATH]))
        self.block = {
            "PATH": self.path,
            "HOME": str(folder),
            "DOCKER_HOST": self.address,
            "DOCKER_CONFIG": str(folder / "config"),
        }
        try:
            if not any(self._begins(driver) for driver in DRIVERS):
                raise Lack(f"docker's daemon does not start here: {self._last_words()}")
        except BaseException:
            self.close()
            raise

    def _begins(self, driver: str) -> bool:
        program = shutil.which("dockerd", path=self.path) or "dockerd"
        places = [f"--{name}={self.folder}/{name}" for name in ("data-root", "exec-root")]
        (self.folder / "daemon.json").write_text("{}\n", encoding="utf-8")
        places += [f"--config-file={self.folder}/daemon.json", f"--pidfile={self.folder}/pid"]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [program, f"--host={self.address}", *places, *WORDS, f"--storage-driver={driver}"],
                env=self.block,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while self.docker("version").code:
            if self.process.poll() is not None:
                return False
            if time.monotonic() > end:
                raise Lack("docker's daemon does not answer here")
            time.sleep(0.1)
        return True

    def _last_words(self) -> str:
        told = (self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        known = [line for line in told if not line.startswith("time=")]
        return (known or told or ["no word"])[-1]

    def docker(self, *words: str | os.PathLike[str], timeout: float = 300) -> Answer:
        """Ask it with its own client."""
        program = shutil.which("docker", path=self.path)
        if not program:
            raise Lack("no docker command on this machine")
        return call([program, *words], env=self.block, timeout=timeout)

    def containers(self) -> list[str]:
        """Names of all containers."""
        return must(self.docker("ps", "--all", "--format", "{{.Names}}")).out.split()

    def images(self) -> dict[str, list[str]]:
        """All images that have a name or are no layer of another: `{identifier: names}`."""
        listed = must(self.docker("images", "--no-trunc", "--format", "{{json .}}")).out
        found: dict[str, list[str]] = {}
        for one in map(json.loads, listed.splitlines()):
            found.setdefault(one["ID"], []).append(f"{one['Repository']}:{one['Tag']}")
        return found

    def close(self) -> None:
        """Stop it with all that runs in it, and take its folder away."""
        if self.process.poll() is None:
            listed = self.docker("ps", "--all", "--quiet").out.split()
            if listed:
                self.docker("rm", "--force", *listed)
            # It ends its containerd before it ends.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
            place = line.split()[1]
            if place.startswith(f"{self.folder}/"):
                call(["umount", "--lazy", place])
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running(folder: Path) -> Iterator[Daemon]:
    """Within: a daemon in that folder; the test is skipped where one, or what it needs, lacks."""
    try:
        made = Daemon(folder)
        try:
            yield made
        finally:
            made.close()
    except Lack as lack:
        pytest.skip(str(lack))
