"""Which recipes a request can come to need, whatever a run decides that a plan cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cm_script.planning import node
from cm_script.query import parse_query
from cm_script.scope import DEP_KINDS
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.planning.inside import InsideEngine
    from cmcore.types import Artifact


def of(engine: InsideEngine) -> tuple[list[Artifact], bool]:
    """The recipes of a plan and of all below what it does not look into, by their name.

    The second value tells whether code of theirs may call for further ones.
    """
    root = engine.planner.root
    found: dict[str, Artifact] = {}
    waiting: list[Artifact] = []
    calls = False
    for one in root.walk() if root is not None else ():
        if one.recipe is None or one.outcome == node.SKIPPED:
            continue
        found.setdefault(one.recipe.path, one.recipe)
        if one.outcome == node.MAYBE:
            waiting.append(one.recipe)
        elif one.run is not None:
            calls = calls or engine.planner.source(one.run).runs_recipes
    seen: set[str] = set()
    while waiting:
        artifact = waiting.pop()
        if artifact.path in seen:
            continue
        seen.add(artifact.path)
        found.setdefault(artifact.path, artifact)
        for tags in _tags(artifact.meta):
            some = _fitting(engine, tags, artifact.form)
            calls = calls or some is None
            waiting += some or []
    return sorted(found.values(), key=lambda one: (one.alias, one.uid, one.path)), calls


def _fitting(engine: InsideEngine, tags: str, form: str) -> list[Artifact] | None:
    """Recipes that tags may select; None when only a run can tell."""
    if "<<<" in tags:
        return None
    try:
        fitting = engine.recipes("", parse_query(tags).script_tags)
    except CmError:
        return []
    return [one for one in fitting if one.form == form] or fitting


def _tags(value: Any) -> Iterator[str]:
    """Tags of all dependencies in a meta, wherever they stand."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in DEP_KINDS and isinstance(item, list):
                for dep in item:
                    if isinstance(dep, Mapping) and dep.get("tags"):
                        yield str(dep["tags"])
            yield from _tags(item)
    elif isinstance(value, list):
        for item in value:
            yield from _tags(item)
