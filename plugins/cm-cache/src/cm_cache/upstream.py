"""Shared caches behind the local one: a folder or a URL that `cm_cache.offering` published.

Asked only for what the local cache does not have. What fits is copied into the local cache, with
its digest compared, when it is used. A shared cache that does not answer costs one warning and a
few seconds, once per process.
"""

from __future__ import annotations

import os
import time

from cm_cache import classes, host, identity, layout, offering, records
from cm_cache.relocate import relocated
from cmcore import storage
from cmcore.errors import CmError, StorageError
from cmcore.hints import TYPE_CHECKING, Any, Sequence
from cmcore.types import CacheEntry, CacheRequest, Setting

if TYPE_CHECKING:
    from cmcore.context import Context

SETTING = Setting(
    "cache.upstream", "shared read-only caches to look in: folders or http(s) URLs, in order", []
)

#: Key of an entry's meta that says which shared cache it has to be copied from (`place`, `files`)
#: and what it will give then (`state`).
FROM = "upstream"

#: Seconds within which a shared cache has to answer.
TIMEOUT = 3.0
#: Seconds within which a list has to be there.
PATIENCE = 10.0
#: Seconds within which the next part of a file has to come.
STALLED = 30.0
#: A list larger than this many bytes is none.
_LARGEST_LIST = 64 << 20


class _Upstream:
    """One shared cache, as far as this process knows it."""

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")
        self.silent = False
        self._recipes: dict[str, Any] | None = None
        self._entries: dict[str, list[dict[str, Any]]] = {}

    def entries(self, recipe: str) -> list[dict[str, Any]]:
        """What it has of a recipe.

        Raises:
            Exception: one of `_failures`: it cannot be asked, or talks rubbish.
        """
        if self._recipes is None:
            index = _parsed(self._read(offering.INDEX))
            if index.get("format") != offering.FORMAT or index.get("version") != offering.VERSION:
                raise StorageError(f"its {offering.INDEX} is not that of a shared cache")
            self._recipes = dict(index["recipes"])
        if recipe not in self._recipes:
            return []
        if recipe not in self._entries:
            listed = _parsed(self._read(f"recipes/{offering.file_name(recipe)}"))
            self._entries[recipe] = [e for e in listed["entries"] if _sound(e)]
        return self._entries[recipe]

    def _read(self, name: str) -> bytes:
        content = bytearray()
        until = time.monotonic() + PATIENCE
        with _open(self.place, name, TIMEOUT) as source:
            # Piece by piece, because a server may send each just in time for ever.
            while block := source.read1(1 << 16):
                content += block
                if len(content) > _LARGEST_LIST or time.monotonic() > until:
                    raise StorageError(f"its {name} is too large or comes too slowly")
        return bytes(content)


_by_place: dict[str, _Upstream] = {}


def reset() -> None:
    """Forget what was learnt of shared caches, and that some did not answer."""
    _by_place.clear()


def more(
    ctx: Context, root: str, request: CacheRequest, here: Sequence[CacheEntry]
) -> list[CacheEntry]:
    """Entries of shared caches that answer `request`, when none of `here` does.

    With a content digest in the key only entries of an equal key do, otherwise tags decide.
    """
    exact = bool(request.key.get("digest"))
    if here and not exact:
        return []
    wanted = identity.key_digest(request) if exact else ""
    if any(entry.meta.get("key_digest") == wanted for entry in here):
        return []
    known = {entry.uid for entry in here}
    for place in ctx.settings.get(SETTING.name):
        found = [
            _entry(root, str(place), about)
            for about in _ask(ctx, str(place), request)
            if (not exact or about["key_digest"] == wanted)
            and about["uid"] not in known
            and not os.path.exists(os.path.join(root, about["uid"]))
            and _usable(request, about)
        ]
        if found:
            # All of them: whether their inputs fit as well is for the asker to judge.
            return sorted(found, key=lambda entry: (sorted(entry.tags), entry.created))
    return []


def _ask(ctx: Context, place: str, request: CacheRequest) -> list[dict[str, Any]]:
    source = _by_place.setdefault(place, _Upstream(place))
    if source.silent:
        return []
    try:
        return source.entries(request.recipe_uid)
    except _failures() as error:
        source.silent = True
        ctx.console.warn(f"the shared cache {place} is not used: {_clause(error)}")
        return []


def _usable(request: CacheRequest, about: dict[str, Any]) -> bool:
    tags = {records.text(tag) for tag in about["tags"]}
    if not tags.issuperset(request.tags) or not tags.isdisjoint(request.excluded):
        return False
    if about["dialect"] != request.dialect or about["class"] not in offering.OFFERED:
        return False
    until = records.seconds(about["meta"].get("cache_expiration"), float("inf"))
    if until < time.time():
        return False
    # Data is the same everywhere, what was built is not.
    if about["class"] == classes.DATA:
        return True
    return bool(about["meta"].get("host") == host.identity())


