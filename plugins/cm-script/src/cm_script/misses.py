"""Errors of selection: what was asked for in vain, and what comes nearest."""

from __future__ import annotations

from cm_script.hints import listed, nearest
from cm_script.varnames import key_of
from cmcore.errors import NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.query import Query
    from cm_script.select import Search
    from cmcore.types import Artifact


def no_recipe(search: Search, query: Query) -> NotFoundError:
    """No recipe has the name, or none has all the tags and lacks the excluded ones."""
    everything = list(search("", ""))
    if not everything:
        return NotFoundError(
            f"no recipe fits '{query.told()}'",
            hint="no collection of recipes is registered; see cm add collection --help",
        )
    if query.name and query.text() and _called(everything, query.name):
        named = _called(everything, query.name)[0]
        return NotFoundError(
            f"recipe '{query.name}' does not have the tags '{query.text()}'",
            hint=f"it has {','.join(named.tags)}",
        )
    if query.name:
        names = {a.alias for a in everything} | {t for a in everything for t in a.tags}
        return NotFoundError(
            f"there is no recipe '{query.name}'"
            + (f" with tags '{query.text()}'" if query.text() else ""),
            hint=nearest(query.name.partition(",")[0], names, "recipes")
            + "; `cm search script` lists what is there",
        )
    known = {tag for artifact in everything for tag in artifact.tags}
    strange = [tag for tag in query.tags if tag not in known]
    if strange:
        return NotFoundError(
            f"no recipe has the tag '{strange[0]}'", hint=nearest(strange[0], known, "tags")
        )
    return NotFoundError(
        f"no recipe has all the tags '{query.script_tags}'", hint=_closest(everything, query)
    )


def _called(everything: Sequence[Artifact], name: str) -> list[Artifact]:
    return [artifact for artifact in everything if artifact.alias.lower() == name.lower()]


def _closest(everything: Sequence[Artifact], query: Query) -> str:
    """The recipes that have most of the tags."""
    wanted = set(query.tags)
    best = max(len(wanted.intersection(artifact.tags)) for artifact in everything)
    near = [a for a in everything if len(wanted.intersection(a.tags)) == best]
    if best == len(wanted):
        return "excluded tags rule out " + listed(a.alias or a.uid for a in near)
    return "nearest are " + "; ".join(f"{a.alias} ({','.join(a.tags)})" for a in near[:3])


def no_variation(
    recipes: Sequence[tuple[Artifact, Mapping[str, Any]]], query: Query
) -> NotFoundError:
    """Recipes with these tags exist, but none has all the variations."""
    asked = (*query.variations, *query.excluded_variations)
    # The recipe that lacks fewest of them is most likely the one that was meant.
    artifact, table = min(
        recipes, key=lambda pair: sum(not key_of(name, pair[1]) for name in asked)
    )
    missing = next(name for name in asked if not key_of(name, table))
    which = f"recipe {artifact.alias or artifact.uid}"
    if len(recipes) > 1:
        which = f"none of the {len(recipes)} recipes that fit '{query.script_tags}'"
        verb = "has"
    else:
        verb = "has no"
    return NotFoundError(
        f"{which} {verb} variation '{missing}'",
        hint=nearest(missing, (key for key in table if "," not in key), "variations"),
        where=artifact.path if len(recipes) == 1 else "",
    )
