"""`cm export cache`: entries as one file, or as the folder that an upstream cache is."""

from __future__ import annotations

import os

from cm_cache import archive, choose, digests, measures, records, relations, trees
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.errors import StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request


def export(ctx: Context, request: Request) -> Result:
    """`cm export cache UID|TAGS --to=FILE.tar`: entries that fit; `--closure`: and what they need.

    With `--to=FOLDER/` they are published there, as `cm_cache.upstream` reads them.

    Raises:
        NotFoundError: none fits.
        UsageError: no target, or a file that is there (without `--force`).
        StorageError: an entry is damaged or the target cannot be written.
    """
    target = request.flags.get("to")
    if not isinstance(target, str) or not target:
        raise UsageError("where to export to is not said", hint="add --to=FILE.tar or --to=FOLDER/")
    shelf, wish = Shelf(ctx), choose.wish_of(request)
    found = choose.finished(shelf, wish)
    if not found:
        raise choose.nothing_fits(shelf, wish)
    target = os.path.abspath(os.path.expanduser(target)) + ("/" if target.endswith("/") else "")
    if target.endswith("/") or os.path.isdir(target):
        from cm_cache.offering import offer

        return offer(ctx, shelf, found, target, skip_links=_skip_links(request))
    missing: dict[str, str] = {}
    if choose.is_on(request.flags, "closure"):
        found, missing = relations.closure(shelf, found)
    if os.path.exists(target) and not choose.is_on(request.flags, "force", "f"):
        raise UsageError(
            "the file is there already", where=target, hint="add --force to replace it"
        )
    manifest = to_file(ctx, shelf, found, target, skip_links=_skip_links(request))
    size = os.path.getsize(target)
    warnings = tuple(
        f"cache entry {user} needs {uid}, which is gone and not exported"
        for uid, user in missing.items()
    )
    data: dict[str, Any] = {
        "path": target,
        "size": size,
        "list": [{"uid": e["uid"], "tags": e["tags"]} for e in manifest["entries"]],
    }
    text = f"exported {len(found)} cache entries to {target}, {measures.size_text(size)}"
    return Result(data, view=text, warnings=warnings)


def _skip_links(request: Request) -> bool:
    return choose.is_on(request.flags, "skip_links")


def to_file(
    ctx: Context, shelf: Shelf, found: list[Record], target: str, *, skip_links: bool
) -> dict[str, Any]:
    """Write entries to `target`, which appears when it is whole; gives back the manifest.

    Raises:
        StorageError: an entry is damaged or the file cannot be written.
    """
    folder, name = os.path.split(target)
    storage.make_dir(folder)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    total = sum(trees.size(shelf.folder(record.uid)) for record in found)
    try:
        if total > digests.QUICK:
            ctx.console.log(f"writing {measures.size_text(total)} to {target}")
        manifest = archive.write(part, shelf, found, skip_links=skip_links)
        # Entries may be removed or built again while they are read.
        for record in found:
            now = shelf.get(record.uid)
            if now is None or now.kind != records.FINISHED or now.created != record.created:
                raise StorageError(f"cache entry {record.uid} was changed while it was exported")
        os.replace(part, target)
    except OSError as error:
        raise storage.storage_error(error, target, "write the file") from error
    finally:
        if os.path.exists(part):
            os.unlink(part)
    return manifest
