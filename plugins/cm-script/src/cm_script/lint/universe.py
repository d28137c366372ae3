"""The recipes that dependencies can be looked up among."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cm_script.query import Query
from cm_script.varnames import key_of

if TYPE_CHECKING:
    from cmcore.context import Context

DEP_LISTS = ("deps", "prehook_deps", "posthook_deps", "post_deps")
EDITS = ("ad", "add_deps", "adr", "add_deps_recursive")


class Recipe(NamedTuple):
    """What others may ask of a recipe."""

    alias: str
    uid: str
    folder: str
    tags: frozenset[str]
    variations: Mapping[str, Any]
    flags: frozenset[str]
    dep_names: frozenset[str]


class Universe:
    """All recipes of the registered collections, and those beside a recipe that is linted."""

    def __init__(self, ctx: Context) -> None:
        self.recipes: dict[str, Recipe] = {}
        self._by_tag: dict[str, set[str]] | None = None
        for artifact in ctx.search("script"):
            self.add(artifact.path, artifact.meta, artifact.tags)

    def add(self, folder: str, meta: Mapping[str, Any], tags: Iterable[str]) -> None:
        """Make a recipe known; once is enough."""
        if folder in self.recipes:
            return
        self._by_tag = None
        self.recipes[folder] = Recipe(
            str(meta.get("alias") or os.path.basename(folder)),
            str(meta.get("uid") or "").lower(),
            folder,
            frozenset(tags),
            mapping(meta.get("variations")),
            frozenset(_flags(meta)),
            frozenset(dep_names(meta)),
        )

    def tags(self) -> dict[str, set[str]]:
        """Folders of the recipes that have a tag."""
        if self._by_tag is None:
            self._by_tag = {}
            for recipe in self.recipes.values():
                for tag in recipe.tags:
                    self._by_tag.setdefault(tag, set()).add(recipe.folder)
        return self._by_tag

    def find(self, query: Query) -> list[Recipe]:
        """Recipes with all tags and none of those excluded, whatever their variations."""
        by_tag = self.tags()
        found = set.intersection(*(by_tag.get(tag, set()) for tag in query.tags))
        for tag in query.excluded:
            found = found - by_tag.get(tag, set())
        return [self.recipes[folder] for folder in sorted(found)]

    def with_uid(self, uid: str, beside: str) -> list[Recipe]:
        """Recipes of the same collection that carry a UID."""
        parent = os.path.dirname(beside)
        return [
            r
            for r in self.recipes.values()
            if r.uid == uid and os.path.dirname(r.folder) == parent and r.folder != beside
        ]

    def all_dep_names(self) -> frozenset[str]:
        """Every name that a dependency of any recipe has."""
        return frozenset().union(*(r.dep_names for r in self.recipes.values()))


def lacking(recipe: Recipe, names: Iterable[str]) -> list[str]:
    """Those of the variations that a recipe does not have."""
    return [name for name in names if not key_of(name, recipe.variations)]


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one: types are another check's business."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def entries(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings of a list, with their places."""
    for at, item in enumerate(items(value)):
        if isinstance(item, dict):
            yield at, item


def blocks(meta: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """The meta itself, its variations and versions, and the conditional blocks in all of these."""
    places: list[tuple[tuple[str | int, ...], Mapping[str, Any]]] = [((), meta)]
    for kind in ("variations", "versions"):
        places += [((kind, name), mapping(b)) for name, b in mapping(meta.get(kind)).items()]
    for path, block in places:
        yield path, block
        for at, entry in entries(block.get("update_meta_if_env")):
            yield (*path, "update_meta_if_env", at), entry


def dependencies(
    block: Mapping[str, Any],
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Dependencies of one block, those of its container settings as well."""
    for kind in DEP_LISTS:
        for at, dep in entries(block.get(kind)):
            yield (kind, at), dep
    docker = mapping(block.get("docker"))
    for kind in ("deps", "build_deps"):
        for at, dep in entries(docker.get(kind)):
            yield ("docker", kind, at), dep


def dep_names(meta: Mapping[str, Any]) -> set[str]:
    """Names of the dependencies of a recipe, wherever in it they stand."""
    names: set[str] = set()
    for _, block in blocks(meta):
        for _, dep in dependencies(block):
            own = dep.get("names")
            names.update(map(str, own) if isinstance(own, list) else [str(own)] if own else ())
    return names


def _flags(meta: Mapping[str, Any]) -> Iterator[str]:
    for _, block in blocks(meta):
        yield from mapping(block.get("input_mapping"))
        docker = mapping(block.get("docker"))
        yield from mapping(docker.get("input_mapping"))
        yield from mapping(docker.get("docker_input_mapping"))
    yield from mapping(meta.get("input_description"))
