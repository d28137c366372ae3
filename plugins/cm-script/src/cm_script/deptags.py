"""What a dependency is asked for: its tags once variables and the parent's variations joined in.

Also which of the parent's variables it does not see.
"""

from __future__ import annotations

from cm_script import conditions, placeholders
from cm_script.globs import fitting
from cm_script.merge import split_tags
from cm_script.query import variation_tag
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.scope import Dep, Env, Scope


def put_aside(env: Env, patterns: Iterable[str]) -> Env:
    """Take hidden keys, and values that still hold a placeholder, out of `env`."""
    hidden = set(filter(fitting(tuple(patterns)), env))
    if placeholders.anywhere(env.values()):
        hidden.update(key for key, value in env.items() if placeholders.names(value))
    return {key: env.pop(key) for key in list(env) if key in hidden}


def show_again(env: Env, aside: Mapping[str, Any], dep: Dep, dialect: Dialect) -> None:
    """Copy back the hidden keys that a dependency's entry asks to see."""
    patterns = [str(key) for key in dep.get("force_env_keys") or []]
    if dep.get("reuse_version"):
        patterns.append(dialect.key("VERSION*"))
    for key in filter(fitting(tuple(patterns)), aside):
        env[key] = aside[key]


def prefixed(dep: Dep, env: Env) -> list[str]:
    """Tags of `update_tags_from_env_with_prefix`; read before hidden keys are put aside."""
    own = dep.get("env") or {}
    table = dep.get("update_tags_from_env_with_prefix") or {}
    return [
        f"{prefix}{item}"
        for prefix, keys in table.items()
        for key in ([keys] if isinstance(keys, str) else keys or ())
        for item in _items(own.get(key)) or _items(env.get(key))
    ]


def joined(dep: Dep, prefixes: list[str], scope: Scope, dialect: Dialect) -> str:
    """The whole tag string, with the environment as the dependency will see it."""
    env, own = scope.env, dep.get("env") or {}
    tags = [*split_tags(dep.get("tags")), *prefixes]
    for key in dep.get("update_tags_from_env") or ():
        tags += _items(own.get(key)) or _items(env.get(key))
    for tag, condition in (dep.get("update_tags_if_env") or {}).items():
        if not conditions.skip_reason(condition, env, dialect):
            tags.append(tag)
    if dep.get("inherit_variation_tags"):
        tags += _inherited(dep, tags, scope)
    text = ",".join(split_tags(",".join(tags)))
    return str(placeholders.resolved(text, env)) if dialect.dep_tag_placeholders else text


def _items(value: object) -> list[str]:
    values: Iterable[object] = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item is not None and str(item).strip()]


def _inherited(dep: Dep, tags: list[str], scope: Scope) -> list[str]:
    """The parent's variations, minus those the entry leaves out by group or by exclusion."""
    skipped = {
        key
        for group in dep.get("skip_inherit_variation_groups") or ()
        for key in scope.groups.get(group, ())
    }
    prefixes = tuple(key[:-1] for key in skipped if key.endswith(".#"))
    skipped.update(tag[2:] for tag in tags if tag.startswith(("-_", "_-")))
    return [
        variation_tag(name)
        for name in scope.variations
        if name not in skipped and not (prefixes and name.startswith(prefixes))
    ]
