"""Facts about the dependencies of a recipe: what is asked for, when, and which recipe answers."""

from __future__ import annotations

from collections.abc import Mapping

from cm_script.documenting.recipes import Recipes
from cm_script.documenting.wording import CONDITIONS, value, when
from cm_script.lint.fits import query_of
from cm_script.lint.universe import DEP_LISTS, entries, mapping
from cm_script.merge import split_tags
from cm_script.versions import KEYS
from cmcore.errors import CmError
from cmcore.hints import Any

#: The lists in which dependencies stand, in the order in which they run, in words.
KINDS = {
    "deps": "before the recipe's own code",
    "prehook_deps": "before the native step",
    "posthook_deps": "after the native step",
    "post_deps": "at the end",
    "docker.build_deps": "on the host, before an image is built",
    "docker.deps": "on the host, before a container is started",
}


class Needs:
    """Reads dependencies.

    Args:
        recipes: what they are looked up among.
        form: dialect of the recipe that has them.
    """

    def __init__(self, recipes: Recipes, form: str) -> None:
        self._recipes = recipes
        self._form = form

    def of(self, block: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The dependencies of one block of a meta, in the order in which they run."""
        found = [self._one(kind, dep) for kind in DEP_LISTS for _, dep in entries(block.get(kind))]
        docker = mapping(block.get("docker"))
        for kind in ("build_deps", "deps"):
            found += [self._one(f"docker.{kind}", dep) for _, dep in entries(docker.get(kind))]
        return [dep for dep in found if dep["tags"]]

    def _one(self, kind: str, dep: Mapping[str, Any]) -> dict[str, Any]:
        given = dep.get("tags")
        tags = split_tags(given) if isinstance(given, (str, list)) else []
        names = dep.get("names")
        found = self._select(tags)
        return {
            "kind": kind,
            "tags": ",".join(tags),
            "names": [str(n) for n in names] if isinstance(names, list) else _words(names),
            "when": when(dep),
            "conditions": {key: dep[key] for key in CONDITIONS if key in dep},
            "version": {key: value(dep[key]) for key in KEYS if dep.get(key)},
            "env": {str(k): value(v) for k, v in mapping(dep.get("env")).items()},
            "tags_from_env": _tags_from_env(dep),
            "inherits_variations": bool(dep.get("inherit_variation_tags")),
            "recipe": found[0] if found else None,
            "others": found[1:],
        }

    def _select(self, tags: list[str]) -> list[dict[str, str]]:
        try:
            query = query_of(tags)
        except CmError:
            return []
        if query is None:
            return []
        return [
            {
                "alias": artifact.alias,
                "uid": artifact.uid,
                "collection": artifact.collection.name,
                "path": artifact.path,
            }
            for artifact in self._recipes.select(query, self._form)
        ]


def _words(names: object) -> list[str]:
    """A text of names, which the engine searches for parts."""
    return str(names).replace(",", " ").split() if names else []


def _tags_from_env(dep: Mapping[str, Any]) -> list[str]:
    """Tags that variables add, as patterns: `_version.<CM_X>`."""
    found = []
    for prefix, keys in mapping(dep.get("update_tags_from_env_with_prefix")).items():
        found += [f"{prefix}<{key}>" for key in (keys if isinstance(keys, list) else [keys])]
    plain = dep.get("update_tags_from_env")
    found += [f"<{key}>" for key in (plain if isinstance(plain, list) else [])]
    return found
