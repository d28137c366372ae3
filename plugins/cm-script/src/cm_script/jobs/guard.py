"""Watching what the Python code of recipes writes, and where, in a process that builds ahead."""

from __future__ import annotations

import os
import sys

from cm_script.jobs import effects
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Events of the interpreter that change files, and which arguments are paths.
_EVENTS = {
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "shutil.rmtree": (0,),
    "shutil.move": (0, 1),
    "shutil.copyfile": (1,),
    "shutil.copytree": (1,),
    "shutil.unpack_archive": (1,),
}


class Guard:
    """While entered: giving up when something is written outside the folders allowed.

    Allowed are, beside those that `allow` adds, what the engine itself writes below the home (all
    but other entries of the cache) and what is new in the folder for temporary files.

    Args:
        home: the installation's folder.
        give_up: called with a sentence before the writing happens.
    """

    def __init__(self, home: str, give_up: Callable[[str], None]) -> None:
        import tempfile

        self.home = os.path.realpath(home)
        self.cache = os.path.join(self.home, "cache")
        self.scratch = os.path.realpath(tempfile.gettempdir())
        self.there = set(os.listdir(self.scratch))
        self.own: list[str] = []
        self.give_up = give_up
        self.depth = 0
        sys.addaudithook(self._heard)

    def allow(self, folder: str) -> None:
        """A folder that may be written to."""
        self.own.append(os.path.realpath(folder))

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.depth:
            return
        if event == "open":
            if len(arguments) > 2 and isinstance(arguments[2], int) and arguments[2] & _WRITES:
                self._check(arguments[0])
        elif event == "os.system":
            self._started(os.fsdecode(arguments[0]), None)
        elif event == "subprocess.Popen":
            words = arguments[1] if isinstance(arguments[1], (list, tuple)) else [arguments[1]]
            self._started(" ".join(os.fsdecode(word) for word in words), arguments[2])
        elif event in _EVENTS:
            for at in _EVENTS[event]:
                if at < len(arguments):
                    self._check(arguments[at])

    def _check(self, path: object) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return  # a file that is open already
        depth, self.depth = self.depth, 0
        try:
            real = os.path.realpath(os.fsdecode(path))
            if not self._allowed(real):
                self.give_up(f"its hooks write to {real}")
        finally:
            self.depth = depth

    def _started(self, command: str, folder: object) -> None:
        if folder is not None:
            self._check(folder)
        depth, self.depth = self.depth, 0
        try:
            what = effects.of_command(command, self.own)
            if what:
                self.give_up(f"its hooks may change {what}")
        finally:
            self.depth = depth

    def _allowed(self, real: str) -> bool:
        if real.startswith("/dev/") or "__pycache__" in real or effects.inside(real, self.own):
            return True
        if effects.inside(real, (self.home,)):
            return not effects.inside(real, (self.cache,)) or os.path.dirname(real) == self.cache
        if effects.inside(real, (self.scratch,)):
            return os.path.relpath(real, self.scratch).split(os.sep)[0] not in self.there
        return False
