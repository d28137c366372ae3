"""Names of variations, and the order in which their blocks are applied.

A variation is named by its key in the meta or, when the key ends in `.#`, by a value in place of
`#`: `batch_size.8` stands for key `batch_size.#`. A key such as `a,b` is a combination; its block
applies when all its parts were chosen.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.dialects import Dialect


def key_of(name: str, variations: Mapping[str, Any]) -> str:
    """The key in the meta that `name` stands for: itself, or `prefix.#`; "" when neither is."""
    if name in variations:
        return name
    dot = name.find(".")
    if dot < 0 or name.endswith("."):
        return ""
    key = name[: dot + 1] + "#"
    return key if key in variations else ""


def suffix_of(name: str, variations: Mapping[str, Any]) -> str:
    """The value of a dynamic variation, "" for any other."""
    return "" if name in variations else name[name.find(".") + 1 :]


def block_of(name: str, variations: Mapping[str, Any]) -> dict[str, Any]:
    """The meta block of a variation; an empty one when the meta holds nothing."""
    block = variations.get(key_of(name, variations))
    return block if isinstance(block, dict) else {}


def combined_keys(variations: Mapping[str, Any]) -> list[str]:
    """Keys such as `a,b`, those with fewer parts first."""
    return sorted((key for key in variations if "," in key), key=lambda key: key.count(","))


def application_order(
    chosen: Sequence[str], variations: Mapping[str, Any], dialect: Dialect
) -> list[tuple[str, str]]:
    """The blocks to apply as (key, value of `#` or ""), combined ones after single ones."""
    combined = _combined_blocks(chosen, variations, dialect)
    order: list[tuple[str, str]] = []
    for name in chosen:
        if name.startswith(("-", "~")):
            continue
        order.append((key_of(name, variations), suffix_of(name, variations)))
        if dialect.combined_after_each:
            order += combined
    return order if dialect.combined_after_each else order + combined


def _combined_blocks(
    chosen: Sequence[str], variations: Mapping[str, Any], dialect: Dialect
) -> list[tuple[str, str]]:
    values: dict[str, str] = {}
    for name in chosen:
        if not name.startswith(("-", "~")):
            values.setdefault(key_of(name, variations), suffix_of(name, variations))
    found = []
    for key in combined_keys(variations):
        parts = key.split(",")
        dynamic = [p for p in parts if p.endswith(".#")] if dialect.dynamic_combined else []
        static = [part for part in parts if part not in dynamic]
        if not all(part in chosen for part in static) or not all(p in values for p in dynamic):
            continue
        suffixes = [values[part] for part in dynamic if values[part]]
        if len(suffixes) <= 1:
            found.append((key, suffixes[0] if suffixes else ""))
    return found
