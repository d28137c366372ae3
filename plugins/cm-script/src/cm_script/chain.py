"""Running one dependency list: what a dependency is asked for, what it sees, what comes back.

Each entry of `deps`, `prehook_deps`, `posthook_deps` or `post_deps` becomes a run of its own that
shares the environment and the state of its parent, minus the parent's private keys.
"""

from __future__ import annotations

from cm_script import conditions, deptags, placeholders
from cm_script.executor import Foreseen
from cm_script.merge import merge
from cm_script.run import variation_tags
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep


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
        run.engine.executor.decided(run, dep, kind, reason)
        if not reason:
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
        placeholders.fill(dep["env"], env, run.scope.data)
    if dep.get("update_meta_if_env"):
        from cm_script.blocks import apply_conditionals

        apply_conditionals(run.scope, dep["update_meta_if_env"], run.dialect)
    prefixes = deptags.prefixed(dep, env)
    aside = deptags.put_aside(env, hidden)
    try:
        deptags.show_again(env, aside, dep, run.dialect)
        dep["tags"] = tags = deptags.joined(dep, prefixes, run.scope, run.dialect)
        run.ran_deps.append(tags)
        run.run_state.setdefault("deps", []).append(tags)
        if not (run.options.fake_deps or run.run_state.get("fake_deps")):
            _call(run, dep)
    finally:
        env.update(aside)
    placeholders.fill(env, data=run.scope.data)
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
    except Foreseen:
        raise
    except CmError as error:
        if not (run.dialect.dep_may_fail and conditions.truthy(dep.get("continue_on_error"))):
            failure = run.engine.failure
            if not error.where and (failure is None or failure[0] is not error):
                error.where = f"a dependency of {run.name}"  # it did not even begin
            raise
        run.console.warn(f"dependency '{dep['tags']}' failed and is skipped: {error.message}")


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