def _entry(root: str, place: str, about: dict[str, Any]) -> CacheEntry:
    meta = relocated(about["meta"], records.text(about["meta"].get("root")) or root, root)
    path = records.text(meta.get("dependent_cached_path"))
    if path.startswith(root + os.sep):
        del meta["dependent_cached_path"]  # it comes with the entry
    state = relocated(about.get("state"), records.text(about["meta"].get("root")) or root, root)
    meta[FROM] = {"place": place, "files": about["files"], "state": state}
    tags = tuple(records.text(tag) for tag in about["tags"])
    path = os.path.join(root, about["uid"])
    return CacheEntry(about["uid"], path, tags, str(about["version"]), meta, about["created"])


def fetch(ctx: Context, entry: CacheEntry) -> None:
    """Copy an entry that `more` gave, and those it needs, into the local cache; once for all.

    Raises:
        StorageError: it cannot be had, or is not what was announced.
    """
    from cm_cache.importing import import_file

    about = entry.meta[FROM]
    root = os.path.dirname(entry.path)
    for file in about["files"]:
        folder = os.path.join(root, file["uid"])
        lock_path = os.path.join(ctx.paths.locks, f"cache-copy-{file['uid']}.lock")
        what = f"the copy of cache entry {file['uid']}"
        with storage.lock(lock_path, what=what, on_wait=ctx.console.log):
            if os.path.isdir(folder):
                continue
            ctx.console.log(f"copying cache entry {file['uid']} from {about['place']}")
            part = os.path.join(root, layout.INDEX, f"copy-{file['uid']}.tar")
            storage.make_dir(os.path.dirname(part))
            try:
                _download(about["place"], file, part)
                import_file(ctx, part, origin=about["place"])
            finally:
                if os.path.exists(part):
                    os.unlink(part)
    if not os.path.isdir(entry.path):
        raise StorageError(f"cache entry {entry.uid} did not come", where=about["place"])


def _download(place: str, file: dict[str, Any], path: str) -> None:
    import hashlib

    digest = hashlib.sha256()
    try:
        with _open(place, file["name"], STALLED) as source, open(path, "wb") as target:
            while block := source.read(1 << 20):
                digest.update(block)
                target.write(block)
    except _failures() as error:
        raise StorageError(f"cannot copy {file['name']}: {_clause(error)}", where=place) from error
    if digest.hexdigest() != file["sha256"]:
        raise StorageError(
            f"{file['name']} is not what the shared cache announced (SHA-256 differs)", where=place
        )


def _open(place: str, name: str, timeout: float) -> Any:
    if not place.startswith(("http://", "https://")):
        return open(os.path.join(os.path.expanduser(place.removeprefix("file://")), name), "rb")
    from urllib.request import Request, urlopen

    from cm_cache import __version__

    headers = {"User-Agent": f"cm-plugin-cache/{__version__}"}
    return urlopen(Request(f"{place}/{name}", headers=headers), timeout=timeout)


def _parsed(content: bytes) -> dict[str, Any]:
    data = storage.parse_json(content, "its answer")
    if not isinstance(data, dict):
        raise StorageError("it answers with something else than an index")
    return data


def _sound(about: Any) -> bool:
    """Whether an entry of a list has what is asked of it, in the right form."""
    forms = {"uid": str, "recipe": str, "dialect": str, "tags": list, "meta": dict, "files": list}
    forms |= {"version": str, "key_digest": str, "class": str}
    if not isinstance(about, dict) or not all(
        isinstance(about.get(k), v) for k, v in forms.items()
    ):
        return False
    if not isinstance(about.get("created"), (int, float)) or not records.is_entry_uid(about["uid"]):
        return False
    return all(
        isinstance(file, dict)
        and records.is_entry_uid(file.get("uid"))
        and file.get("name") == f"entries/{file['uid']}.tar"
        and isinstance(file.get("sha256"), str)
        for file in about["files"]
    )


def _failures() -> tuple[type[Exception], ...]:
    """What asking somebody else may end in."""
    import sys

    # Only who speaks HTTP can fail in it.
    http = sys.modules.get("http.client")
    spoken = (http.HTTPException,) if http else ()
    return (CmError, OSError, ValueError, KeyError, TypeError, AttributeError, *spoken)


def _clause(error: BaseException) -> str:
    if isinstance(error, CmError):
        return error.message
    reason = getattr(error, "reason", None)
    if getattr(error, "code", None):
        return str(error)  # of an HTTP answer: number and words
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(reason or error) or type(error).__name__
