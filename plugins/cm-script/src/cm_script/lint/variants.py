"""Checks of variations: what they refer to must be there and must be able to apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cm_script.dialects import for_form
from cm_script.hints import nearest
from cm_script.lint.findings import Path, Report
from cm_script.lint.universe import blocks, items, mapping
from cm_script.varnames import key_of


def check(meta: Mapping[str, Any], report: Report) -> None:
    """Check the variations of a recipe and everything that names one."""
    table = mapping(meta.get("variations"))
    _Check(table, report).all(meta)


class _Check:
    def __init__(self, table: Mapping[str, Any], report: Report) -> None:
        self.table = table
        self.report = report
        self.groups: dict[str, list[str]] = {}
        for name, block in table.items():
            if isinstance(block, dict) and block.get("group") is not None:
                self.groups.setdefault(str(block["group"]), []).append(name)

    def all(self, meta: Mapping[str, Any]) -> None:
        for name, block in self.table.items():
            self._variation(name, mapping(block), ("variations", name))
        for group, members in self.groups.items():
            self._defaults_of_group(group, members)
        for path, block in blocks(meta):
            self._default_variations(block, path)
        default = meta.get("default_variation")
        if isinstance(default, str) and default:
            self._named(default, ("default_variation",), "the recipe's default_variation")
        for key in ("valid_variation_combinations", "invalid_variation_combinations"):
            for at, names in enumerate(items(meta.get(key))):
                for name in items(names):
                    self._named(str(name), (key, at), key, level="warning")
        self._tests(mapping(meta.get("tests")))

    def _variation(self, name: str, block: Mapping[str, Any], path: Path) -> None:
        bases = block.get("base")
        for base in [bases] if isinstance(bases, str) else items(bases):
            self._named(str(base), (*path, "base"), f"the base of '{name}'")
        alias = block.get("alias")
        if isinstance(alias, str):
            self._named(alias, (*path, "alias"), f"the alias '{name}'", whole=True)
            for key in ("group", "default"):
                if key in block:
                    self.report.add(
                        "error",
                        "alias-in-group",
                        (*path, key),
                        f"variation '{name}' is an alias and cannot have '{key}'",
                        f"move '{key}' to variation '{alias}'",
                    )
        if str(block.get("default", True)).lower() in ("false", "no"):
            self.report.add(
                "warning",
                "default-off",
                (*path, "default"),
                f"'default: {block['default']}' still makes '{name}' the default of its group",
                "remove the line",
            )
        if "default" in block and "group" not in block and alias is None:
            self.report.add(
                "warning",
                "default-without-group",
                (*path, "default"),
                f"variation '{name}' has a default but no group, so it is never chosen by itself",
                "give it a group",
            )
        if "," in name:
            self._combined(name, path)

    def _combined(self, name: str, path: Path) -> None:
        parts = name.split(",")
        dynamic = [part for part in parts if part.endswith(".#")]
        if dynamic and not for_form(self.report.document.form).dynamic_combined:
            self.report.add(
                "warning",
                "combination",
                path,
                f"'{name}' never applies: in CM a combination cannot have a part with a value of "
                f"its own, as '{dynamic[0]}' has",
                "name the values, or write the recipe for MLCFlow",
            )
            return
        keys = [key_of(part, self.table) for part in parts]
        for part, key in zip(parts, keys, strict=True):
            if not key:
                self.report.add(
                    "warning",
                    "combination",
                    path,
                    f"'{name}' never applies: there is no variation '{part}'",
                    nearest(part, self._single(), "variations"),
                )
                return
        for members in self.groups.values():
            both = sorted({key for key in keys if key in members})
            if len(both) > 1:
                self.report.add(
                    "warning",
                    "combination",
                    path,
                    f"'{name}' never applies: {' and '.join(both)} are of one group",
                    "remove it, or take one of them out of the group",
                )

    def _defaults_of_group(self, group: str, members: list[str]) -> None:
        defaults = [name for name in members if "default" in self.table[name]]
        if not defaults:
            self.report.add(
                "note",
                "group-without-default",
                ("variations", members[0], "group"),
                f"no variation of group '{group}' is the default: none is chosen unless asked for",
                "mark one with 'default: true' if that is not meant",
            )
        for name in defaults[1:]:
            self.report.add(
                "error",
                "two-defaults",
                ("variations", name, "default"),
                f"group '{group}' has two defaults, '{defaults[0]}' and '{name}'",
                "leave 'default' to one of them",
            )

    def _default_variations(self, block: Mapping[str, Any], path: Path) -> None:
        for group, value in mapping(block.get("default_variations")).items():
            here = (*path, "default_variations", group)
            if group not in self.groups:
                self.report.add(
                    "error",
                    "unknown-group",
                    here,
                    f"there is no group '{group}' of variations",
                    nearest(group, self.groups, "groups"),
                )
                continue
            name = str(value)
            known = self._named(name, here, f"the default of group '{group}'")
            if known and key_of(name, self.table) not in self.groups[group]:
                self.report.add(
                    "warning",
                    "default-of-other-group",
                    here,
                    f"variation '{name}' does not belong to group '{group}'",
                    nearest(name, self.groups[group], f"variations of '{group}'"),
                )

    def _tests(self, tests: Mapping[str, Any]) -> None:
        for at, entry in enumerate(items(tests.get("run_inputs"))):
            for number, text in enumerate(items(mapping(entry).get("variations_list"))):
                path = ("tests", "run_inputs", at, "variations_list", number)
                for word in filter(None, (w.strip() for w in str(text).split(","))):
                    if not word.startswith("-"):
                        self._named(word.removeprefix("_"), path, "a test")

    def _named(
        self, name: str, path: Path, by: str, *, whole: bool = False, level: str = "error"
    ) -> bool:
        if name in self.table or (not whole and key_of(name, self.table)) or _open(name):
            return not _open(name)
        self.report.add(
            level,
            "unknown-variation",
            path,
            f"there is no variation '{name}', which {by} names",
            nearest(name, self._single(), "variations"),
        )
        return False

    def _single(self) -> list[str]:
        return [key for key in self.table if "," not in key]


def _open(name: str) -> bool:
    """Whether a value is filled in only when the recipe runs."""
    return "<<<" in name or name.endswith("#")
