"""The recipes that dependencies can be looked up among."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cm_script.query import Query
from cm_script.varnames import key_of

if TYPE_CHECKING:
    from cmcore.context import Context

#: Keys by which a dependency may be left out.
CONDITIONS = (
    "enable_if_env",
    "enable_if_any_env",
    "skip_if_env",
    "skip_if_any_env",
    "skip_if_fake_run",
)
DEP_LISTS = ("deps", "prehook_deps", "posthook_deps", "post_deps")
EDITS = ("ad", "add_deps", "adr", "add_deps_recursive")


class Recipe(NamedTuple):
    """What others may ask of a recipe."""

    alias: str
    uid: str
    folder: str
    form: str
    tags: frozenset[str]
    variations: Mapping[str, Any]
    flags: frozenset[str]
    dep_names: frozenset[str]
    meta: Mapping[str, Any]


class Universe:
    """All recipes of the registered collections, and those beside a recipe that is linted."""

    def __init__(self, ctx: Context) -> None:
        self.recipes: dict[str, Recipe] = {}
        self._by_tag: dict[str, set[str]] | None = None
        self._named: dict[str, list[tuple[str, dict[str, Any]]]] | None = None
        #: What other checks have worked out about all recipes, by the check's name.
        self.memo: dict[str, Any] = {}
        for artifact in ctx.search("script"):
            self.add(artifact.path, artifact.meta, artifact.tags, artifact.form)

    def add(self, folder: str, meta: Mapping[str, Any], tags: Iterable[str], form: str) -> None:
        """Make a recipe known; once is enough."""
        if folder in self.recipes:
            return
        self._by_tag = self._named = None
        self.memo.clear()
        self.recipes[folder] = Recipe(
            str(meta.get("alias") or os.path.basename(folder)),
            str(meta.get("uid") or "").lower(),
            folder,
            form,
            frozenset(tags),
            mapping(meta.get("variations")),
            frozenset(_flags(meta)),
            frozenset(dep_names(meta)),
            meta,
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

    def beside(self, folder: str) -> list[Recipe]:
        """The other recipes of the same collection."""
        parent = os.path.dirname(folder)
        groups = self.memo.get("beside")
        if groups is None:
            groups = self.memo["beside"] = {}
            for recipe in self.recipes.values():
                groups.setdefault(os.path.dirname(recipe.folder), []).append(recipe)
        return [recipe for recipe in groups.get(parent, ()) if recipe.folder != folder]

    def all_dep_names(self) -> frozenset[str]:
        """Every name that a dependency of any recipe has."""
        names = self.memo.get("names")
        if names is None:
            names = frozenset().union(*(r.dep_names for r in self.recipes.values()))
            self.memo["names"] = names
        return frozenset(names)

    def named(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Dependencies that have a name, each with the folder of its recipe."""
        if self._named is None:
            self._named = {}
            for recipe in self.recipes.values():
                for _, block in blocks(recipe.meta):
                    for _, dep in dependencies(block):
                        for key in names_of(dep):
                            self._named.setdefault(key, []).append((recipe.folder, dep))
        return self._named.get(name, [])


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
    return {
        name
        for _, block in blocks(meta)
        for _, dep in dependencies(block)
        for name in names_of(dep)
    }


def names_of(dep: Mapping[str, Any]) -> list[str]:
    """The names of a dependency; a text counts as one name."""
    own = dep.get("names")
    return [str(name) for name in own] if isinstance(own, list) else [str(own)] if own else []


def _flags(meta: Mapping[str, Any]) -> Iterator[str]:
    for _, block in blocks(meta):
        yield from mapping(block.get("input_mapping"))
        docker = mapping(block.get("docker"))
        yield from mapping(docker.get("input_mapping"))
        yield from mapping(docker.get("docker_input_mapping"))
    yield from mapping(meta.get("input_description"))
