"""Conditions on dependencies and meta blocks: `enable_if_env`, `skip_if_env` and their like.

Each condition is a dictionary from a variable to the values that satisfy it. Three words have a
meaning of their own: any of yes/on/true/1 stands for "set to something", any of no/off/false/0
for "not set, or set to nothing". A single value counts as a list of one.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect

_TRUE = frozenset({"yes", "on", "true", "1"})
_FALSE = frozenset({"no", "off", "false", "0"})


def truthy(value: object) -> bool:
    """Whether a meta or variable value means yes: 1, true, yes, on in any case."""
    return str(value).strip().lower() in _TRUE


def falsy(value: object) -> bool:
    """Whether a value means no: 0, false, no, off in any case."""
    return str(value).strip().lower() in _FALSE


def skip_reason(entry: Mapping[str, Any], env: Mapping[str, Any], dialect: Dialect) -> str:
    """Why the conditions of a dependency or block do not hold, or "" when they all do."""
    if entry.get("skip_if_fake_run") and env.get(dialect.key("TMP_FAKE_RUN")) == "yes":
        return "this is a fake run"
    if "enable_if_env" in entry:
        for key, values in _items(entry["enable_if_env"]):
            if not _holds(key, values, env, dialect):
                return f"enable_if_env: {_told(key, values, env)}"
    if "enable_if_any_env" in entry and not _any(entry["enable_if_any_env"], env, dialect):
        tests = _items(entry["enable_if_any_env"])
        return "enable_if_any_env: " + "; ".join(_told(key, values, env) for key, values in tests)
    if "skip_if_env" in entry:
        tests = _items(entry["skip_if_env"])
        if all(_holds(key, values, env, dialect) for key, values in tests):
            return "skip_if_env: " + "; ".join(_value(key, env) for key, _ in tests)
    if "skip_if_any_env" in entry:
        for key, values in _items(entry["skip_if_any_env"]):
            if _any({key: values}, env, dialect):
                return f"skip_if_any_env: {_value(key, env)}"
    return ""


def _any(spec: object, env: Mapping[str, Any], dialect: Dialect) -> bool:
    return any(
        key in env and _holds(key, values, env, dialect, empty_is_false=True)
        for key, values in _items(spec)
    )


def _holds(
    key: str,
    values: list[str],
    env: Mapping[str, Any],
    dialect: Dialect,
    *,
    empty_is_false: bool = False,
) -> bool:
    wants_unset = not _FALSE.isdisjoint(values)
    if key not in env:
        return wants_unset or "" in values
    value = str(env[key]).lower().strip()
    unset = value in _FALSE or not value or (dialect.placeholder_is_false and _open(value))
    if not _TRUE.isdisjoint(values):
        return not unset
    if wants_unset or (empty_is_false and "" in values):
        return unset
    return value in values


def _open(value: str) -> bool:
    start = value.find("<<<")
    return start >= 0 and value.find(">>>", start) >= 0


def _items(spec: object) -> list[tuple[str, list[str]]]:
    if not isinstance(spec, Mapping):
        return []
    return [
        (str(key), [str(v).lower() for v in (values if isinstance(values, list) else [values])])
        for key, values in spec.items()
    ]


def _value(key: str, env: Mapping[str, Any]) -> str:
    return f"{key} is '{env[key]}'" if key in env else f"{key} is not set"


def _told(key: str, values: list[str], env: Mapping[str, Any]) -> str:
    return f"{_value(key, env)}, needed is {' or '.join(repr(v) for v in values) or 'nothing'}"
