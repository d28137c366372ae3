"""What recipes do and take: `cm help script`, `cm show script`, and shell completion.

`help` explains the recipe that a run would take; `show` is about recipes as they lie in
collections, and lists all that fit.
"""

from __future__ import annotations

from cmcore.errors import NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Iterable, Sequence
from cmcore.types import Request, Result, Table

if TYPE_CHECKING:
    from cm_script.documenting.recipes import Recipes
    from cm_script.query import Query
    from cmcore.context import Context
    from cmcore.types import Artifact


def describe(ctx: Context, request: Request) -> Result:
    """`cm help script TAGS`: the recipe that a run of these words would take.

    Returns:
        `list`, the recipes that fit, and `recipe`, the description of the one that is meant or
        None; see `documenting.facts`.

    Raises:
        CmError: no recipe fits; the hint tells what is near.
    """
    from cm_script import select
    from cm_script.documenting.recipes import Recipes
    from cm_script.query import from_words

    with ctx.index.hold():
        words = _words(request)
        query = from_words(words, request.flags.get("tags") or "")
        found, query = select.find(_search(ctx), query)
        fitting = _of_dialect(select.candidates(found, query), request)
        names = [collection.name for collection in ctx.collections.all()]
        left = select.rivals(fitting, names)
        if len(left) > 1:
            return _several(ctx, left, query, request)
        elsewhere = [f"{a.collection.name} ({a.form})" for a in fitting if a is not left[0]]
        return _one(ctx, left[0], query, request, Recipes.all(ctx), elsewhere)


def show(ctx: Context, request: Request) -> Result:
    """`cm show script [NAME|TAGS...]`: one recipe in full, or a list of several.

    Returns:
        as `describe`; each of `list` also has `cid`, `files` and `meta`.

    Raises:
        CmError: no recipe fits; the hint tells what is near.
    """
    from cm_script import select
    from cm_script.documenting.recipes import Recipes
    from cm_script.query import Query, from_words

    tags = request.flags.get("tags") or ""
    with ctx.index.hold():
        query = Query()
        found: dict[str, Artifact] = {}
        for word in request.artifacts or ([""] if tags else []):
            query = from_words([word] if word else [], tags)
            some, query = select.find(_search(ctx), query)
            found.update((a.path, a) for a in select.candidates(some, query))
        if not (request.artifacts or tags):
            found = {artifact.path: artifact for artifact in ctx.search("script")}
        fitting = _of_dialect(list(found.values()), request)
        if len(fitting) == 1:
            result = _one(ctx, fitting[0], query, request, Recipes.all(ctx), ())
        else:
            result = _several(ctx, fitting, query, request)
    warnings = tuple(ctx.index.remarks_on(fitting[0])) if len(fitting) == 1 else ()
    # A person gets none of this, and a collection holds hundreds of metas to parse.
    tell = _brief if request.console and len(fitting) > 1 else _listed
    items = [tell(artifact) for artifact in fitting]
    return result._replace(data={**result.data, "list": items}, warnings=warnings)


def complete(ctx: Context, request: Request, incomplete: str) -> Iterable[str]:
    """Tags of recipes, or `_variations` of those that the words so far leave."""
    head, comma, last = incomplete.rpartition(",")
    tags = ",".join(w for w in head.split(",") if w and not w.startswith("_"))
    found = ctx.search("script", tags=tags)
    if last.startswith("_"):
        tables = [a.meta.get("variations") for a in found]
        words = sorted({f"_{v}" for table in tables if isinstance(table, dict) for v in table})
    else:
        words = sorted({t for a in found for t in a.tags})
    return [f"{head}{comma}{w}" for w in words if w.startswith(last)]


#: How many recipes a list shows before the rest is folded.
_LISTED = 20
#: CM's identifier of the automation, as in our manifest.
_UID = "5b4e0237da074764"
_TAGS = 6


def _words(request: Request) -> list[str]:
    return [str(word) for word in request.artifacts]


def _search(ctx: Context) -> Callable[[str, str], Sequence[Artifact]]:
    return lambda name, tags: ctx.search("script", artifact=name, tags=tags)


