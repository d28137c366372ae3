"""Reading one entry folder: finished, building or damaged, and never an exception about it."""

from __future__ import annotations

import os

from cm_cache import layout
from cmcore.errors import StorageError
from cmcore.hints import Any, Mapping, NamedTuple
from cmcore.types import CacheEntry

FINISHED, BUILDING, DAMAGED = "finished", "building", "damaged"

#: Stands for `Record.stamp` of an entry that this user may not read: permissions come and go
#: without any file's time, so that it has to be looked at anew each time.
_CLOSED = "closed"


class Record(NamedTuple):
    """What the cache knows of one entry folder.

    Attributes:
        uid: the folder's name.
        kind: `finished`, `building` (also: interrupted or failed) or `damaged`.
        tags: as filed; those of a building entry are the ones it was asked for with.
        recipe, dialect: what it is an outcome of; "" when not recorded.
        slot: see `cm_cache.identity`; "" when not recorded.
        digest: key digest; "" when not recorded.
        created: seconds since the epoch.
        meta: the `_cm.json`, or what a building entry notes about itself.
        reason: one clause that says what is damaged.
        stamp: `layout.stamp` of the folder when it was read.
    """

    uid: str
    kind: str
    tags: tuple[str, ...] = ()
    recipe: str = ""
    dialect: str = ""
    slot: str = ""
    digest: str = ""
    created: float = 0.0
    meta: Mapping[str, Any] = {}  # noqa: RUF012 - never changed
    reason: str = ""
    stamp: str = ""

    @property
    def version(self) -> str:
        """Version that the recipe reported, or ""."""
        return text(self.meta.get("version"))

    @property
    def closed(self) -> bool:
        """Whether a damaged one is only not to be read by this user: it is nobody's to remove."""
        return self.stamp == _CLOSED

    def sort_key(self) -> tuple[list[str], float, str]:
        """Order of a listing and of hits: by sorted tags as users know it, then oldest first."""
        return sorted(self.tags), self.created, self.uid


def text(value: object) -> str:
    """`value` as text; "" for None and containers, which a hand-edited file may hold."""
    if not isinstance(value, (str, int, float)):
        return ""
    # JSON may hold half of a surrogate pair, which no file name and no database can.
    return str(value).encode("utf-8", "backslashreplace").decode()


def seconds(value: object, default: float) -> float:
    """`value` as seconds since the epoch, or `default` when it cannot be that."""
    # The bounds keep out infinities, not-a-number and integers too large for a float.
    if isinstance(value, (int, float)) and 0 <= value < 1e12:
        return float(value)
    return default


def pseudo_tags(record: Record) -> list[str]:
    """Look-up words for what an entry is filed under besides its tags."""
    fields = (("recipe", record.recipe), ("dialect", record.dialect), ("digest", record.digest))
    words = [pseudo_tag(name, value) for name, value in fields if value]
    return words + [pseudo_tag("uses", uid) for uid in depends(record.meta)]


def depends(meta: Mapping[str, Any]) -> list[str]:
    """UIDs of the entries that an entry with this meta needs: stated, or led to by its paths."""
    stated = meta.get("depends")
    found = [text(uid) for uid in stated] if isinstance(stated, list) else []
    root, path = text(meta.get("root")), text(meta.get("dependent_cached_path"))
    if root and path.startswith(root + os.sep):
        found.append(path[len(root) + 1 :].partition(os.sep)[0])
    return [uid for uid in dict.fromkeys(found) if uid and uid != meta.get("uid")]


def pseudo_tag(field: str, value: str) -> str:
    """The look-up word for `recipe`, `dialect`, `digest` or `uses`; no tag begins with a comma."""
    return f",{field}={value}"


def is_entry_uid(word: object) -> bool:
    """Whether `word` is a UID as this cache makes them, whoever wrote it.

    Without dots: a folder of the cache whose name begins with one is no entry.
    """
    return isinstance(word, str) and len(word) == 16 and set(word) <= set("0123456789abcdef")


