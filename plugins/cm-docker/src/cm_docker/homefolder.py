"""`<CM_HOME>/containers`: what is kept for containers, and how folders get there as a whole."""

from __future__ import annotations

import os
from contextlib import contextmanager

from cmcore.hints import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cmcore.context import Context


def containers(ctx: Context, *names: str) -> str:
    """Path of that folder, or of something below it; nothing is made."""
    return os.path.join(ctx.paths.home, "containers", *names)


def names(folder: str) -> list[str]:
    """What a folder holds, sorted; nothing when it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def build_folders(ctx: Context) -> AbstractContextManager[object]:
    """The lock for making and removing folders directly below `containers`."""
    from cmcore.storage import lock

    path = os.path.join(ctx.paths.locks, "container-folders.lock")
    return lock(path, what="the build folders", on_wait=ctx.console.log)


@contextmanager
def fresh(folder: str, name: str = "") -> Iterator[str]:
    """A hidden path beside a folder, to be filled; it becomes the folder when all went well.

    Otherwise it is removed; what somebody leaves who is killed meanwhile is for `clear`.

    Args:
        folder: absolute, in a folder that exists; it does not exist itself, or is empty.
        name: what `clear` is told to find it, by default the folder's own.

    Raises:
        StorageError: it cannot be put in its place.
    """
    from cmcore.storage import HIDDEN, remove_tree, rename

    base, own = os.path.split(folder)
    hidden = os.path.join(base, f"{HIDDEN}{name or own}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        yield hidden
        rename(hidden, folder)
    except BaseException:
        if os.path.isdir(hidden):
            remove_tree(hidden)
        raise


def clear(base: str, name: str = "") -> None:
    """Remove what killed writers have left in a folder; the caller holds the writers' lock.

    Args:
        base: the folder.
        name: of whom, as `fresh` was told; "" for all.
    """
    from cmcore.errors import StorageError
    from cmcore.storage import HIDDEN, remove_tree

    for left in names(base):
        if left.startswith(f"{HIDDEN}{name}." if name else HIDDEN):
            try:
                remove_tree(os.path.join(base, left))
            except StorageError:
                continue  # somebody else's; it harms nobody
