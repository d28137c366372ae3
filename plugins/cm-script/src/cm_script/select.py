"""Choosing one recipe among those that fit a query.

The order of preference never depends on who is looking: meta key `sort`, then path. When recipes
of both dialects fit, the parent's dialect wins, else that of the collection that comes first; a
recipe that several collections carry under one UID counts once. Whoever could be asked is asked;
otherwise the first one is taken and a sentence says so.
"""

from __future__ import annotations

from cm_script.query import Query, as_tags
from cm_script.varnames import key_of
from cmcore.hints import TYPE_CHECKING, Any, Callable, Collection, NamedTuple, Sequence

if TYPE_CHECKING:
    from cmcore.types import Artifact

#: `(name, script tags) -> recipes`, in the order of their collections.
Search = Callable[[str, str], "Sequence[Artifact]"]
#: `(question, options) -> index of the option chosen`.
Ask = Callable[[str, "Sequence[str]"], int]


#: Grounds of a choice that was none.
ONLY = "the only one that fits"


class Choice(NamedTuple):
    """The recipe that was chosen, a sentence when the choice was not forced, and the grounds."""

    artifact: Artifact
    note: str = ""
    reason: str = ""


def find(search: Search, query: Query) -> tuple[list[Artifact], Query]:
    """Recipes that fit a query's name and tags, whatever their variations.

    A name that no recipe has is tried as a tag: `cm run script detect` may mean either.

    Returns:
        The recipes, and the query as it was understood.

    Raises:
        NotFoundError: nothing fits; the hint tells what is near.
    """
    found = list(search(query.name, query.script_tags))
    if not found:
        again = as_tags(query)
        if again is not None:
            found = list(search("", again.script_tags))
            if found:
                query = again
    if not found:
        from cm_script.misses import no_recipe

        raise no_recipe(search, query)
    return found, query


def candidates(artifacts: Sequence[Artifact], query: Query) -> list[Artifact]:
    """Recipes that have every variation asked for or excluded, by (sort, path).

    Raises:
        NotFoundError: none has them; the hint names variations that are near.
    """
    asked = (*query.variations, *query.excluded_variations)
    if len(artifacts) == 1 and not asked:
        return list(artifacts)  # the rule, as nothing is left to filter or to sort
    metas = [(artifact, artifact.meta) for artifact in artifacts]
    fitting = [
        (artifact, meta)
        for artifact, meta in metas
        if all(key_of(name, _variations(meta)) for name in asked)
    ]
    if not fitting:
        from cm_script.misses import no_variation

        raise no_variation([(a, _variations(meta)) for a, meta in metas], query)
    fitting.sort(key=lambda pair: (_priority(pair[1]), pair[0].path))
    return [artifact for artifact, _ in fitting]


def _variations(meta: dict[str, Any]) -> dict[str, Any]:
    table = meta.get("variations")
    return table if isinstance(table, dict) else {}


def _priority(meta: dict[str, Any]) -> float:
    sort = meta.get("sort", 0)
    return sort if isinstance(sort, (int, float)) else 0


def choose(
    found: Sequence[Artifact],
    query: Query,
    *,
    collections: Sequence[str] = (),
    parent_form: str = "",
    remembered: list[dict[str, Any]] | None = None,
    cached: Callable[[Sequence[Artifact]], Collection[str]] | None = None,
    ask: Ask | None = None,
) -> Choice:
    """Choose one of the candidates.

    Args:
        found: candidates, in order of preference; at least one.
        query: what was asked for.
        collections: names of collections in search order, to tell copies of a recipe apart.
        parent_form: dialect of the recipe that asks, or "".
        remembered: choices made earlier for the same tags (`type`, `tags`, `cached_script`);
            a choice made here joins them. None neither reads nor keeps any.
        cached: paths of those recipes among its argument that have a finished cache entry.
        ask: how to ask a person; None when nobody can be asked.
    """
    left = _one_dialect(found, collections, parent_form)
    grounds = [] if len(left) == len(found) else [_dialect_grounds(left, parent_form)]
    several = len(left)
    left = _without_copies(left, collections)
    if len(left) < several:
        grounds.append("the first collection that has it")
    if len(left) > 1 and remembered is not None:
        earlier = _recall(left, query, remembered)
        if earlier is not None:
            return Choice(earlier, reason="chosen earlier in this request")
    if len(left) > 1 and cached is not None:
        paths = cached(left)
        several = len(left)
        left = [artifact for artifact in left if artifact.path in paths] or left
        if len(left) < several:
            grounds.append("it has a cached result")
    if len(left) == 1:
        return Choice(left[0], reason=", ".join(grounds) or ONLY)
    chosen, note = _decide(left, query, ask)
    grounds.append("a person chose it" if ask else f"first of {len(left)} by sort and path")
    if remembered is not None:
        remembered.append({"type": "script", "tags": query.script_tags, "cached_script": chosen})
    return Choice(chosen, note, ", ".join(grounds))


def rivals(
    found: Sequence[Artifact], collections: Sequence[str], parent_form: str = ""
) -> list[Artifact]:
    """Those of the candidates that are left when dialect and copies have been sorted out.

    The first one is what a run takes when neither the cache nor a person decides.
    """
    return _without_copies(_one_dialect(found, collections, parent_form), collections)


def _dialect_grounds(left: Sequence[Artifact], parent_form: str) -> str:
    form = left[0].form
    if form == parent_form:
        return f"the parent's dialect ({form})"
    return f"the dialect of the first collection ({form})"


def _rank(artifact: Artifact, collections: Sequence[str]) -> int:
    name = artifact.collection.name
    return collections.index(name) if name in collections else len(collections)


def _one_dialect(
    found: Sequence[Artifact], collections: Sequence[str], parent_form: str
) -> list[Artifact]:
    forms = {artifact.form for artifact in found}
    if len(forms) < 2:
        return list(found)
    form = parent_form
    if form not in forms:
        form = min(found, key=lambda artifact: _rank(artifact, collections)).form
    return [artifact for artifact in found if artifact.form == form]


def _without_copies(found: Sequence[Artifact], collections: Sequence[str]) -> list[Artifact]:
    """Of recipes with one UID in several collections, the one of the first collection.

    Within one collection a doubled UID is a slip of its authors; both recipes stay to choose from.
    """
    home: dict[str, str] = {}
    for artifact in sorted(found, key=lambda a: _rank(a, collections)):
        if artifact.uid:
            home.setdefault(artifact.uid, artifact.collection.name)
    return [a for a in found if home.get(a.uid, a.collection.name) == a.collection.name]


def _recall(
    left: Sequence[Artifact], query: Query, remembered: Sequence[dict[str, Any]]
) -> Artifact | None:
    tags = set(query.script_tags.split(","))
    for choice in remembered:
        if choice.get("type") != "script" or set(str(choice.get("tags")).split(",")) != tags:
            continue
        path = getattr(choice.get("cached_script"), "path", choice.get("cached_script"))
        for artifact in left:
            if artifact.path == path:
                return artifact
    return None


def _decide(left: Sequence[Artifact], query: Query, ask: Ask | None) -> tuple[Artifact, str]:
    if ask is not None:
        question = f"More than one recipe fits '{query.told()}'"
        at = ask(question, [f"{a.name} ({','.join(a.tags)})" for a in left])
        return left[at if 0 <= at < len(left) else 0], ""
    others = ", ".join(a.alias or a.uid for a in left[1:])
    first = left[0].alias or left[0].uid
    return left[0], (
        f"'{query.told()}' fits {len(left)} recipes; {first} is taken, not {others} "
        "(give more tags or its name to choose)"
    )
