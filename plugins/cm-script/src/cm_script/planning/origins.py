"""Where each variation of a composed recipe comes from: the request, a default, a base."""

from __future__ import annotations

from collections.abc import Mapping

from cm_script.varnames import block_of, key_of
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.types import Artifact

ASKED, DEFAULT, BASE = "asked", "default", "base"


def of(run: RecipeRun) -> list[tuple[str, str]]:
    """`(variation, origin)` in the order of application.

    The origin is `asked`, `base of X`, `default of group G`, `default of X` for one that another
    variation chose in a group, or `default` for what the recipe says itself.
    """
    final = run.scope.variations
    if not final:
        return []
    table = run.artifact.meta.get("variations")
    variations: dict[str, Any] = table if isinstance(table, dict) else {}
    return [
        (name, _origin(name, final, variations, run.scope.explicit_variations)) for name in final
    ]


def _origin(name: str, final: list[str], variations: Mapping[str, Any], explicit: list[str]) -> str:
    if name in explicit:
        return ASKED
    key = key_of(name, variations)
    for other in final:
        block = block_of(other, variations)
        if other == name:
            continue
        if {name, key} & set(map(str, _list(block.get("base")))):
            return f"{BASE} of {other}"
    for other in explicit:
        if name == str(block_of(other, variations).get("alias", "")):
            return f"alias {other}"
    for other in final:
        chosen = block_of(other, variations).get("default_variations")
        if isinstance(chosen, dict) and name in map(str, chosen.values()):
            return f"{DEFAULT} of {other}"
    block = block_of(name, variations)
    if "default" in block and block.get("group"):
        return f"{DEFAULT} of group {block['group']}"
    return DEFAULT


def default_keys(recipe: Artifact) -> set[str]:
    """Variables that some block of the meta only sets when nothing else did."""
    if "default_env" not in recipe.meta_json:
        return set()
    meta = recipe.meta
    blocks = [meta]
    for name in ("variations", "versions"):
        table = meta.get(name)
        blocks += (
            [b for b in table.values() if isinstance(b, dict)] if isinstance(table, dict) else []
        )
    keys: set[str] = set()
    for block in blocks:
        defaults = block.get("default_env")
        if isinstance(defaults, dict):
            keys.update(map(str, defaults))
    return keys


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
