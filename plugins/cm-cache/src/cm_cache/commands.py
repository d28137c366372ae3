"""`cm find|load|path cache`: which entries there are."""

from __future__ import annotations

from cm_cache import choose, classes, outdated, records
from cm_cache.shelf import Shelf
from cmcore.errors import AmbiguousError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request


def search(ctx: Context, request: Request) -> Result:
    """`cm find cache`: entries that fit, by tags; `--foreign`, `--path`: of CM and MLCFlow."""
    if choose.is_on(request.flags, "foreign") or "path" in request.flags:
        from cm_cache.foreign_import import find_foreign

        return find_foreign(ctx, request)
    shelf, found = found_by(ctx, request)
    items = [{**item(shelf, record), **_standing(shelf, record)} for record in found]
    older = outdated.replaced(found)
    for one in items:
        if one["uid"] in older:
            one["superseded"] = older[one["uid"]]
    columns = ["Tags", "Version", "Path"]
    rows: list[tuple[str, ...]] = [
        (choose.told_tags(one["tags"]), one["version"], one["path"]) for one in items
    ]
    if any("outdated" in one or "superseded" in one for one in items):
        columns.append("Outdated")
        told = [one.get("outdated") or superseded_text(one) for one in items]
        rows = [(*row, why) for row, why in zip(rows, told, strict=True)]
    return Result({"list": items}, view=Table(columns, rows, plain=2) if rows else None)


def superseded_text(item: Mapping[str, Any]) -> str:
    """That a newer entry replaces one, for people."""
    return f"{item['superseded']} is newer" if item.get("superseded") else ""


def _standing(shelf: Shelf, record: Record) -> dict[str, str]:
    why = outdated.why(shelf, record) if record.kind == records.FINISHED else ""
    return {"outdated": why} if why else {}


def load(ctx: Context, request: Request) -> Result:
    """`cm load cache`: the one entry that fits.

    Raises:
        NotFoundError, AmbiguousError: none or several fit.
    """
    shelf, record = _only(ctx, request)
    return Result(item(shelf, record), view=_json(record.meta))


def path(ctx: Context, request: Request) -> Result:
    """`cm path cache`: the folder of the one entry that fits."""
    shelf, record = _only(ctx, request)
    folder = shelf.folder(record.uid)
    return Result({"path": folder}, view=folder)


def item(shelf: Shelf, record: Record) -> dict[str, Any]:
    """One entry as `cm.access` lists it: `path`, `meta`, and what recipes ask for besides."""
    meta = dict(records.entry(shelf.root, record).meta)
    if record.kind != records.FINISHED:
        meta = {"uid": record.uid, "tags": list(record.tags), **meta}
        meta["tags"] = list(record.tags)
    return {
        "path": shelf.folder(record.uid),
        "uid": record.uid,
        "alias": "",
        "tags": list(record.tags),
        "version": record.version,
        "class": classes.class_of(record.meta, record.tags),
        "meta": meta,
    }


def found_by(ctx: Context, request: Request) -> tuple[Shelf, list[Record]]:
    """The shelf, and the entries that the words and flags of `request` mean."""
    shelf = Shelf(ctx)
    return shelf, choose.finished(shelf, choose.wish_of(request))


def _only(ctx: Context, request: Request) -> tuple[Shelf, Record]:
    shelf, found = found_by(ctx, request)
    wish = choose.wish_of(request)
    if not found:
        raise choose.nothing_fits(shelf, wish)
    if len(found) > 1:
        uids = ", ".join(record.uid for record in found[:5])
        raise AmbiguousError(
            f"{len(found)} cache entries fit {wish.text or 'any entry'}",
            hint=f"name one of {uids}" + (", ..." if len(found) > 5 else ""),
        )
    return shelf, found[0]


def _json(data: object) -> str:
    import json

    return json.dumps(data, indent=2, sort_keys=True)
