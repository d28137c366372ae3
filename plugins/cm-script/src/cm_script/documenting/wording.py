"""Conditions, versions and values of a meta as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cm_script.conditions import falsy, truthy
from cm_script.versions import KEYS
from cmcore.hints import Any

#: Keys of a dependency that decide whether it runs.
CONDITIONS = (
    "enable_if_env",
    "enable_if_any_env",
    "skip_if_env",
    "skip_if_any_env",
    "skip_if_fake_run",
)


def when(entry: Mapping[str, Any]) -> str:
    """The conditions of a dependency or block as a sentence without subject; "" for none."""
    parts = []
    for key, lead, joint in (
        ("enable_if_env", "if", " and "),
        ("enable_if_any_env", "if", " or "),
        ("skip_if_env", "unless", " and "),
        ("skip_if_any_env", "unless", " or "),
    ):
        tests = list(_tests(entry.get(key)))
        if tests:
            parts.append(f"{lead} {joint.join(tests)}")
    if entry.get("skip_if_fake_run"):
        parts.append("unless the run is a fake one")
    return ", and ".join(parts)


def version_limits(entry: Mapping[str, Any]) -> str:
    """The versions that a dependency asks for, for example `at least 3.9, at most 3.12`."""
    words = {
        "version": "version",
        "version_min": "at least",
        "version_max": "at most",
        "version_max_usable": "usable up to",
    }
    return ", ".join(f"{words[key]} {entry[key]}" for key in KEYS if entry.get(key))


def value(given: object) -> str:
    """A value as a run exports it; lists and mappings in short."""
    if given is None:
        return ""
    if isinstance(given, list):
        return ", ".join(value(item) for item in given)
    if isinstance(given, Mapping):
        import json

        return json.dumps(given, ensure_ascii=False, default=str)
    return str(given)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 recipe`, `2 recipes`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _tests(spec: object) -> Iterable[str]:
    if not isinstance(spec, Mapping):
        return
    for key, values in spec.items():
        words = [str(v) for v in (values if isinstance(values, list) else [values])]
        if any(truthy(word) for word in words):
            yield f"{key} is set"
        elif any(falsy(word) for word in words):
            yield f"{key} is not set"
        else:
            yield f"{key} is " + " or ".join(word or "empty" for word in words)
