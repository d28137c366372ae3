"""Who may build what: one lock per key, one per entry folder.

The key's lock makes processes that ask for the same thing take turns, so that one builds and the
others find its result. The entry's lock lies in the folder and says that somebody works in it; it
also keeps it from being removed or built by two who came by different requests. Both are released
by the operating system when their holder dies.
"""

from __future__ import annotations

import os
import threading
import time

from cm_cache import identity, layout, records
from cmcore import storage
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.locking import Lock
    from cmcore.types import CacheEntry, CacheRequest

#: Keys and entry folders that this process has claimed, and the thread that did.
_mine: dict[str, tuple[int, int]] = {}


def _me() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


class Claim:
    """The right to build in one entry folder; the token of a `Reservation`.

    Attributes:
        request: what is being built.
        slot: its slot.
        key_digest: digest of its key.
        refresh: True when a finished entry is being built again.
        note: what `layout.BUILDING` in the folder says.
        standing: `open`, `published` or `released`.
        entry: the published entry.
    """

    def __init__(self, request: CacheRequest) -> None:
        self.request = request
        self.slot = identity.slot(request)
        self.key_digest = identity.key_digest(request)
        self.refresh = False
        self.note: dict[str, Any] = {}
        self.standing = "open"
        self.entry: CacheEntry | None = None
        self._locks: list[Lock] = []

    def take_turn(self, ctx: Context, *, wait: bool = True) -> None:
        """Wait until nobody else builds the same.

        A thread that already builds it gets no turn and builds beside itself: a recipe that leads
        to itself must not wait for itself.

        Raises:
            StorageError: somebody else builds the same, and `wait` is not asked for; or no lock can
                be had.
        """
        turn = identity.turn(self.slot, self.key_digest)
        path = os.path.join(ctx.paths.locks, f"cache-{turn}.lock")
        if _mine.get(path) == _me():
            return
        name = self.request.recipe_alias or self.request.recipe_uid
        what = f"the cache entry of '{name}'"
        told = ctx.console.log if wait else None
        lock = storage.lock(path, what=what, timeout=None if wait else 0, on_wait=told)
        lock.__enter__()
        self._hold(lock)

    def take_folder(self, ctx: Context, folder: str, *, wait: bool) -> bool:
        """Become the one who works in an entry folder.

        Returns:
            False when this thread already does, when somebody else does and `wait` is not asked
            for, or when the folder is gone.
        """
        lock = folder_lock(ctx, folder, wait=wait)
        if lock is not None:
            self._hold(lock)
        return lock is not None

    def _hold(self, lock: Lock) -> None:
        self._locks.append(lock)
        _mine[lock.path] = _me()

    def drop_folder(self) -> None:
        """Let others have the folder that was taken last."""
        lock = self._locks.pop()
        _mine.pop(lock.path, None)
        lock.__exit__(None, None, None)

    def drop(self) -> None:
        """Let others have everything."""
        while self._locks:
            self.drop_folder()

    def begin(self, folder: str, attempt: int = 1) -> None:
        """Say in the folder that the building begins."""
        self.note.update(refresh=self.refresh, attempt=attempt, started=time.time(), error="")
        self.write_note(folder)

    def write_note(self, folder: str, **changes: Any) -> None:
        """Say in the folder who builds there."""
        import json

        self.note.update(changes)
        # Not durable: after a power failure the folder is merely not built on.
        text = json.dumps(self.note, indent=2) + "\n"
        storage.write_atomic(os.path.join(folder, layout.BUILDING), text, durable=False)


def folder_lock(ctx: Context, folder: str, *, wait: bool = False) -> Lock | None:
    """The held lock of an entry folder; None when it is taken (without `wait`) or gone.

    Raises:
        StorageError: no lock can be had there, for example because the disk is full.
    """
    path = os.path.join(folder, layout.LOCK)
    if _mine.get(path) == _me() or not os.path.isdir(folder):
        return None
    lock = storage.lock(
        path,
        what=f"cache entry {os.path.basename(folder)}",
        timeout=None if wait else 0,
        on_wait=ctx.console.log if wait else None,
    )
    try:
        lock.__enter__()
    except StorageError as error:
        taken = error.__cause__ is None
        if taken or not os.path.isdir(folder):
            return None
        raise
    if os.path.exists(path):
        return lock
    lock.__exit__(None, None, None)
    return None


def note_of(folder: str) -> dict[str, Any]:
    """What the last builder wrote into the folder; empty when that cannot be read."""
    try:
        return records.load_object(os.path.join(folder, layout.BUILDING))
    except StorageError:
        return {}
