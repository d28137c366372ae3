"""Real `cm` processes of one user, each the head of a process group that can be killed at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from kit import SYSTEM_PATH, Answer
from storm_recipes import Recipes

#: A command that takes longer, in seconds, hangs: each does less than one second's work.
LIMIT = 240.0


class Hang(Exception):
    """A command did not end in time."""


class World:
    """One user with the recipes registered, and fresh cache folders on demand.

    Args:
        cm: the program.
        folder: empty; everything happens below it.
    """

    def __init__(self, cm: Path, folder: Path) -> None:
        self.cm = cm
        self.folder = folder
        self.recipes = Recipes(folder)
        self.home = folder / "home"
        self.cache = self.home / "cache"
        self._gate = folder / "gate"
        os.mkfifo(self._gate)
        self._answers = 0
        #: Whether file modes count for `cm`, as they do not for root.
        self.confined = False

    @staticmethod
    def can_confine() -> bool:
        """Whether `confined` can be had."""
        return os.geteuid() != 0 or shutil.which("setpriv") is not None

    def fresh(self) -> None:
        """Begin with an empty home in which the recipes are registered."""
        shutil.rmtree(self.home, ignore_errors=True)
        answer = self.run("add", "collection", str(self.recipes.collection))
        if answer.code:
            raise RuntimeError(answer.text)

    def start(self, *words: str, gated: bool = False) -> Running:
        """Begin `cm WORDS` in a process group of its own; `gated`: it waits for `open_gate`."""
        self._answers += 1
        out = self.folder / f"answer-{self._answers}"
        argv = [str(self.cm), *words]
        if self.confined and os.geteuid() == 0:
            argv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *argv]
        if gated:
            argv = ["sh", "-c", ': < "$0"; exec "$@"', str(self._gate), *argv]
        with open(f"{out}.out", "wb") as stdout, open(f"{out}.err", "wb") as stderr:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,
            )
        return Running(process, out)

    def open_gate(self) -> int:
        """Let all who wait go at once; the handle has to be closed when all have ended."""
        return os.open(self._gate, os.O_RDWR)

    def run(self, *words: str) -> Answer:
        """`cm WORDS` to its end.

        Raises:
            Hang: it does not end.
        """
        return self.start(*words).answer()

    def environment(self) -> dict[str, str]:
        """The whole environment of this user's processes."""
        return {
            "PATH": f"{self.cm.parent}:{SYSTEM_PATH}",
            "HOME": str(self.folder),
            "CM_HOME": str(self.home),
            "LANG": "C.UTF-8",
            **self.recipes.env(),
        }


class Running:
    """A command that was started, and all that it started."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._out = out

    def kill(self, *, alone: bool = False) -> bool:
        """SIGKILL, to the whole group or only to `cm`; False when it had ended by itself."""
        living = self._process.poll() is None
        if living:
            try:
                (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                living = False
        living = self._process.wait() == -signal.SIGKILL and living
        if not alone:
            end = time.monotonic() + LIMIT
            while _group(self.pid) and time.monotonic() < end:
                time.sleep(0.002)
        self._forget()
        return living

    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def answer(self, limit: float = LIMIT) -> Answer:
        """What it left, once it has ended.

        Raises:
            Hang: it does not end within `limit` seconds; it is killed.
        """
        try:
            code = self._process.wait(limit)
        except subprocess.TimeoutExpired:
            words = " ".join(map(str, self._process.args))  # type: ignore[arg-type]
            self.kill()
            raise Hang(f"no end after {limit:g} s: {words}") from None
        texts = [Path(f"{self._out}.{x}").read_text(errors="replace") for x in ("out", "err")]
        self._forget()
        return Answer(*texts, code)

    def _forget(self) -> None:
        for suffix in ("out", "err"):
            Path(f"{self._out}.{suffix}").unlink(missing_ok=True)


def _group(number: int) -> list[int]:
    """Living processes of a process group; the dead that nobody has buried do not count."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(stat[2]) == number and stat[0] not in (b"Z", b"X"):
                found.append(int(name))
    return found


def settle(pids: Sequence[int], limit: float = LIMIT) -> bool:
    """Wait until what these groups started has ended; False when it does not."""
    end = time.monotonic() + limit
    while any(_group(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
