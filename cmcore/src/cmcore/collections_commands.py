"""`cm add|find|show|rm|import collection`."""

from __future__ import annotations

import os

from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Collection, Flag, Request, Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context

#: Flags of `add`, `import` and the rest, for help and completion.
ADD_FLAGS = (Flag("name", "call it so instead of by the alias in its meta file", "NAME"),)
IMPORT_FLAGS = (
    Flag("from", "which home: cm, mlc, or cm,mlc for both", "KIND"),
    Flag("path", "the home, instead of $CM_REPOS or ~/CM, $MLC_REPOS or ~/MLC/repos", "FOLDER"),
)

_MOST_REMARKS = 5


def add(ctx: Context, request: Request) -> Result:
    """`cm add collection PATH [--name=NAME]`: register a folder in place and index it.

    Raises:
        UsageError, ExistsError, StorageError: see `Collections.add`.
    """
    paths = request.artifacts or ((str(request.flags["path"]),) if "path" in request.flags else ())
    if len(paths) != 1:
        raise UsageError("expected one folder", hint="cm add collection FOLDER")
    collection = ctx.collections.add(paths[0], _text(request, "name"))
    counts, warnings = _index(ctx, collection)
    view = f"collection '{collection.name}' ({_summary(counts)}) at {collection.path}"
    return Result(_data(collection) | {"artifacts": counts}, view, warnings=warnings)


def search(ctx: Context, request: Request) -> Result:
    """`cm find collection [NAME...]`: names and folders, in search order."""
    found = _matching(ctx, request)
    rows = [(c.name, c.uid, c.kind, c.distribution, c.path) for c in found]
    view = Table(("name", "UID", "kind", "package", "path"), rows, plain=4)
    return Result(
        {"list": [_data(c) for c in found]}, view, warnings=tuple(ctx.collections.warnings())
    )


def show(ctx: Context, request: Request) -> Result:
    """`cm show collection [NAME...]`: what is in it, and what is odd about its meta files."""
    views: list[str | Table] = []
    data = []
    for collection in _matching(ctx, request):
        counts = ctx.index.refresh(collection)
        remarks = ctx.index.remarks(collection)
        lines = [
            f"{collection.name}" + (f",{collection.uid}" if collection.uid else ""),
            f"  path: {collection.path}",
            f"  kind: {collection.kind}{'' if collection.writable else ', read-only'}",
            f"  artifacts: {_summary(counts)}",
        ]
        if collection.root != collection.path:
            lines.insert(2, f"  artifacts below: {collection.root}")
        if collection.distribution:
            lines.append(f"  package: {collection.distribution}")
        if remarks:
            lines.append(f"  remarks on meta files ({len(remarks)}):")
            lines += [f"    {remark}" for remark in remarks]
        views.append("\n".join(lines))
        data.append(_data(collection) | {"artifacts": counts, "remarks": remarks})
    return Result({"list": data}, views, warnings=tuple(ctx.collections.warnings()))


def remove(ctx: Context, request: Request) -> Result:
    """`cm rm collection NAME...`: forget registered folders; deletes no file.

    Raises:
        UsageError, NotFoundError, AmbiguousError: see `Collections.remove`.
    """
    if not request.artifacts:
        raise UsageError("expected the name of a collection", hint="cm rm collection NAME")
    removed = [ctx.collections.remove(name) for name in request.artifacts]
    view = "\n".join(f"forgot '{c.name}'; its files stay in {c.path}" for c in removed)
    return Result({"removed": [_data(c) for c in removed]}, view)


def import_home(ctx: Context, request: Request) -> Result:
    """`cm import collection --from=cm|mlc|cm,mlc [--path=FOLDER]`.

    Raises:
        UsageError: no kind, an unknown one, or one path for two kinds.
        NotFoundError: there is no such home.
    """
    from cmcore.collection_import import import_home as take_over
    from cmcore.naming import split_tags

    kinds = split_tags([*request.artifacts, _text(request, "from")])
    path = _text(request, "path")
    if not kinds or (path and len(kinds) > 1):
        raise UsageError(
            "expected --from=cm or --from=mlc, and no --path with both",
            hint="cm import collection --from=cm,mlc",
        )
    data: dict[str, Any] = {"taken": [], "known": [], "skipped": []}
    views: list[str | Table] = []
    warnings: list[str] = []
    for kind in kinds:
        result = take_over(ctx.collections, kind, path or None)
        rows = []
        for collection in result.taken:
            counts, odd = _index(ctx, collection)
            warnings += odd
            rows.append((collection.name, f"taken over, {_summary(counts)}", collection.path))
        rows += [(c.name, "was registered already", c.path) for c in result.known]
        rows += [(os.path.basename(p), f"skipped: {why}", p) for p, why in result.skipped]
        views += [f"from {result.home}:", Table(("collection", "what happened", "path"), rows)]
        data["taken"] += [_data(c) for c in result.taken]
        data["known"] += [_data(c) for c in result.known]
        data["skipped"] += [{"path": p, "reason": why} for p, why in result.skipped]
    return Result(data, views, warnings=tuple(warnings))


def _matching(ctx: Context, request: Request) -> list[Collection]:
    if not request.artifacts:
        return ctx.collections.all()
    found: list[Collection] = []
    for name in request.artifacts:
        some = ctx.collections.find(name) if name != "." else []
        found += some or [ctx.collections.get(name)]
    return sorted(set(found), key=found.index)


def _index(ctx: Context, collection: Collection) -> tuple[dict[str, int], tuple[str, ...]]:
    counts = ctx.index.refresh(collection)
    remarks = ctx.index.remarks(collection)
    more = len(remarks) - _MOST_REMARKS
    warnings = remarks[:_MOST_REMARKS]
    if more > 0:
        warnings.append(f"{more} more; 'cm show collection {collection.name}' lists all")
    return counts, tuple(warnings)


def _summary(counts: dict[str, int]) -> str:
    parts = [f"{count} {automation}" for automation, count in sorted(counts.items()) if count]
    return ", ".join(parts) or "no artifacts"


def _data(collection: Collection) -> dict[str, Any]:
    return dict(collection._asdict())


def _text(request: Request, key: str) -> str:
    value = request.flags.get(key, "")
    if isinstance(value, list):
        value = ",".join(map(str, value))
    if not isinstance(value, str):
        raise UsageError(f"--{key} needs a value")
    return value
