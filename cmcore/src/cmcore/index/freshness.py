"""Which artifact folders changed since they were read: the strategy of the index, alone.

An automation's folder in a collection is compared with a `Snapshot` of it: one `stat` of the
folder itself, one of every artifact folder (a meta file added or taken away) and one of every
meta file that counts (edited in place). No file is opened, no folder listed, unless something
differs.

Times of files have a granularity, so a file may be changed twice within one tick: once before and
once after it was read, with equal times. As in git, an artifact whose times were that young when
it was read is "racy": it is read again, and its content compared, until it was read late enough.
"""

from __future__ import annotations

import os
import stat

from cmcore.artifacts import META_FILES, meta_files
from cmcore.hints import NamedTuple
from cmcore.naming import is_text

#: FAT keeps times in steps of 2 s, everything else in finer ones.
_GRANULARITY_NS = 2_000_000_000

#: Suffixes of the meta files that a mask (bit i: META_FILES[i]) stands for.
_SUFFIXES = tuple(
    tuple(f"{os.sep}{name}" for bit, name in enumerate(META_FILES) if mask >> bit & 1)
    for mask in range(1 << len(META_FILES))
)


class Snapshot(NamedTuple):
    """An automation's folder in a collection, when it was read.

    Attributes:
        listing: fingerprint of the folder; 0 when it was absent or has to be listed again.
        names: names of the folders in it, sorted.
        masks: which meta files count in each, one byte of bits over META_FILES.
        prints: fingerprint of each, 64 bits.
        racy: those that must be read again although nothing seems to have changed.
    """

    listing: int
    names: tuple[str, ...]
    masks: bytes
    prints: tuple[int, ...]
    racy: frozenset[str]


EMPTY = Snapshot(0, (), b"", (), frozenset())


class Look(NamedTuple):
    """What a comparison found.

    Attributes:
        snapshot: the folder now; its `racy` covers what the caller is about to read.
        stale: names of folders to read (again): new, changed, or racy before.
        gone: names that are no longer there.
        problem: why the folder could not be listed, or "".
    """

    snapshot: Snapshot
    stale: tuple[str, ...]
    gone: tuple[str, ...]
    problem: str = ""


def look(folder: str, old: Snapshot, now_ns: int) -> Look | None:
    """Compare an automation's folder with what was known; None when all is as it was.

    Args:
        folder: `<collection root>/<automation>`.
        old: what was known; `EMPTY` for nothing.
        now_ns: the time, taken before this call and before the files are read.
    """
    young = now_ns - _GRANULARITY_NS
    try:
        info = os.stat(folder)
        listing = _print_of_folder(info)
    except OSError as error:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        problem = "" if absent else f"{folder}: {error.strerror}"
        return Look(EMPTY, (), old.names, problem) if old.names or problem else None
    if listing == old.listing:
        prints = _fingerprints(folder, old.names, old.masks)
        if prints == old.prints and not old.racy:
            return None
        edited = _edited(folder, old, prints, young)
        if edited is not None:
            return edited
        names: tuple[str, ...] = old.names
    else:
        try:
            names, settled = _list(folder)
        except OSError as error:
            return Look(EMPTY, (), old.names, f"{folder}: {error.strerror}")
        if not settled or max(info.st_mtime_ns, info.st_ctime_ns) >= young:
            listing = 0
    return _compare(folder, old, names, listing, young)


def _edited(folder: str, old: Snapshot, prints: tuple[int, ...], young: int) -> Look | None:
    """The common case: no folder came or went, and few have changed. None when one is gone."""
    masks, new_prints = bytearray(old.masks), list(prints)
    stale: list[str] = []
    racy: list[str] = []
    for at, (now, before) in enumerate(zip(prints, old.prints, strict=True)):
        if now == before and not (old.racy and old.names[at] in old.racy):
            continue
        name = old.names[at]
        found = _anew(os.path.join(folder, name))
        if found is None:
            return None
        masks[at], new_prints[at], latest = found
        stale.append(name)
        if latest >= young:
            racy.append(name)
    same = (old.listing, old.names)
    snapshot = Snapshot(*same, bytes(masks), tuple(new_prints), frozenset(racy))
    return Look(snapshot, tuple(stale), ())


