"""Which processes use which entries, and which of them ended without saying so.

A process leaves a file in `layout.USING` with the entries it was served (`layout.note_use`) and
removes it when it ends. A file whose process is gone tells of a crash.
"""

from __future__ import annotations

import os

from cm_cache import host, layout
from cmcore.hints import NamedTuple

#: A process on another machine cannot be asked; it counts as alive for this long, in seconds.
_BELIEVED = 7 * 86400


class Use(NamedTuple):
    """What one process was served.

    Attributes:
        path: the file that says so.
        pid, host: the process.
        uids: entries it was served.
        alive: whether it still runs.
    """

    path: str
    pid: int
    host: str
    uids: frozenset[str]
    alive: bool


def uses(root: str) -> list[Use]:
    """What is known of the processes that use the cache folder `root`."""
    folder = os.path.join(root, layout.INDEX, layout.USING)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = (_read(os.path.join(folder, name), name) for name in names)
    return [use for use in found if use]


def in_use(root: str) -> set[str]:
    """Entries that some living process was served."""
    return {uid for use in uses(root) if use.alive for uid in use.uids}


def spot_crashes(root: str) -> None:
    """Mark the entries that a crashed process used, for a check before their next use."""
    for use in uses(root):
        if use.alive:
            continue
        try:
            for uid in use.uids:
                folder = os.path.join(root, uid)
                if os.path.exists(os.path.join(folder, layout.DIGESTS)):
                    layout.touch(os.path.join(folder, layout.DOUBT))
            layout.unlink(use.path)
        except OSError:
            pass  # a cache that cannot be written to is not ours to look after


def _read(path: str, name: str) -> Use | None:
    pid, mark, _, node = (*name.split("@", 3), "", "", "")[:4]
    if not pid.isdecimal():
        return None
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            uids = frozenset(file.read().split())
    except OSError:
        return None
    return Use(path, int(pid), node, uids, _alive(int(pid), mark, node, layout.mtime(path)))


def _alive(pid: int, mark: str, node: str, written: float) -> bool:
    import time

    if node != host.name():
        return written > time.time() - _BELIEVED
    if mark:
        return layout.process_mark(pid) == mark
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
