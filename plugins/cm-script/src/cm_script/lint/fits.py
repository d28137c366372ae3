"""Whether anything can serve a query: a recipe, with the variations, which go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from cm_script.dialects import for_form
from cm_script.hints import listed, nearest
from cm_script.lint.universe import Recipe, Universe, lacking, mapping
from cm_script.query import Query, parse_query
from cm_script.variations import resolve
from cmcore.errors import CmError, UsageError
from cmcore.naming import split_tags


class Misfit(NamedTuple):
    """Why nothing can serve a query: rule, sentence, what to do."""

    rule: str
    message: str
    fix: str


def query_of(tags: object) -> Query | None:
    """What a dependency is certain to ask for: without tags that are filled in at run time.

    Raises:
        CmError: the tags contradict themselves, or are variations only.
    """
    words = split_tags(tags if is_text(tags) else "")
    fixed = [word for word in words if "<<<" not in word and "#" not in word]
    if not fixed or (len(fixed) < len(words) and all(_is_variation(w) for w in fixed)):
        return None
    return parse_query(fixed)


def is_text(value: object) -> TypeGuard[str | list[Any]]:
    """Whether tags are given in a form that can be read."""
    return isinstance(value, (str, list))


def _is_variation(word: str) -> bool:
    return word.startswith(("_", "-_"))


def misfit(universe: Universe, query: Query) -> Misfit | None:
    """None when some recipe can serve the query, as far as its meta says."""
    memo: dict[Query, Misfit | None] = universe.memo.setdefault("misfit", {})
    if query not in memo:
        memo[query] = _misfit(universe, query)
    return memo[query]


def fitting(universe: Universe, query: Query) -> list[Recipe]:
    """The recipes that the engine would choose from."""
    asked = (*query.variations, *query.excluded_variations)
    return [recipe for recipe in universe.find(query) if not lacking(recipe, asked)]


def _misfit(universe: Universe, query: Query) -> Misfit | None:
    found = universe.find(query)
    if not found:
        return Misfit(
            "no-recipe", f"no recipe has the tags {query.script_tags}", _near(universe, query)
        )
    able = fitting(universe, query)
    if not able:
        asked = (*query.variations, *query.excluded_variations)
        misses = [lacking(recipe, asked) for recipe in found]
        best, missing = min(zip(found, misses, strict=True), key=lambda pair: len(pair[1]))
        names = list(dict.fromkeys(recipe.alias for recipe in found))
        told = names[0] if len(names) == 1 else f"none of {listed(names)}"
        verb = "has no" if len(names) == 1 else "has"
        known = [key for key in best.variations if "," not in key]
        return Misfit(
            "no-variation",
            f"{told} {verb} variation '{missing[0]}'",
            nearest(missing[0], known, "variations"),
        )
    refusals = []
    for recipe in able:
        problem = _refused(recipe, query)
        if problem is None:
            return None
        refusals.append((recipe.alias, problem))
    alias, problem = refusals[0]
    whose = isinstance(problem, UsageError)
    fix = "ask for variations that go together" if whose else f"correct recipe {alias}"
    return Misfit("variations-clash", f"{alias}: {problem.message}", fix)


def _refused(recipe: Recipe, query: Query) -> CmError | None:
    """What the engine says against the variations of a query."""
    if not query.explicit or "update_meta_if_env" in recipe.meta:
        # Conditional blocks may choose other defaults.
        return None
    dialect = for_form(recipe.form)
    outer = [mapping(recipe.meta.get("default_variations"))]
    try:
        resolve(
            query.explicit,
            recipe.meta,
            dialect,
            outer if dialect.recipe_default_variations else (),
        )
    except CmError as error:
        return error
    except (TypeError, AttributeError, ValueError, KeyError):
        return None  # values of wrong types, which are reported where they stand
    return None


def _near(universe: Universe, query: Query) -> str:
    by_tag = universe.tags()
    elsewhere = "; or register the collection that has it"
    strange = [tag for tag in query.tags if tag not in by_tag]
    if strange:
        rest = query._replace(tags=tuple(tag for tag in query.tags if tag != strange[0]))
        near = universe.find(rest) if rest.tags else []
        if any(not lacking(recipe, strange[:1]) for recipe in near):
            return f"'{strange[0]}' is a variation: write '_{strange[0]}'"
        return f"no recipe has tag '{strange[0]}'; {nearest(strange[0], by_tag, 'tags')}{elsewhere}"
    recipes = universe.recipes.values()
    best = max((len(r.tags.intersection(query.tags)) for r in recipes), default=0)
    close = [r.alias for r in recipes if len(r.tags.intersection(query.tags)) == best]
    return f"nearest are {listed(list(dict.fromkeys(close))[:3])}{elsewhere}"


def with_tags(dep: Mapping[str, Any], more: list[str]) -> Query | None:
    """What a dependency asks for when tags are added to it; None when that is open.

    Raises:
        CmError: the tags contradict each other.
    """
    own = dep.get("tags")
    tags = split_tags(own if is_text(own) else "")
    return query_of([*tags, *(tag for tag in more if tag not in tags)]) if tags else None
