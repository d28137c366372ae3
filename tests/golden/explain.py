"""Why a difference between our plan and a reference's is right: one rule per mechanism.

A rule is a test on the request, the recipe's meta and our plan, not a list of cases: it holds for
any snapshot of the recipe collections. The sentences for people stand in `explained.json` under
the rule's name; a difference that no rule recognises is a finding.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from compare import Difference, Outcome, Recipes

from cm_script.depedit import is_named
from cm_script.dialects import for_form
from cm_script.scope import DEP_KINDS
from cm_script.varnames import application_order, block_of, key_of, suffix_of

TEXTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "explained.json")


class Facts(NamedTuple):
    """What a rule looks at."""

    case: Mapping[str, Any]
    outcome: Outcome
    difference: Difference
    recipes: Recipes

    @property
    def meta(self) -> dict[str, Any]:
        """The recipe's meta as it is written."""
        assert self.outcome.plan is not None
        return self.outcome.plan.artifact.meta

    @property
    def variations(self) -> dict[str, Any]:
        """The recipe's table of variations."""
        table = self.meta.get("variations")
        return table if isinstance(table, dict) else {}

    @property
    def chosen(self) -> list[str]:
        """Variations that our plan applies."""
        assert self.outcome.plan is not None
        return [name for name in self.outcome.plan.scope.variations if not name.startswith("-")]

    def doubled(self) -> list[str]:
        """Dynamic variations that our plan applies with more than one value."""
        keys = [key_of(name, self.variations) for name in self.chosen]
        return sorted({key for key in keys if key.endswith(".#") and keys.count(key) > 1})

    def flags(self) -> Iterator[tuple[str, str]]:
        """Flags of the request as (name, value)."""
        for arg in self.case["args"]:
            name, _, value = arg.lstrip("-").partition("=")
            yield name, value

    def blocks(self) -> Iterator[Mapping[str, Any]]:
        """Variations, combinations and version whose blocks our plan applied."""
        plan = self.outcome.plan
        assert plan is not None
        dialect = for_form(plan.artifact.form)
        names = {key for key, _ in application_order(self.chosen, self.variations, dialect)}
        yield from (block_of(name, self.variations) for name in sorted(names))
        versions = self.meta.get("versions")
        for version in {plan.version, str(self.meta.get("default_version", ""))}:
            block = versions.get(version) if isinstance(versions, dict) else None
            if isinstance(block, dict):
                yield block


def load() -> dict[str, dict[str, str]]:
    """The texts: rule -> `what` differs, what the `reference` does, `why` ours is right."""
    with open(TEXTS, encoding="utf-8") as handle:
        found: dict[str, dict[str, str]] = json.load(handle)
    return found


def explain(
    case: Mapping[str, Any], outcome: Outcome, difference: Difference, recipes: Recipes
) -> str:
    """Name of the rule that explains a difference, or "" when none does."""
    if outcome.plan is None:
        return ""
    facts = Facts(case, outcome, difference, recipes)
    return next((name for name, holds in RULES.items() if holds(facts)), "")


def _crash(error: str, function: str) -> Callable[[Facts], bool]:
    def holds(facts: Facts) -> bool:
        return (
            facts.difference.name == "reference crashed"
            and re.match(error, facts.difference.key) is not None
            and re.search(rf" ({function})$", str(facts.difference.theirs)) is not None
        )

    return holds


def _lists(facts: Facts) -> list[list[dict[str, Any]]]:
    assert facts.outcome.plan is not None
    return [facts.outcome.plan.scope.deps(kind) for kind in DEP_KINDS]


def _ad_across_lists(facts: Facts) -> bool:
    name, found, _ = facts.difference.key.partition(" is not one of the dependency")
    if facts.difference.name != "works here, failed there" or not found:
        return False
    return any(is_named(dep, name) for deps in _lists(facts) for dep in deps)


def _own_edit_overwritten(facts: Facts) -> bool:
    if facts.difference.name not in ("deps", "dep entries"):
        return False
    asked = {tuple(name.split(".")[1:3]) for name, _ in facts.flags() if name.startswith("ad.")}
    written = {
        (name, key)
        for block in facts.blocks()
        for edits in (block.get("ad"), block.get("add_deps"))
        if isinstance(edits, dict)
        for name, edit in edits.items()
        if isinstance(edit, dict)
        for key in edit
    }
    return bool(asked & written)


def _numeric_tags(facts: Facts) -> bool:
    return (
        facts.difference.name == "works here, failed there"
        and "no scripts were found" in facts.difference.key
        and any(not isinstance(tag, str) for tag in facts.meta.get("tags") or ())
    )


def _numeric_version(facts: Facts) -> bool:
    asked = {value for name, value in facts.flags() if name == "version"}
    asked.add(str(facts.meta.get("default_version", "")))
    return bool(asked & facts.recipes.numeric_versions.get(str(facts.meta.get("uid", "")), set()))


