"""Whether the tools that something was built with are what they were.

A library that was compiled with one compiler must not pass for one that was compiled with another.
A built entry keeps, for each detected entry that it needs, directly or through others, what that
one said of its tool: version, and path, size and time of its files. As long as the files are the
same, nothing else is looked at.

Inodes are not compared, unlike in `cm_cache.recheck`: a home on a shared file system is used on
machines that carry the same packages, whose files have the same sizes and times and other inodes.
"""

from __future__ import annotations

import os

from cm_cache import classes, layout, records
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cm_cache.shelf import Shelf

#: Key of an entry's meta that holds what `flaw` compares.
TOOLS = "tools"


def used(shelf: Shelf, uids: Iterable[str]) -> list[dict[str, Any]]:
    """What belongs under `TOOLS` for an entry that needs the entries `uids`.

    Data ends the search: it is what its digests say, whatever tool has fetched it.

    Returns:
        one object per detected entry: `uid`, `recipe`, `name`, `version`, `made` (seconds since
        the epoch), `seen` (what its meta file looks like), `paths` (path, size, time in
        nanoseconds; of a folder its path alone).
    """
    found: dict[str, dict[str, Any]] = {}
    for uid in uids:
        record = shelf.get(uid)
        if record is None or record.kind != records.FINISHED:
            continue
        kind = classes.class_of(record.meta, record.tags)
        if kind == classes.DETECTED:
            found[uid] = _tool(shelf, record)
        if kind in (classes.DETECTED, classes.BUILT):
            meta = records.entry(shelf.root, record).meta
            found.update((tool["uid"], tool) for tool in _listed(meta) if tool["uid"] not in found)
    return list(found.values())


def here(meta: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools of an entry that was made on another machine, as they are on this one.

    Those that this machine does not have cannot change here, and are left out.
    """
    kept = []
    for tool in _listed(meta):
        paths = [mark for path in tool["paths"] if (mark := _mark(path[0]))]
        if paths:
            kept.append({**tool, "paths": paths, "seen": ""})
    return kept


def flaw(shelf: Shelf, meta: Mapping[str, Any]) -> str:
    """Which tool of a built entry is another one now, as a clause, or ""."""
    if meta.get("class") != classes.BUILT:
        return ""
    from cm_cache import recheck

    made = meta.get("host")
    arch = made.get("arch") if isinstance(made, dict) else ""
    if arch and hasattr(os, "uname") and arch != os.uname().machine:
        return f"it was built on {arch}, and this machine is {os.uname().machine}"
    for tool in _listed(meta):
        for kept in tool["paths"]:
            now = _mark(kept[0])
            if now != kept and not recheck.same_packed(now, kept):
                return _told(shelf, tool, kept[0])
        seen = tool.get("seen")
        looked = _look(shelf, tool["uid"]) if seen else ""
        if looked and seen != looked:
            other = _other(shelf, tool)
            if other:
                return other
    return ""


def described(meta: Mapping[str, Any], version: str) -> str:
    """A detected tool for people: `12.2.0 (/usr/bin/gcc)`."""
    return _text(version, _paths_of(meta))


def _tool(shelf: Shelf, record: Record) -> dict[str, Any]:
    meta = records.entry(shelf.root, record).meta
    alias = records.text(meta.get("associated_script_artifact")).partition(",")[0]
    return {
        "uid": record.uid,
        "recipe": record.recipe,
        "name": alias or record.recipe,
        "version": record.version,
        "made": record.created,
        "seen": _look(shelf, record.uid),
        "paths": _paths_of(meta),
    }


def _paths_of(meta: Mapping[str, Any]) -> list[list[Any]]:
    watch = meta.get("watch")
    rows = watch.get("paths") if isinstance(watch, Mapping) else None
    found = rows if isinstance(rows, list) else []
    return [row[:3] for row in found if isinstance(row, list) and row and isinstance(row[0], str)]


def _listed(meta: Mapping[str, Any]) -> list[dict[str, Any]]:
    kept = meta.get(TOOLS)
    return [
        tool
        for tool in (kept if isinstance(kept, list) else ())
        if isinstance(tool, dict)
        and isinstance(tool.get("uid"), str)
        and isinstance(tool.get("paths"), list)
        and all(isinstance(p, list) and p and isinstance(p[0], str) for p in tool["paths"])
    ]


def _mark(path: str) -> list[Any]:
    from cm_cache import recheck

    return recheck.mark(path)[:3]


def _look(shelf: Shelf, uid: str) -> str:
    """What the meta file of an entry looks like; "" when there is none."""
    try:
        found = os.stat(os.path.join(shelf.root, uid, layout.META))
    except OSError:
        return ""
    return f"{found.st_mtime_ns}.{found.st_size}"


def _other(shelf: Shelf, tool: Mapping[str, Any]) -> str:
    """What a tool's entry says now, when it is something else than it was."""
    record = shelf.get(tool["uid"])
    if record is None or record.kind != records.FINISHED or record.created == tool.get("made"):
        return ""
    meta = records.entry(shelf.root, record).meta
    if record.version == tool.get("version") and _paths_of(meta) == tool["paths"]:
        return ""
    return f"{_name(tool)}: {_then(tool)} there, {_text(record.version, _paths_of(meta))} here"


def _told(shelf: Shelf, tool: Mapping[str, Any], path: str) -> str:
    state = "has changed since" if os.path.lexists(path) else "is gone"
    then = f"{_name(tool)}: {_then(tool)} there"
    now = _newest(shelf, tool)
    if now is None:
        return f"{then}; {path} {state}"
    return f"{then}, {described(now.meta, now.version)} here; {path} {state}"


def _newest(shelf: Shelf, tool: Mapping[str, Any]) -> Record | None:
    """What was detected instead, if anything was by now."""
    from cm_cache import recheck

    recipe = records.text(tool.get("recipe"))
    found = shelf.finished([records.pseudo_tag("recipe", recipe)]) if recipe else []
    made = records.seconds(tool.get("made"), 0.0)
    true = [
        record
        for record in found
        if record.created > made
        and classes.class_of(record.meta, record.tags) == classes.DETECTED
        and not recheck.flaw(records.entry(shelf.root, record).meta)
    ]
    return max(true, key=lambda record: record.created, default=None)


def _name(tool: Mapping[str, Any]) -> str:
    return f"tool {records.text(tool.get('name')) or tool['uid']}"


def _then(tool: Mapping[str, Any]) -> str:
    return _text(records.text(tool.get("version")), tool["paths"])


def _text(version: str, paths: list[list[Any]]) -> str:
    files = [str(path[0]) for path in paths if len(path) > 1]
    first = (files or [str(path[0]) for path in paths] or [""])[0]
    if not first:
        return version or "an unknown version"
    return f"{version} ({first})" if version else first
