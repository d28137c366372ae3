"""Entries in the caches of CM and MLCFlow: reading them where they lie, changing nothing."""

from __future__ import annotations

import os

from cm_cache import classes, records
from cm_cache.choose import Wish
from cmcore.errors import CmError, NotFoundError, StorageError
from cmcore.hints import TYPE_CHECKING, Any, Iterator, NamedTuple
from cmcore.naming import fits as name_fits

if TYPE_CHECKING:
    from cmcore.context import Context

#: By dialect: the state file, and the key that names the recipe.
_FORMS = {
    "cm": ("cm-cached-state.json", "associated_script_artifact"),
    "mlc": ("mlc-cached-state.json", "associated_script_item"),
}


class Foreign(NamedTuple):
    """One entry of a reference engine.

    Attributes:
        uid, tags, version: as its meta says; `tmp` is among the tags of an unfinished one.
        path: its folder.
        root: the cache folder it lies in.
        dialect: `cm` or `mlc`, the engine that made it.
        recipe, recipe_alias: what it is an outcome of; "" when that is not recorded.
        meta: the whole meta.
        reason: why it cannot be used, or "".
    """

    uid: str
    tags: tuple[str, ...]
    version: str
    path: str
    root: str
    dialect: str
    recipe: str
    recipe_alias: str
    meta: dict[str, Any]
    reason: str

    @property
    def state_path(self) -> str:
        """Its file with the cached state."""
        return os.path.join(self.path, _FORMS[self.dialect][0])


def cache_folders(ctx: Context, home: str = "") -> list[str]:
    """Cache folders of the registered collections; or those of one CM or MLCFlow home.

    Args:
        home: what $CM_REPOS or $MLC_REPOS names, or a cache folder itself.

    Raises:
        NotFoundError: there is none.
    """
    if not home:
        places = [collection.path for collection in ctx.collections.all()]
        folders = [os.path.join(place, "cache") for place in places]
        found = [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]
        if not found:
            raise NotFoundError(
                "no registered collection has a cache",
                hint="`cm import collection cm` registers a CM home, `cm import collection mlc` one"
                " of MLCFlow; or name it with --path=FOLDER",
            )
        return found
    home = os.path.abspath(os.path.expanduser(home))
    inner = ("repos/local/cache", "local/cache", "cache", "")
    for candidate in (os.path.join(home, name).rstrip("/") for name in inner):
        if os.path.basename(candidate) == "cache" and os.path.isdir(candidate):
            return [candidate]
    raise NotFoundError(f"no cache of CM or MLCFlow is in {home}")


def entries(folders: list[str]) -> Iterator[Foreign]:
    """All entries in these cache folders, sorted by tags."""
    found = []
    for root in folders:
        try:
            names = sorted(os.listdir(root))
        except OSError as error:
            raise StorageError(f"cannot read the cache: {error.strerror}", where=root) from error
        for name in names:
            path = os.path.join(root, name)
            if not name.startswith(".") and os.path.isdir(path):
                entry = _read(root, path)
                found += [entry] if entry else []
    yield from sorted(found, key=lambda entry: (sorted(entry.tags), entry.uid))


def fitting(found: Iterator[Foreign], wish: Wish) -> list[Foreign]:
    """Those that a command means; unfinished ones as well."""
    return [
        entry
        for entry in found
        if set(wish.wanted) <= set(entry.tags)
        and set(wish.excluded).isdisjoint(entry.tags)
        and (not wish.names or any(name_fits(name, entry.uid) for name in wish.names))
    ]


def class_of(entry: Foreign, state: dict[str, Any]) -> str:
    """The class that an entry of a reference engine, which knows none, seems to be of.

    Detected is what exports paths, none of them into its own folder.
    """
    guess = classes.class_of(entry.meta, entry.tags)
    if guess != classes.BUILT:
        return guess
    import json

    text = json.dumps([state.get("new_env"), state.get("new_state")])
    own = entry.path in text or f"/{os.path.basename(entry.path)}" in text
    return classes.BUILT if own or '"/' not in text else classes.DETECTED


def _read(root: str, path: str) -> Foreign | None:
    from cmcore.artifacts import META_FILES, meta_files, read_meta

    present = {name for name in META_FILES if os.path.isfile(os.path.join(path, name))}
    dialect = meta_files(present)[0]
    if not dialect:
        return None
    link = _FORMS[dialect][1]
    blank = Foreign("", (), "", path, root, dialect, "", "", {}, "")
    try:
        meta = read_meta(path).data
    except CmError as error:
        return blank._replace(uid=os.path.basename(path), reason=error.message)
    tags = meta.get("tags")
    words = tuple(records.text(tag) for tag in tags) if isinstance(tags, list) else ()
    alias, _, uid = records.text(meta.get(link)).partition(",")
    entry = blank._replace(
        uid=records.text(meta.get("uid")),
        tags=words,
        version=records.text(meta.get("version")),
        recipe=records.text(meta.get(f"{link}_uid")) or uid.strip(),
        recipe_alias=alias.strip(),
        meta=meta,
    )
    if "tmp" in words:
        return entry._replace(reason="it is unfinished: its run failed or still goes on")
    try:
        state = records.load_object(entry.state_path)
    except StorageError as error:
        return entry._replace(reason=error.message)
    if not isinstance(state.get("new_env"), dict):
        return entry._replace(reason=f"{os.path.basename(entry.state_path)} has no 'new_env'")
    return entry
