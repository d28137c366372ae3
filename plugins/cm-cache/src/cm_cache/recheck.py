"""Whether what a detected entry says is still so: its tools and its machine are as they were.

An entry remembers the files and folders outside of its own that its exported values name. A tool
that was upgraded, replaced or removed turns the entry down; so does another kind of machine. What
names no file, or tells of the machine itself, is true on that one machine only.
"""

from __future__ import annotations

import os
import stat

from cm_cache import host, machine
from cmcore.hints import Any, Iterator, Mapping

#: Key of an entry's meta that holds what `flaw` compares.
WATCH = "watch"

#: Exported values of one entry that are looked at; a recipe that exports more is no detection.
_MOST = 256

_NEVER = ("/proc/", "/sys/", "/dev/")


def watched(state: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """What has to stay as it is for the published `state` of the entry in `folder` to be true.

    Returns:
        `host`: see `cm_cache.host.identity`; `paths`: for each file outside of `folder` path,
        size, modification time in nanoseconds and inode; for each folder its path alone;
        `machine`, where there are none or the state tells of it: `cm_cache.machine.identity`.
    """
    paths: dict[str, list[Any]] = {}
    for value in _texts([state.get("new_env"), state.get("new_state")]):
        if len(paths) == _MOST:
            break
        if value in paths or not value.startswith("/") or value.startswith(_NEVER):
            continue
        if value == folder or value.startswith(folder + os.sep):
            continue
        row = mark(value)
        if row:
            paths[value] = row
    found = {"host": host.identity(), "paths": list(paths.values())}
    return {**found, "machine": machine.identity()} if not paths or _tells(state) else found


def _tells(state: Mapping[str, Any]) -> bool:
    """Whether what a recipe gives is about the machine it ran on."""
    env, more = (state.get(key) or {} for key in ("new_env", "new_state"))
    # Names that the recipes of CM and MLCFlow use: CM_HOST_CPU_..., state `host_device_raw_info`.
    return any("_HOST_" in key for key in env) or any(key.startswith("host") for key in more)


def flaw(meta: Mapping[str, Any]) -> str:
    """Why the entry is not true any more, as a clause, or ""."""
    watch = meta.get(WATCH)
    if not isinstance(watch, Mapping):
        return ""
    there = watch.get("host")
    if isinstance(there, dict) and there != host.identity():
        return f"it was made on {host.text(there)}, and this is {host.text(host.identity())}"
    if "machine" in watch and (other := machine.differs(watch["machine"])):
        return other
    paths = watch.get("paths")
    for kept in paths if isinstance(paths, list) else []:
        if not isinstance(kept, list) or not kept or not isinstance(kept[0], str):
            continue
        now = mark(kept[0])
        if not now:
            return f"{kept[0]} is gone"
        if now != kept and not same_packed(now, kept):
            return f"{kept[0]} has changed since"
    return ""


def same_packed(now: list[Any], kept: list[Any]) -> bool:
    """Whether two marks may be of one file, in a container whose image holds it.

    A file that becomes part of an image gets a new inode, and its time is cut to whole seconds.
    Source: tar(5), the form of an image's layers.
    """
    if not machine.image_name() or now[:2] != kept[:2] or min(len(now), len(kept)) < 3:
        return False
    seconds = [mark[2] // 10**9 for mark in (now, kept) if isinstance(mark[2], int)]
    return len(seconds) == 2 and seconds[0] == seconds[1]


def mark(path: str) -> list[Any]:
    """Path, size, time (ns) and inode of a file; the path of a folder; [] when there is neither."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return []
    if stat.S_ISREG(found.st_mode):
        return [path, found.st_size, found.st_mtime_ns, found.st_ino]
    # A folder's own times change with every file that comes and goes in it.
    return [path] if stat.S_ISDIR(found.st_mode) else []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
