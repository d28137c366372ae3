"""Running one dependency list: what a dependency is asked for, what it sees, what comes back.

Each entry of `deps`, `prehook_deps`, `posthook_deps` or `post_deps` becomes a run of its own that
shares the environment and the state of its parent, minus the parent's private keys.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cm_script import conditions, placeholders
from cm_script.merge import merge
from cm_script.run import variation_tags
from cmcore.errors import CmError

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep, Env

_PLACEHOLDER = re.compile(r"<<<(.*?)>>>")


def run_list(run: RecipeRun, kind: str) -> None:
    """Run the dependencies of list `kind` whose conditions hold, in order.

    When the parent is served from cache only `dynamic` dependencies run.

    Raises:
        CmError: a dependency failed (unless it says `continue_on_error`).
    """
    run_entries(run, run.scope.deps(kind), kind)


def run_entries(run: RecipeRun, deps: list[Dep], kind: str) -> None:
    """The same for entries that stand elsewhere; `kind` decides which keys they do not see."""
    served = run.entry is not None
    hidden = _hidden_patterns(run, kind, served)
    for dep in deps:
        reason = skip_reason(run, dep, served)
        if reason:
            run.engine.explain(f"  skip {dep.get('tags') or dep}: {reason}")
            continue
        _run_one(run, dep, hidden)


def skip_reason(run: RecipeRun, dep: Dep, served: bool) -> str:
    """Why a dependency does not run now, or ""."""
    if not dep.get("tags"):
        return "it names no tags"
    reason = conditions.skip_reason(dep, run.env, run.dialect)
    if reason:
        return reason
    if served and not dep.get("dynamic"):
        return "the parent comes from the cache"
    return ""


def _hidden_patterns(run: RecipeRun, kind: str, served: bool) -> list[str]:
    """Keys that belong to the parent alone.

    The lists differ on purpose: published recipes rely on `post_deps` of a fresh run seeing the
    parent's temporary and version variables.
    """
    meta = run.scope.meta
    after = kind == "post_deps" or (served and kind == "posthook_deps")
    own = meta.get("clean_env_keys_post_deps" if after else "local_env_keys") or []
    builtin = () if kind == "post_deps" and not served else run.dialect.local_keys
    return [*builtin, *(str(key) for key in own)]


def _run_one(run: RecipeRun, dep: Dep, hidden: list[str]) -> None:
    env = run.env
    if dep.get("env"):
        placeholders.fill(dep["env"], env)
    if dep.get("update_meta_if_env"):
        from cm_script.blocks import apply_conditionals

        apply_conditionals(run.scope, dep["update_meta_if_env"], run.dialect)
    tags = str(dep["tags"]) + _tags_from_env_with_prefix(dep, env, run)
    aside = _put_aside(env, hidden)
    try:
        _give_back(env, aside, dep, run)
        tags += _tags_from_env(dep, env, run) + _inherited(dep, tags, run)
        if run.dialect.dep_tag_placeholders:
            tags = _PLACEHOLDER.sub(lambda m: str(env.get(m.group(1), m.group(0))), tags)
        dep["tags"] = tags = ",".join(part for part in tags.split(",") if part.strip())
        run.ran_deps.append(tags)
        run.run_state.setdefault("deps", []).append(tags)
        if not (run.options.fake_deps or run.run_state.get("fake_deps")):
            _call(run, dep)
    finally:
        env.update(aside)
    placeholders.fill(env)
    run.assert_constants()


def _call(run: RecipeRun, dep: Dep) -> None:
    scope = run.scope
    inputs: dict[str, Any] = {
        "env": scope.env,
        "state": scope.state,
        "const": dict(scope.const),
        "const_state": dict(scope.const_state),
        "add_deps_recursive": scope.adr,
        "run_state": child_state(run),
    }
    if conditions.truthy(dep.get("inherit_cache_expiration")) and scope.cache_expiration:
        dep.setdefault("cache_expiration", scope.cache_expiration)
    for name in ("env", "state", "const", "const_state"):
        inputs["local_" + name] = dep.get(name) or {}
        if dep.get(name):
            # The reference empties the entry: it is in effect for one run only.
            dep[name] = {}
    merge(inputs, {k: v for k, v in dep.items() if k not in inputs}, run.dialect)
    try:
        run.engine.run(inputs)
    except CmError as error:
        if not conditions.truthy(dep.get("continue_on_error")):
            raise
        run.console.warn(f"dependency '{dep['tags']}' failed and is skipped: {error}")


def child_state(run: RecipeRun) -> dict[str, Any]:
    """What a dependency is told about its parent."""
    parent = run.name
    if run.scope.variations:
        parent += f" ( {variation_tags(run.scope.variations)} )"
    state: dict[str, Any] = {
        "parent": parent,
        "parent_form": run.dialect.name,
        "deps": [],
        "version_info": run.run_state.setdefault("version_info", []),
    }
    if run.run_state.get("fake_deps"):
        state["fake_deps"] = True
    return state


def _put_aside(env: Env, patterns: list[str]) -> Env:
    """Take hidden keys, and values that still hold a placeholder, out of `env`."""
    exact = {p for p in patterns if "*" not in p and "?" not in p}
    globs = [p for p in patterns if p not in exact]
    aside = {}
    for key in list(env):
        if (
            key in exact
            or any(fnmatch.fnmatchcase(key, pattern) for pattern in globs)
            or "<<<" in str(env[key])
        ):
            aside[key] = env.pop(key)
    return aside


def _give_back(env: Env, aside: Env, dep: Dep, run: RecipeRun) -> None:
    """Show a dependency the hidden keys that its entry asks for."""
    patterns = [str(key) for key in dep.get("force_env_keys") or []]
    if dep.get("reuse_version"):
        patterns.append(run.key("VERSION*"))
    for key, value in aside.items():
        if any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns):
            env[key] = value


def _tags_from_env_with_prefix(dep: Dep, env: Env, run: RecipeRun) -> str:
    added = ""
    own = dep.get("env") or {}
    for prefix, keys in (dep.get("update_tags_from_env_with_prefix") or {}).items():
        for key in [keys] if isinstance(keys, str) else keys:
            for item in _items(own.get(key)) or _items(env.get(key)):
                added += f",{prefix}{item}"
    return added


def _tags_from_env(dep: Dep, env: Env, run: RecipeRun) -> str:
    added = ""
    own = dep.get("env") or {}
    for key in dep.get("update_tags_from_env") or []:
        for item in _items(own.get(key)) or _items(env.get(key)):
            added += f",{item}"
    for tag, condition in (dep.get("update_tags_if_env") or {}).items():
        if not conditions.skip_reason(condition, env, run.dialect):
            added += f",{tag}"
    return added


def _items(value: object) -> list[str]:
    values: Iterable[object] = value if isinstance(value, list) else [value]
    return [str(v) for v in values if v is not None and str(v).strip()]


def _inherited(dep: Dep, tags: str, run: RecipeRun) -> str:
    """The parent's variations for a dependency that inherits them, minus what it leaves out."""
    if not dep.get("inherit_variation_tags"):
        return ""
    left_out = dep.get("skip_inherit_variation_groups") or []
    skipped = [v for group in left_out for v in run.scope.groups.get(group, [])]
    prefixes = tuple(v[:-1] for v in skipped if v.endswith(".#"))
    excluded = {
        part.strip().lstrip("-_") for part in tags.split(",") if part.strip()[:2] in ("-_", "_-")
    }
    kept = [
        v
        for v in run.scope.variations
        if v not in skipped and v not in excluded and not (prefixes and v.startswith(prefixes))
    ]
    return "," + variation_tags(kept) if kept else ""
