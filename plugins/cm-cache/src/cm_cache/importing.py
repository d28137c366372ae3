"""`cm import cache FILE`: entries from an archive become entries of this cache, or nothing does."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager

from cm_cache import choose, classes, digests, layout, machine, measures, records, settling, tools
from cm_cache.relocate import relocated
from cm_cache.shelf import Shelf
from cm_cache.unpacking import Archive
from cmcore import storage
from cmcore.errors import StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Iterator, Mapping
from cmcore.types import Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request


def import_command(ctx: Context, request: Request) -> Result:
    """`cm import cache FILE...`: from archives; with `--foreign` from CM and MLCFlow caches.

    Raises:
        UsageError: no file was named.
        StorageError: a file is damaged; nothing of it was imported.
    """
    if choose.is_on(request.flags, "foreign") or "path" in request.flags:
        from cm_cache.foreign_import import import_foreign

        return import_foreign(ctx, request)
    if not request.artifacts:
        raise UsageError(
            "no file to import is named",
            hint="cm import cache FILE.tar; `cm import cache --foreign` takes over entries of"
            " registered CM and MLCFlow homes",
        )
    imported: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    for word in request.artifacts:
        path = os.path.abspath(os.path.expanduser(word))
        came, there = import_file(ctx, path, origin=os.path.basename(path))
        imported += came
        known += there
    lines = [f"imported {e['uid']}  {','.join(e['tags'])}" for e in imported]
    lines += [f"already here: {e['uid']}  {','.join(e['tags'])}" for e in known]
    return Result({"imported": imported, "known": known}, view="\n".join(lines))


def import_file(
    ctx: Context, path: str, *, origin: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Import an archive.

    Args:
        origin: where it comes from, for `cm show cache`.

    Returns:
        entries that came, and those that were here (`uid`, `tags`, `path`).

    Raises:
        StorageError: the file or this cache is damaged, or cannot be read or written.
    """
    shelf = Shelf(ctx)
    with Archive(path) as archive:
        known = _known(shelf, archive)
        wanted = [uid for uid in archive.entries if uid not in known]
        total = sum(f[1] for uid in wanted for f in archive.entries[uid]["files"].values())
        if wanted:
            with arriving(ctx, shelf) as staging:
                if total > digests.QUICK:
                    ctx.console.log(f"importing {measures.size_text(total)} from {path}")
                for uid in wanted:
                    archive.extract(uid, os.path.join(staging, uid))
                for uid in wanted:
                    _settle(shelf, archive, uid, os.path.join(staging, uid), origin)
                # What is needed comes before what needs it.
                for uid in wanted:
                    digest = str(archive.entries[uid]["key_digest"])
                    move_in(shelf, uid, os.path.join(staging, uid), digest)
    came = [
        {
            "uid": uid,
            "tags": choose.split_tags(archive.entries[uid]["tags"]),
            "path": shelf.folder(uid),
        }
        for uid in wanted
    ]
    there = [{"uid": u, "tags": tags, "path": shelf.folder(u)} for u, tags in known.values()]
    return came, there


@contextmanager
def arriving(ctx: Context, shelf: Shelf) -> Iterator[str]:
    """A folder within the cache folder to prepare entries in; it goes at the end.

    Raises:
        StorageError: it cannot be made or written to.
    """
    from cm_cache import trees
    from cm_cache.claims import folder_lock

    staging = os.path.join(shelf.root, f"{layout.ARRIVING}{os.getpid()}-{os.urandom(4).hex()}")
    storage.make_dir(staging)
    lock = None
    try:
        # The lock tells those who clean up that somebody is at it.
        lock = folder_lock(ctx, staging)
        yield staging
    except OSError as error:
        raise storage.storage_error(error, shelf.root, "import cache entries") from error
    finally:
        if lock is not None:
            lock.__exit__(None, None, None)
        if os.path.isdir(staging):
            trees.delete(staging)


def move_in(shelf: Shelf, uid: str, folder: str, key_digest: str) -> None:
    """Make a prepared folder an entry; fine when another process imported the same meanwhile.

    Raises:
        OSError: it cannot be moved.
    """
    try:
        shelf.move_in(uid, folder)
    except OSError:
        there = shelf.get(uid)
        if there is None or there.kind != records.FINISHED or there.digest != key_digest:
            raise
    storage.sync_folder(shelf.root)
    layout.touch_used(shelf.folder(uid))  # else the next `cm gc cache` would take it first


def _known(shelf: Shelf, archive: Archive) -> dict[str, tuple[str, list[str]]]:
    """Entries of the archive that are here: the same one, or one with the same key."""
    found: dict[str, tuple[str, list[str]]] = {}
    for uid, entry in archive.entries.items():
        here = shelf.get(uid)
        if here is None:
            continue
        if here.kind != records.FINISHED:
            raise StorageError(
                f"cache entry {uid} is here already, but {here.kind}",
                where=shelf.folder(uid),
                hint=f"`cm rm cache {uid} -f` makes room for the one in the archive",
            )
        if here.digest != str(entry["key_digest"]):
            raise StorageError(
                f"cache entry {uid} is here already and holds something else",
                where=shelf.folder(uid),
            )
        found[uid] = uid, choose.split_tags(here.tags)
    needed = {
        need for uid, e in archive.entries.items() if uid not in found for need in e["depends"]
    }
    for uid, entry in archive.entries.items():
        digest = entry["key_digest"]
        if uid in found or uid in needed or not isinstance(digest, str) or not digest:
            continue
        same = shelf.finished([records.pseudo_tag("digest", digest), *map(str, entry["tags"])])
        if same:
            found[uid] = same[0].uid, choose.split_tags(same[0].tags)
    return found


def _settle(shelf: Shelf, archive: Archive, uid: str, folder: str, origin: str) -> None:
    """Make an extracted entry fit this cache: its paths, its links, its meta."""
    try:
        meta = records.load_object(os.path.join(folder, layout.META))
        state = records.load_state(folder)
    except StorageError as error:
        raise StorageError(f"entry {uid} of the archive is damaged: {error.message}") from error
    if meta.get("uid") != uid or not isinstance(meta.get("tags"), list):
        raise StorageError(f"entry {uid} of the archive is not what it says", where=archive.path)
    old = records.text(archive.entries[uid]["root"])
    made = records.text(meta.get("root"))
    uids = [*archive.entries, *records.depends(meta)]
    if classes.class_of(meta, meta["tags"]) != classes.DATA:
        moves = {
            os.path.join(root, one): shelf.folder(one)
            for root in {old, made}
            for one in uids
            if root and root != shelf.root
        }
        if settling.rewrite(folder, moves) and isinstance(meta.get(digests.DIGESTS), Mapping):
            meta[digests.DIGESTS] = digests.record(folder)
    for root in {old, made} - {"", shelf.root}:
        meta, state = relocated(meta, root, shelf.root), relocated(state, root, shelf.root)
    if digests.DIGESTS in meta:
        meta[digests.DIGESTS] = digests.anew(meta[digests.DIGESTS])
    if tools.TOOLS in meta:
        meta[tools.TOOLS] = tools.here(meta)
    meta.pop(machine.MACHINE, None)
    meta |= {"root": shelf.root, "imported": {"from": origin, "time": time.time()}}
    settling.write_entry(folder, meta, state)
    archive.finish(uid, folder, shelf.root)
