"""Locks between processes that know their owner and notice its death.

The operating system holds the lock, so it goes with its owner, however that one dies. Who the
owner is stands in a file beside the lock, which is for messages only and never trusted.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from types import TracebackType

from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any, Callable, NamedTuple
from cmcore.storage import make_dir, storage_error, write_atomic

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: What file systems without locks answer.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25


class Owner(NamedTuple):
    """Who holds, or held, a lock."""

    pid: int
    host: str
    command: str
    start: float

    @property
    def text(self) -> str:
        """For messages: process, host if it is another one, command, and since when."""
        elsewhere = f" on {self.host}" if self.host and self.host != _host() else ""
        since = time.strftime("%H:%M:%S", time.localtime(self.start))
        return f"process {self.pid}{elsewhere} ({self.command}) since {since}"


class Lock:
    """Context manager: at most one process holds the lock file at a time.

    Not re-entrant: taking the same lock again in the same process waits like any other.

    Args:
        path: lock file; created with its folder, and left in place.
        what: what is locked, for messages: "cannot lock WHAT".
        timeout: seconds to wait, 0 for one attempt, None for as long as it takes.
        on_wait: called with one sentence when the wait begins and when the owner changes.

    Attributes:
        previous: owner that died without giving the lock back, or None; known once it is held.

    Raises:
        StorageError: (on entry) the time is up, which names the owner; or no lock can be had there,
            which has a cause (`__cause__`).
    """

    def __init__(
        self,
        path: str,
        *,
        what: str,
        timeout: float | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self.what = what
        self.timeout = timeout
        self.on_wait = on_wait
        self.previous: Owner | None = None
        self._lock: BaseFileLock | None = None

    @property
    def owner_path(self) -> str:
        """File that says who holds the lock."""
        return self.path + ".owner"

    def owner(self) -> Owner | None:
        """Who says to hold it, or None when that is not known (any more, or yet)."""
        import json

        try:
            with open(self.owner_path, encoding="utf-8") as file:
                data: Any = json.load(file)
            return Owner(
                int(data["pid"]), str(data["host"]), str(data["command"]), float(data["start"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def __enter__(self) -> Lock:
        make_dir(os.path.dirname(self.path))
        lock = self._wait()
        self._lock = lock
        try:
            self.previous = self.owner()
            self._sign()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            os.unlink(self.owner_path)
        except OSError:
            pass
        self._release()

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _wait(self) -> BaseFileLock:
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        pause = _FIRST_PAUSE_S
        told: Owner | None = None
        silent = True
        while True:
            lock = self._try()
            if lock is not None:
                return lock
            owner = self.owner()
            if deadline is not None and time.monotonic() >= deadline:
                by = f" by {owner.text}" if owner else " by another process"
                raise StorageError(
                    f"cannot lock {self.what}: it has been held{by} for more than"
                    f" {self.timeout:g} s",
                    where=self.path,
                    hint="wait for it to end, or end it",
                )
            if self.on_wait and (silent or (owner is not None and owner != told)):
                self.on_wait(
                    f"waiting for {owner.text if owner else 'another process'}"
                    f" to finish with {self.what}"
                )
                silent, told = False, owner
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    def _try(self) -> BaseFileLock | None:
        import warnings

        from filelock import FileLock, SoftFileLock, Timeout

        lock: BaseFileLock = FileLock(self.path)
        try:
            with warnings.catch_warnings():
                # filelock may fall back to a file whose mere existence is the lock, with a warning.
                warnings.filterwarnings("ignore", message=".*[sS]oftFileLock")
                lock.acquire(timeout=0)
        except Timeout:
            return None
        except NotImplementedError as error:
            raise self._unsupported() from error
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise self._unsupported() from error
            if _mended(self.path):
                return self._try()
            raise storage_error(error, self.path, f"lock {self.what}") from error
        if isinstance(lock, SoftFileLock):
            # Such a lock outlives an owner that is killed, so nobody would ever get it again.
            lock.release()
            raise self._unsupported() from OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        return lock

    def _unsupported(self) -> StorageError:
        return StorageError(
            f"cannot lock {self.what}: the file system does not support locks",
            where=self.path,
            hint="set CM_HOME to a folder on a local disk",
        )

    def _sign(self) -> None:
        import json

        command = " ".join([os.path.basename(sys.argv[0] or "python"), *sys.argv[1:]])[:200]
        owner = {"pid": os.getpid(), "host": _host(), "command": command, "start": time.time()}
        try:
            write_atomic(self.owner_path, json.dumps(owner), durable=False)
        except StorageError as error:
            if not isinstance(error.__cause__, IsADirectoryError) or not _mended(self.owner_path):
                raise
            write_atomic(self.owner_path, json.dumps(owner), durable=False)


def _mended(path: str) -> bool:
    """Whether something of ours that could be no lock file has become one, or has gone.

    A lock file holds nothing, so nobody has to be asked: an empty folder in its place goes, and a
    file of this user that this user may not open becomes openable.
    """
    try:
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            os.rmdir(path)
        elif stat.S_ISREG(found.st_mode) and found.st_mode & 0o600 != 0o600:
            os.chmod(path, 0o644)
        else:
            return False
    except OSError:
        return False
    return True


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