def forbidden(error: BaseException | None) -> bool:
    """Whether permissions are behind an error, rather than damage."""
    while error is not None:
        if isinstance(error, PermissionError):
            return True
        error = error.__cause__
    return False


def load_object(path: str) -> dict[str, Any]:
    """The JSON object in file `path`.

    Raises:
        StorageError: it cannot be read or is something else; the message is a clause that can
            follow the entry's name, `where` is the path.
    """
    from cmcore.storage import read_json

    name = os.path.basename(path)
    try:
        data = read_json(path)
    except StorageError as error:
        raise StorageError(f"{name}: {error.message}", where=error.where) from error
    if not isinstance(data, dict):
        raise StorageError(f"{name} does not hold a JSON object", where=path)
    return data


def load_state(folder: str) -> dict[str, Any]:
    """The published state of the entry in `folder`.

    Raises:
        StorageError: it is damaged; see `load_object`.
    """
    state = load_object(os.path.join(folder, layout.STATE))
    for key in ("new_env", "new_state"):
        if not isinstance(state.get(key, {}), dict):
            raise StorageError(
                f"'{key}' in {layout.STATE} is not an object",
                where=os.path.join(folder, layout.STATE),
            )
    return state


def read(root: str, uid: str) -> Record | None:
    """What lies in the entry folder `uid` now; None when there is no such folder."""
    folder = os.path.join(root, uid)
    if not os.path.isdir(folder):
        return None
    stamp = layout.stamp(folder)
    if stamp.startswith("|") or not stamp:
        return _read_building(folder, uid, stamp)
    try:
        record = _read_finished(folder, uid, stamp)
        load_state(folder)
    except StorageError as error:
        return Record(
            uid, DAMAGED, reason=error.message, stamp=_CLOSED if forbidden(error) else stamp
        )
    return record


def _read_finished(folder: str, uid: str, stamp: str) -> Record:
    meta = load_object(os.path.join(folder, layout.META))
    tags = meta.get("tags")
    if not isinstance(tags, list):
        raise StorageError(f"{layout.META} has no list 'tags'")
    if meta.get("uid") != uid:
        named = text(meta.get("uid")) or "none"
        raise StorageError(
            f"its folder is named '{uid}' but {layout.META} says uid '{named}'"
            " (copied or renamed by hand?)"
        )
    if meta.get("damaged"):
        raise StorageError(text(meta["damaged"]) or "it was found damaged")
    words = tuple(text(tag) for tag in tags)
    return Record(
        uid,
        BUILDING if "tmp" in words else FINISHED,
        words,
        recipe=text(meta.get("recipe_uid") or meta.get("associated_script_artifact_uid")),
        dialect=text(meta.get("dialect")) or "cm",
        slot=text(meta.get("slot")),
        digest=text(meta.get("key_digest")),
        created=seconds(meta.get("created"), float(stamp.partition(".")[0]) / 1e9),
        meta=meta,
        stamp=stamp,
    )


def _read_building(folder: str, uid: str, stamp: str) -> Record:
    try:
        note = load_object(os.path.join(folder, layout.BUILDING))
    except StorageError as error:
        return Record(uid, BUILDING, ("tmp",), reason=error.message, stamp=stamp)
    tags = note.get("tags")
    return Record(
        uid,
        BUILDING,
        (*(text(tag) for tag in tags), "tmp") if isinstance(tags, list) else ("tmp",),
        recipe=text(note.get("recipe_uid")),
        dialect=text(note.get("dialect")),
        slot=text(note.get("slot")),
        created=seconds(note.get("started"), 0.0),
        meta=note,
        stamp=stamp,
    )


def entry(root: str, record: Record) -> CacheEntry:
    """A finished record as other plugins see it, with paths below today's cache folder."""
    from cm_cache.relocate import relocated

    meta = relocated(record.meta, text(record.meta.get("root")) or root, root)
    return CacheEntry(
        record.uid,
        os.path.join(root, record.uid),
        record.tags,
        record.version,
        meta,
        record.created,
    )
