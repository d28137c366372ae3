"""Keys and types, as the published JSON Schema of recipes has them.

The schema is the only list of keys; this reads the few words of JSON Schema that it uses, so that
linting needs no validator. Where the schema lets unlisted keys pass, the caller judges them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cm_script.lint.findings import Path, Report

SCHEMA_FILE = os.path.join(os.path.dirname(__file__), "recipe.schema.json")

#: `(definition, key, path)`: whether an unlisted key of an open object is known after all.
Judge = Callable[[str, str, Path], bool]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_TOLD = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
#: Names of objects in messages.
_WHERE = {
    "": "a recipe",
    "dependency": "a dependency",
    "edit": "a change to a dependency",
    "variation": "a variation",
    "version_block": "a version",
    "conditional": "a conditional block",
    "docker": "the container settings",
    "test_run": "a test",
}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The schema, parsed."""
    import json

    with open(SCHEMA_FILE, encoding="utf-8") as stream:
        parsed: dict[str, Any] = json.load(stream)
    return parsed


def check(data: Mapping[str, Any], report: Report, judge: Judge) -> None:
    """Compare a meta with the schema."""
    _Check(report, judge).value(dict(data), schema(), (), "")
    for key in schema()["required"]:
        if key not in data and "_base" not in data:
            fix = {"uid": "add 16 random hexadecimal digits", "tags": "add words to find it by"}
            report.add("error", "missing-key", (), f"the recipe has no '{key}'", fix[key])


class _Check:
    def __init__(self, report: Report, judge: Judge) -> None:
        self.report = report
        self.judge = judge
        self.definitions = schema()["$defs"]

    def value(self, value: Any, rule: Mapping[str, Any], path: Path, name: str) -> None:
        if "$ref" in rule:
            name = rule["$ref"].rpartition("/")[2]
            rule = self.definitions[name]
        if not self._fits(value, rule, path):
            return
        if isinstance(value, dict):
            self._object(value, rule, path, name)
        elif isinstance(value, list) and "items" in rule:
            for at, item in enumerate(value):
                self.value(item, rule["items"], (*path, at), name)

    def _fits(self, value: Any, rule: Mapping[str, Any], path: Path) -> bool:
        wanted = rule.get("type", [])
        wanted = [wanted] if isinstance(wanted, str) else wanted
        if wanted and not any(_is(value, kind) for kind in wanted):
            told = " or ".join(_TOLD[kind] for kind in wanted if kind != "null")
            self.report.add(
                "error",
                "type",
                path,
                f"{_shown(value)} stands where {told} belongs",
                f"give {told}",
            )
            return False
        if "pattern" in rule and isinstance(value, str) and not re.search(rule["pattern"], value):
            self.report.add(
                "error",
                "uid",
                path,
                f"'{value}' is no UID",
                "it has 16 hexadecimal digits",
            )
        return True

    def _object(
        self, value: dict[str, Any], rule: Mapping[str, Any], path: Path, name: str
    ) -> None:
        known = rule.get("properties", {})
        others = rule.get("additionalProperties", True)
        off = "|".join(rule.get("patternProperties", ()))
        for key, item in value.items():
            here = (*path, key)
            if off and key not in known and re.search(off, key):
                if others is False or not self.judge(name, key, here):
                    self._off(key, here)
                continue
            if key in known:
                if known[key].get("deprecated"):
                    self._dead(key, known[key]["description"], here)
                self.value(item, known[key], here, "")
                continue
            if known and (others is False or not self.judge(name, key, here)):
                self._unknown(key, known, here, name)
            elif isinstance(others, dict):
                self.value(item, others, here, "")

    def _dead(self, key: str, why: str, path: Path) -> None:
        self.report.add("note", "dead-key", path, f"'{key}' has no effect here", why)

    def _unknown(self, key: str, known: Mapping[str, Any], path: Path, name: str) -> None:
        where = _WHERE.get(name, "this block")
        level, near = nearest_key(key, known)
        if near:
            fix = f"write '{near}'"
        elif key.isupper():
            fix = "put it below 'env' if it is a variable"
        else:
            fix = "remove it"
        message = f"'{key}' is no key of {where} and has no effect"
        self.report.add(level, "unknown-key", path, message, fix)

    def _off(self, key: str, path: Path) -> None:
        message = f"'{key}' has no effect; it looks switched off"
        self.report.add("note", "unknown-key", path, message, "remove it when done")


def nearest_key(key: str, known: Mapping[str, Any]) -> tuple[str, str]:
    """Level and nearest known key of an unknown one.

    A key that differs from a known one by a dash, a quote, a blank or a letter was meant to be
    that; anything else may be data in the wrong place.
    """
    plain = key.strip().strip("\"'").strip().replace("-", "_").lower()
    if plain in known:
        return "error", plain
    import difflib

    near = difflib.get_close_matches(plain, list(known), n=1, cutoff=0.8)
    if not near:
        return "warning", ""
    swapped = sorted(near[0]) == sorted(plain)
    sure = swapped or difflib.SequenceMatcher(None, plain, near[0]).ratio() >= 0.85
    return "error" if sure else "warning", near[0]


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _shown(value: Any) -> str:
    for kind in ("object", "array", "boolean", "null", "number"):
        if _is(value, kind):
            return _TOLD[kind]
    return f"text '{value[:40]}'"