def _left_out_group(facts: Facts) -> bool:
    if facts.difference.name != "deps" or len(facts.difference.ours) != len(
        facts.difference.theirs
    ):
        return False
    values = [name for name in facts.chosen if key_of(name, facts.variations).endswith(".#")]
    allowed = {f"_{value}" for value in values}
    allowed |= {part for value in values if "," in value for part in f"_{value}".split(",")}
    pairs = zip(facts.difference.ours, facts.difference.theirs, strict=True)
    torn = any("," in value for value in values)
    return (bool(facts.doubled()) or torn) and all(
        ours <= theirs and theirs - ours <= allowed for ours, theirs in pairs
    )


def _last_value_wins(facts: Facts) -> bool:
    plan, difference = facts.outcome.plan, facts.difference
    doubled = facts.doubled()
    if plan is None or not doubled or for_form(plan.artifact.form).name != "cm":
        return False
    if difference.name.endswith(": value"):
        blocks = [block_of(f"{key[:-1]}0", facts.variations) for key in doubled]
        return any(difference.key in (block.get("env") or {}) for block in blocks)
    if difference.name != "deps" or len(difference.ours) != len(difference.theirs):
        return False
    values = [suffix_of(name, facts.variations) for name in facts.chosen]
    pairs = zip(difference.ours, difference.theirs, strict=True)
    return all(any(v and v in tag for v in values) for a, b in pairs for tag in a ^ b)


def _scalar_condition(facts: Facts) -> bool:
    if facts.difference.name != "deps" or facts.outcome.plan is None:
        return False
    scalar = [
        planned.tags
        for planned in facts.outcome.plan.deps
        for key, tests in planned.entry.items()
        if key.startswith(("enable_if_", "skip_if_")) and isinstance(tests, dict)
        if any(not isinstance(values, list) for values in tests.values())
    ]
    ours = [tags for tags in facts.difference.ours if tags not in facts.difference.theirs]
    return bool(scalar) and (not ours or any(set(tags.split(",")) in ours for tags in scalar))


def _dashed_flag(facts: Facts) -> bool:
    dashed = {name: value for name, value in facts.flags() if "-" in name and "." not in name}
    if not dashed:
        return False
    blocks = [facts.meta, *facts.blocks()]
    for block in blocks:
        for flag, variable in (block.get("input_mapping") or {}).items():
            if flag in dashed and facts.difference.key == str(variable):
                return str(facts.difference.ours) == dashed[flag]
    return False


def _names_as_text(facts: Facts) -> bool:
    if facts.difference.name != "deps" or facts.outcome.plan is None:
        return False
    for planned in facts.outcome.plan.deps:
        for keys in (planned.entry.get("update_tags_from_env_with_prefix") or {}).values():
            if isinstance(keys, str):
                return True
    return False


def _comma_in_name(facts: Facts) -> bool:
    return facts.difference.name in ("deps", "dep entries") and any(
        "," in name and name.startswith(("ad.", "adr.")) for name, _ in facts.flags()
    )


def _moved_default(facts: Facts) -> bool:
    plan = facts.outcome.plan
    default = str(facts.meta.get("default_version", ""))
    return (
        plan is not None
        and not plan.scope.version_request.get("version")
        and plan.version not in ("", default)
        and plan.version in (facts.meta.get("versions") or {})
    )


def _constant_ignored(facts: Facts) -> bool:
    key, ours = facts.difference.key, str(facts.difference.ours)
    if not facts.difference.name.startswith(("env_internal", "new_env")):
        return False
    plan = facts.outcome.plan
    return (
        plan is not None
        and for_form(plan.artifact.form).name == "cm"
        and str(plan.scope.const.get(key)) == ours
        and any(key in (block.get("const") or {}) for block in facts.blocks())
    )


RULES: dict[str, Callable[[Facts], bool]] = {
    "null-block": _crash(
        r"(TypeError|AttributeError): .*'NoneType'", "update_state_from_meta|merge_dicts"
    ),
    "null-variation": _crash(r"TypeError: argument of type 'NoneType'", "_add_base_variations"),
    "no-dictionary": _crash(
        r"AttributeError: 'str' object has no attribute", "is_dep_tobe_skipped"
    ),
    "null-filled-in": _crash(
        r"AttributeError: 'NoneType' object", "_update_variation_meta_with_dynamic_suffix"
    ),
    "dynamic-base": _crash(r"KeyError: '.*\.#'", "_update_variation_tags_from_variations"),
    "input-as-text": _crash(
        r"TypeError: string indices must be integers", "update_env_from_input_mapping"
    ),
    "versions-compared": _crash(
        r"TypeError: '[<>]' not supported|AttributeError: '(float|int)' object", "compare_versions"
    ),
    "no-tags": _crash(r"AttributeError: 'NoneType' object has no attribute 'split'", "append_deps"),
    "ad-across-lists": _ad_across_lists,
    "own-edit-overwritten": _own_edit_overwritten,
    "numeric-tags": _numeric_tags,
    "numeric-version": _numeric_version,
    "left-out-group": _left_out_group,
    "last-value-wins": _last_value_wins,
    "scalar-condition": _scalar_condition,
    "dashed-flag": _dashed_flag,
    "names-as-text": _names_as_text,
    "comma-in-name": _comma_in_name,
    "moved-default": _moved_default,
    "constant-ignored": _constant_ignored,
}
