"""`cm verify cache`: is every entry what it was when it was published?"""

from __future__ import annotations

import os

from cm_cache import choose, contents, digests, recheck, records, relations, trust, usage
from cm_cache.shelf import Shelf
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request


def verify(ctx: Context, request: Request) -> Result:
    """`cm verify cache`: look at paths, digests and state files of the entries that fit.

    `--deep` reads every file that has a digest; without it files of unchanged size and time are
    believed. `--repair` removes what is broken. The exit code is 1 when something broken stays.

    Raises:
        NotFoundError: none fits what was asked for.
    """
    shelf, wish = Shelf(ctx), choose.wish_of(request)
    found = choose.all_kinds(shelf, wish)
    if not found and wish.text:
        raise choose.nothing_fits(shelf, wish)
    usage.spot_crashes(shelf.root)
    deep = choose.is_on(request.flags, "deep")
    items, unfinished = [], 0
    if deep:
        ctx.console.log(f"reading the files of {len(found)} cache entries")
    for record in found:
        if record.kind == records.BUILDING:
            unfinished += 1
        else:
            items.append(_item(shelf, record, problems(shelf, record, deep=deep)))
    broken = [item for item in items if not item["ok"]]
    if choose.is_on(request.flags, "repair"):
        _repair(ctx, shelf, broken)
    left = [item for item in broken if not item.get("removed")]
    data = {"list": items, "checked": len(items), "broken": len(broken), "unfinished": unfinished}
    if left:
        data["error"] = f"{len(left)} of {len(items)} cache entries are broken"
    return Result(data, view=_view(items, broken, unfinished, deep), code=1 if left else 0)


def problems(shelf: Shelf, record: Record, *, deep: bool = False) -> list[str]:
    """What is wrong with a finished or damaged entry, one clause each."""
    if record.kind == records.DAMAGED:
        return [record.reason]
    entry = records.entry(shelf.root, record)
    found = digests.check(entry.path, record.meta, deep=deep)
    if not found and (flaw := contents.flaw(entry.path, record.meta)):
        found = [flaw]
    if not found and digests.DIGESTS in record.meta:
        trust.settle(entry.path)
    found += [f"{path} is gone" for path in needed_paths(entry.meta) if not os.path.exists(path)]
    found += [flaw] if (flaw := recheck.flaw(entry.meta)) else []
    lost = relations.lost_files(shelf, record)
    return found + ([f"it uses files of entry {lost}, which is gone"] if lost else [])


def closed(record: Record, found: list[str]) -> bool:
    """Whether nothing is known to be wrong with an entry but that this user may not read it."""
    return record.closed or (bool(found) and all(f.endswith(contents.CLOSED) for f in found))


def needed_paths(meta: Any) -> list[str]:
    """Paths that the recipe said its outcome depends on."""
    several = records.text(meta.get("dependent_cached_paths")).split(":")
    return [p for p in (records.text(meta.get("dependent_cached_path")), *several) if p]


def _item(shelf: Shelf, record: Record, found: list[str]) -> dict[str, Any]:
    return {
        "uid": record.uid,
        "path": shelf.folder(record.uid),
        "tags": list(record.tags),
        "ok": not found,
        "problems": found,
        **({"closed": True} if closed(record, found) else {}),
    }


def _repair(ctx: Context, shelf: Shelf, broken: list[dict[str, Any]]) -> None:
    from cm_cache.removal import remove_one

    for item in broken:
        if item.get("closed"):
            continue  # it is not known to be broken
        try:
            remove_one(ctx, shelf, item["uid"])
        except CmError as error:
            ctx.console.warn(str(error))
        else:
            item["removed"] = True


def _view(
    items: list[dict[str, Any]], broken: list[dict[str, Any]], unfinished: int, deep: bool
) -> list[str | Table]:
    rows = [(i["uid"], choose.told_tags(i["tags"]), "; ".join(i["problems"][:3])) for i in broken]
    removed = sum(1 for item in broken if item.get("removed"))
    text = f"{len(items) - len(broken)} of {len(items)} cache entries are as they should be"
    text += f", {removed} broken ones removed" if removed else ""
    text += f", {unfinished} unfinished left alone" if unfinished else ""
    text += "" if deep else " (files of unchanged size and time believed; --deep reads them)"
    table = Table(("UID", "Tags", "What is wrong"), rows)
    return [table, text] if rows else [text]
