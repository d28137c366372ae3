"""Checks for dependencies that lead back to their recipe without any condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cm_script.lint.findings import Path, Report
from cm_script.lint.fits import fitting, query_of
from cm_script.lint.universe import CONDITIONS, Recipe, Universe, blocks, dependencies, names_of
from cmcore.errors import CmError
from cmcore.naming import split_tags

#: What makes the target of a dependency depend on the run.
_OPEN = (*CONDITIONS, "update_tags_from_env", "update_tags_if_env", "inherit_variation_tags")


def check(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    """Find a chain of unconditional dependencies from a recipe to itself."""
    own = universe.recipes.get(report.document.folder)
    if own is None:
        return
    for path, target in _certain(own, universe):
        chain = _way(target, own.folder, universe)
        if chain:
            names = [own.alias, *chain]
            report.add(
                "error",
                "cycle",
                path,
                f"recipe {own.alias} always depends on itself: {' -> '.join(names)}",
                "break the cycle with a condition (enable_if_env, skip_if_env) in one of them",
            )
            return


def _way(start: Recipe, goal: str, universe: Universe) -> list[str]:
    """Names of the recipes from `start` to `goal`, or an empty list."""
    came: dict[str, str] = {start.folder: ""}
    queue = [start]
    while queue:
        here = queue.pop(0)
        if here.folder == goal:
            chain = []
            at = goal
            while at:
                chain.append(universe.recipes[at].alias)
                at = came[at]
            return chain[::-1]
        for _, target in _certain(here, universe):
            if target.folder not in came:
                came[target.folder] = here.folder
                queue.append(target)
    return []


def _certain(recipe: Recipe, universe: Universe) -> list[tuple[Path, Recipe]]:
    """Dependencies that every run of a recipe reaches, with the one recipe that fits."""
    memo: dict[str, list[tuple[Path, Recipe]]] = universe.memo.setdefault("cycles", {})
    if recipe.folder not in memo:
        memo[recipe.folder] = _find(recipe, universe)
    return memo[recipe.folder]


def _find(recipe: Recipe, universe: Universe) -> list[tuple[Path, Recipe]]:
    everything = [(path, dep) for path, block in blocks(recipe.meta) for path, dep in _all(block)]
    found = []
    for place, dep in _all(recipe.meta):
        # Hooks run before the other lists, and may end the run well.
        if place[0] != "deps" or any(key in dep for key in _OPEN):
            continue
        tags = dep.get("tags")
        if not isinstance(tags, str) or "<<<" in tags or "#" in tags:
            continue
        if dep.get("update_tags_from_env_with_prefix") or _is_replaced(dep, everything):
            continue
        try:
            query = query_of(tags)
        except CmError:
            continue
        able = fitting(universe, query) if query else []
        if len(able) == 1:
            found.append((place, able[0]))
    return found


def _all(block: Mapping[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    return list(dependencies(block))


def _is_replaced(dep: Mapping[str, Any], others: list[tuple[Path, dict[str, Any]]]) -> bool:
    """Whether another entry may take its place, or an edit may reach it, in some runs."""
    names, tags = set(names_of(dep)), set(split_tags(str(dep.get("tags"))))
    for _, other in others:
        if other is dep:
            continue
        same_tags = not names and set(split_tags(str(other.get("tags")))) == tags
        if same_tags or (names and set(names_of(other)) == names):
            return True
    return False
