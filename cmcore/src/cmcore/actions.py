"""What every automation with artifacts can do, unless its plugin does it another way.

`search`, `load` and `show` stand here; the actions that change files stand in `action_add` and
`action_edit`, which are imported when one of them is called. `COMMON` lists all with their flags.
"""

from __future__ import annotations

import os

from cmcore.action_names import describe, flag, not_found, one, selected
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Action, Artifact, Flag, Request, Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context

__all__ = ["COMMON", "add", "copy", "load", "move", "remove", "search", "show", "update"]


def search(ctx: Context, request: Request) -> Result:
    """`cm find NOUN [NAME...] [--tags=a,b,-c]`.

    The data lists alias, UID, tags and path of each, and its meta for callers that are programs.
    Nothing found is no error.
    """
    found = selected(ctx, request)
    rows = [(a.alias, a.uid, ",".join(a.tags), a.path) for a in found]
    items = [describe(a) if request.console else {**describe(a), "meta": a.meta} for a in found]
    view = Table(("alias", "UID", "tags", "path"), rows, plain=3)
    return Result({"list": items}, view, warnings=tuple(_warnings(ctx)))


def load(ctx: Context, request: Request) -> Result:
    """`cm load NOUN NAME`: the whole meta of one artifact, with what it inherits.

    Raises:
        NotFoundError, AmbiguousError: not exactly one fits.
    """
    artifact = one(ctx, request)
    meta, own = artifact.meta, _own_meta(artifact)
    if flag(request, "yaml"):
        from cmcore.yamlio import dump_yaml

        view = dump_yaml(meta).rstrip()
    else:
        import json

        view = json.dumps(meta, indent=2, ensure_ascii=False)
    data = {"path": artifact.path, "meta": meta, "original_meta": own}
    remarks = ctx.index.remarks_on(artifact)
    return Result(
        {**data, "artifact": describe(artifact)},
        view,
        warnings=(*_warnings(ctx), *remarks),
    )


def show(ctx: Context, request: Request) -> Result:
    """`cm show NOUN [NAME...]`: what a person wants to know of artifacts.

    Raises:
        NotFoundError: none fits.
    """
    found = selected(ctx, request)
    if not found:
        raise not_found(ctx, request)
    noun = ctx.registry.automation(request.automation)
    noun_id = ",".join(p for p in (noun.name, noun.uid) if p) if noun else request.automation
    views: list[str | Table] = []
    items = []
    remarks: list[str] = []
    for artifact in found:
        files = _files(artifact.path)
        cid = f"{noun_id}::{artifact.name}"
        where = artifact.collection
        lines = [
            artifact.name,
            f"  id: {cid}",
            f"  path: {artifact.path}",
            f"  collection: {where.name}" + f" ({where.distribution})" * bool(where.distribution),
            f"  tags: {','.join(artifact.tags)}",
            f"  files: {' '.join(files)}",
        ]
        views.append("\n".join(lines))
        items.append({**describe(artifact), "cid": cid, "files": files, "meta": artifact.meta})
        remarks += ctx.index.remarks_on(artifact)
    return Result({"list": items}, views, warnings=(*_warnings(ctx), *remarks))


def add(ctx: Context, request: Request) -> Result:
    """`cm add NOUN [NAME]`; see `cmcore.action_add`."""
    from cmcore import action_add

    return action_add.add(ctx, request)


def copy(ctx: Context, request: Request) -> Result:
    """`cm cp NOUN NAME TARGET`; see `cmcore.action_add`."""
    from cmcore import action_add

    return action_add.copy(ctx, request)


def update(ctx: Context, request: Request) -> Result:
    """`cm update NOUN NAME...`; see `cmcore.action_edit`."""
    from cmcore import action_edit

    return action_edit.update(ctx, request)


def move(ctx: Context, request: Request) -> Result:
    """`cm mv NOUN NAME TARGET`; see `cmcore.action_edit`."""
    from cmcore import action_edit

    return action_edit.move(ctx, request)


def remove(ctx: Context, request: Request) -> Result:
    """`cm rm NOUN NAME...`; see `cmcore.action_edit`."""
    from cmcore import action_edit

    return action_edit.remove(ctx, request)


def _own_meta(artifact: Artifact) -> dict[str, Any]:
    from cmcore.artifacts import read_meta

    return read_meta(artifact.path).data


def _files(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name + os.sep * e.is_dir() for e in entries)
    except OSError:
        return []


def _warnings(ctx: Context) -> list[str]:
    return [*ctx.collections.warnings(), *ctx.index.warnings()]


_TAGS = Flag("tags", "has these tags, and not those with a minus: a,b,-c", "TAGS")
_FORCE = (Flag("force", "do it without asking"), Flag("f", "the same as --force"))
_META = Flag("meta", "a key of the meta: --meta.KEY=VALUE", "KEY=VALUE")
_NEW_FILE = (
    Flag("form", "dialect of the meta file: cm (_cm.yaml) or mlc (meta.yaml)", "FORM"),
    Flag("json", "write the meta as JSON"),
    Flag("yaml", "write the meta as YAML (the default)"),
)

#: The actions by canonical verb; `automation` is filled in by whoever shows them.
COMMON: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            "search",
            "",
            "find artifacts by name and tags",
            search,
            "[[COLLECTION:]NAME...]",
            (_TAGS,),
            examples=("cm find script 'get-*' --tags=python,-venv",),
        ),
        Action(
            "add",
            "",
            "create an artifact",
            add,
            "[COLLECTION:][NAME][,UID]",
            (Flag("tags", "its tags", "TAGS"), _META, *_NEW_FILE),
            examples=("cm add script my-tool --tags=my,tool",),
        ),
        Action(
            "load",
            "",
            "print the meta of one artifact",
            load,
            "[COLLECTION:]NAME",
            (_TAGS, Flag("yaml", "print YAML instead of JSON")),
            examples=("cm load script detect-os",),
        ),
        Action(
            "update",
            "",
            "change the meta of artifacts, or add one",
            update,
            "[COLLECTION:]NAME...",
            (
                Flag("search_tags", "update those with these tags", "TAGS"),
                Flag("tags", "the new tags, instead of the present ones", "TAGS"),
                _META,
                Flag("replace", "forget all other keys of the meta"),
                Flag("replace_lists", "lists replace lists instead of adding to them"),
                *_FORCE,
                *_NEW_FILE,
            ),
            examples=("cm update script my-tool --meta.env.MODE=fast",),
        ),
        Action(
            "remove",
            "",
            "delete artifacts with their files",
            remove,
            "[COLLECTION:]NAME...",
            (_TAGS, *_FORCE),
            examples=("cm rm script my-tool",),
        ),
        Action(
            "move",
            "",
            "rename an artifact or move it to another collection",
            move,
            "[COLLECTION:]NAME [COLLECTION:][NAME]",
            (_TAGS,),
            examples=("cm mv script my-tool better-name", "cm mv script my-tool other:"),
        ),
        Action(
            "copy",
            "",
            "copy an artifact; the copy gets a UID of its own",
            copy,
            "[COLLECTION:]NAME [COLLECTION:][NAME]",
            (_TAGS, Flag("new_tags", "tags of the copy", "TAGS")),
            examples=("cm cp script detect-os local:my-detect-os",),
        ),
        Action(
            "show",
            "",
            "describe artifacts: id, path, collection, tags, files",
            show,
            "[COLLECTION:]NAME...",
            (_TAGS,),
            examples=("cm show script detect-os",),
        ),
    )
}
