"""`cm find|load|show|path cache`: looking at entries."""

from __future__ import annotations

from cm_cache import choose, layout, measures, records, trees
from cm_cache.shelf import Shelf
from cmcore.errors import AmbiguousError, StorageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request


def search(ctx: Context, request: Request) -> Result:
    """`cm find cache`: entries that fit, sorted by tags."""
    shelf, found = _found(ctx, request)
    rows = [(",".join(choose.split_tags(r.tags)), r.version, shelf.folder(r.uid)) for r in found]
    view = Table(("Tags", "Version", "Path"), rows, plain=2) if rows else None
    return Result({"list": [item(shelf, record) for record in found]}, view=view)


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


def show(ctx: Context, request: Request) -> Result:
    """`cm show cache`: what each entry is, where it comes from and when it was used."""
    shelf, found = _found(ctx, request)
    if not found:
        raise choose.nothing_fits(choose.wish_of(request))
    with_env = choose.is_on(request.flags, "env")
    items, texts, warnings = [], [], []
    for record in found:
        shown = {**item(shelf, record), **_about(shelf, record)}
        if with_env:
            try:
                state = records.load_state(shelf.folder(record.uid))
                shown |= {key: state.get(key, {}) for key in ("new_env", "new_state")}
            except StorageError as error:
                warnings.append(f"cache entry {record.uid} is damaged: {error}")
        items.append(shown)
        texts.append(_text(shown, with_env=with_env))
    return Result({"list": items}, view="\n\n".join(texts), warnings=tuple(warnings))


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
        "meta": meta,
    }


def _found(ctx: Context, request: Request) -> tuple[Shelf, list[Record]]:
    shelf = Shelf(ctx)
    return shelf, choose.finished(shelf, choose.wish_of(request))


def _only(ctx: Context, request: Request) -> tuple[Shelf, Record]:
    shelf, found = _found(ctx, request)
    wish = choose.wish_of(request)
    if not found:
        raise choose.nothing_fits(wish)
    if len(found) > 1:
        uids = ", ".join(record.uid for record in found[:5])
        raise AmbiguousError(
            f"{len(found)} cache entries fit {wish.text or 'any entry'}",
            hint=f"name one of {uids}" + (", ..." if len(found) > 5 else ""),
        )
    return shelf, found[0]


def _about(shelf: Shelf, record: Record) -> dict[str, Any]:
    folder = shelf.folder(record.uid)
    return {
        "recipe": records.text(record.meta.get("associated_script_artifact"))
        or records.text(record.meta.get("recipe_alias")),
        "finished": record.kind == records.FINISHED,
        "created": record.created,
        "last_used": layout.last_used(folder, record.created),
        "size": trees.size(folder),
    }


def _text(shown: dict[str, Any], *, with_env: bool) -> str:
    meta = shown["meta"]
    lines = [
        ("Tags", ",".join(choose.split_tags(shown["tags"]))),
        ("Path", shown["path"]),
        ("Version", shown["version"]),
        ("Recipe", shown["recipe"]),
        ("Variations", _words(meta.get("key", {}).get("variations"))),
        ("Made", measures.moment(shown["created"]) + _took(meta)),
        ("Last use", measures.moment(shown["last_used"])),
        ("Size", measures.size_text(shown["size"])),
        ("Depends on", records.text(meta.get("dependent_cached_path"))),
        ("Unfinished", "" if shown["finished"] else meta.get("error") or "interrupted or running"),
    ]
    text = "\n".join(f"{name + ':':<12}{value}" for name, value in lines if value)
    if with_env:
        for key, title in (("new_env", "New environment"), ("new_state", "New state")):
            if shown.get(key):
                text += f"\n{title}:\n{_json(shown[key])}"
    return text


def _words(value: object) -> str:
    return ",".join(str(v) for v in value) if isinstance(value, list) else ""


def _took(meta: dict[str, Any]) -> str:
    seconds = records.seconds(meta.get("seconds"), 0.0)
    return f" in {seconds:.1f} s" if seconds else ""


def _json(data: object) -> str:
    import json

    return json.dumps(data, indent=2, sort_keys=True)