def _compare(
    folder: str,
    old: Snapshot,
    names: tuple[str, ...],
    listing: int,
    young: int,
) -> Look | None:
    """The general case: folder by folder."""
    known = {name: at for at, name in enumerate(old.names)}
    prints = _fingerprints(folder, old.names, old.masks)
    kept: list[str] = []
    masks = bytearray()
    new_prints: list[int] = []
    stale: list[str] = []
    racy: list[str] = []
    for name in names:
        at = known.get(name)
        same = at is not None and prints[at] == old.prints[at]
        if same and at is not None and name not in old.racy:
            mask, fingerprint = old.masks[at], old.prints[at]
        else:
            found = _anew(os.path.join(folder, name))
            if found is None:
                continue
            mask, fingerprint, latest = found
            stale.append(name)
            if latest >= young:
                racy.append(name)
        kept.append(name)
        masks.append(mask)
        new_prints.append(fingerprint)
    snapshot = Snapshot(listing, tuple(kept), bytes(masks), tuple(new_prints), frozenset(racy))
    present = set(kept)
    gone = tuple(name for name in old.names if name not in present)
    if not stale and not gone and snapshot == old:
        return None
    return Look(snapshot, tuple(stale), gone)


def _print_of_folder(info: os.stat_result) -> int:
    return hash((info.st_mtime_ns, info.st_ctime_ns, info.st_ino)) or 1


def _fingerprints(folder: str, names: tuple[str, ...], masks: bytes) -> tuple[int, ...]:
    """Fingerprints of artifact folders; 0 for one that cannot be seen.

    Paths begin at the opened folder where the system has that: it then walks down to `folder` once
    and not for every file, a sixth of the whole.
    """
    if os.stat not in os.supports_dir_fd:
        return _prints(folder + os.sep, None, names, masks)
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:  # no permission to list it, or too many files are open
        return _prints(folder + os.sep, None, names, masks)
    try:
        return _prints("", opened, names, masks)
    finally:
        os.close(opened)


def _prints(
    start: str, opened: int | None, names: tuple[str, ...], masks: bytes
) -> tuple[int, ...]:
    """The one loop that every search runs for every artifact: kept free of calls."""
    status, digest, suffixes = os.stat, hash, _SUFFIXES
    prints = []
    for name, mask in zip(names, masks, strict=True):
        path = start + name
        try:
            info = status(path, dir_fd=opened)
            facts: tuple[int, ...] = (info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
            for suffix in suffixes[mask]:
                info = status(path + suffix, dir_fd=opened)
                facts += (info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_size)
            prints.append(digest(facts))
        except OSError:
            prints.append(0)
    return tuple(prints)


def _anew(path: str) -> tuple[int, int, int] | None:
    """Mask, fingerprint and latest time of one folder; None when it is no folder."""
    mask = _mask(path)
    return None if mask is None else (mask, *_fingerprint(path, mask))


def _fingerprint(path: str, mask: int) -> tuple[int, int]:
    """The same for one folder, with the latest time in it."""
    try:
        info = os.stat(path)
        facts: tuple[int, ...] = (info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
        latest = max(facts[:2])
        for suffix in _SUFFIXES[mask]:
            info = os.stat(path + suffix)
            facts += (info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_size)
            latest = max(latest, info.st_mtime_ns, info.st_ctime_ns)
        return hash(facts), latest
    except OSError:
        # It changed under our eyes; a print that never fits has it read again.
        return 0, 1 << 62


def _mask(path: str) -> int | None:
    """Which meta files count in a folder; None when it is no folder."""
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            return None
    except OSError:
        return None
    present = {name for name in META_FILES if os.path.isfile(os.path.join(path, name))}
    _, files = meta_files(present)
    return sum(1 << META_FILES.index(name) for name in files)


def files_of(mask: int) -> tuple[str, ...]:
    """Names of the meta files that a mask stands for."""
    return tuple(name for bit, name in enumerate(META_FILES) if mask >> bit & 1)


def _list(folder: str) -> tuple[tuple[str, ...], bool]:
    """Names of the folders in a folder, and whether its own times tell when they change.

    They do not where a symbolic link leads to no folder now: one may appear at its end.
    """
    names = []
    settled = True
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not is_text(entry.name):
                continue
            if entry.is_dir():
                names.append(entry.name)
            elif entry.is_symlink():
                settled = False
    return tuple(sorted(names)), settled