def _on(request: Request, flag: str) -> bool:
    from cm_script.flags import is_on

    return is_on(request.flags.get(flag))


def _of_dialect(found: Sequence[Artifact], request: Request) -> list[Artifact]:
    wanted = request.flags.get("dialect")
    left = [artifact for artifact in found if artifact.form == wanted or not wanted]
    if left or not found:
        return left
    forms = " and ".join(sorted({artifact.form for artifact in found}))
    raise NotFoundError(
        f"no recipe of dialect '{wanted}' fits", hint=f"there is one of dialect {forms}"
    )


def _one(
    ctx: Context,
    artifact: Artifact,
    query: Query,
    request: Request,
    recipes: Recipes,
    elsewhere: Sequence[str],
) -> Result:
    from cm_script.documenting import terminal, variants
    from cm_script.documenting.facts import facts

    found = facts(artifact, recipes)
    if query.explicit:
        meta = recipes.meta(artifact)
        found["asked_for"] = list(query.explicit)
        found["switched_on"] = variants.chosen(meta, artifact.form, query.explicit)
    view = terminal.draw(
        found,
        query.variations,
        ctx.console.width(),
        ctx.console.bold,
        elsewhere=elsewhere,
        everything=_on(request, "all"),
    )
    return Result({"recipe": found, "list": [_brief(artifact)]}, view)


def _several(ctx: Context, found: Sequence[Artifact], query: Query, request: Request) -> Result:
    """A table, and what would leave fewer of them: for a pipe all rows and nothing else."""
    from cm_script.documenting.lines import Lines

    width = ctx.console.width()
    several = len({artifact.collection.name for artifact in found}) > 1
    whole = width is None or _on(request, "all") or len(found) <= _LISTED + 1
    shown = found if whole else found[:_LISTED]
    rows = []
    for artifact in shown:
        more = [tag for tag in artifact.tags if tag not in query.tags]
        left = len(more) - _TAGS
        text = " ".join(more[:_TAGS]) + (f" and {left} more" if left > 0 else "")
        where = artifact.collection.name if several else artifact.form
        rows.append((artifact.alias or artifact.uid, where, text))
    tags = "more tags" if query.tags else "tags"
    table = Table(("recipe", "collection" if several else "dialect", tags), rows, plain=0)
    data = {"recipe": None, "list": [_brief(a) for a in found]}
    hint = f"{len(found)} recipes fit. {_narrower(found, query, request.action)}"
    if width is None:
        ctx.console.log(hint)
        return Result(data, table)
    lines = Lines(width)
    if len(shown) < len(found):
        lines.text(f"... and {len(found) - len(shown)} more (--all shows them)", 0)
    lines.text(hint, 0)
    return Result(data, [table, str(lines)])


def _narrower(found: Sequence[Artifact], query: Query, action: str) -> str:
    """The shortest things to say that leave one recipe."""
    first = found[0] if found else None
    if first is None:
        return "'cm add collection FOLDER' registers some."
    same = [a for a in found if a.alias == first.alias]
    name = first.alias or first.uid
    if len({a.collection.name for a in same}) == len(same) > 1:
        name = f"{first.collection.name}:{name}"
    ways = [f"cm {action} script {name}"]
    if len({artifact.form for artifact in found}) > 1:
        ways.append("--dialect=cm or --dialect=mlc")
    own = [tag for tag in first.tags if sum(tag in a.tags for a in found) == 1]
    if query.tags and own:
        ways.append("one more tag, such as " + own[0])
    return "One is told by its name: " + ", or ".join(ways) + "."


def _brief(artifact: Artifact) -> dict[str, Any]:
    return {
        "alias": artifact.alias,
        "uid": artifact.uid,
        "automation": artifact.automation,
        "tags": list(artifact.tags),
        "path": artifact.path,
        "form": artifact.form,
        "collection": artifact.collection.name,
    }


def _listed(artifact: Artifact) -> dict[str, Any]:
    from cm_script.documenting.folder import listing

    return {
        **_brief(artifact),
        "cid": f"{artifact.automation},{_UID}::{artifact.name}",
        "files": listing(artifact.path),
        "meta": artifact.meta,
    }
