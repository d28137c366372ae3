"""What happens between the cache look-up and the result: dependencies, hooks, native step."""

from __future__ import annotations

import os

from cm_script import cacheuse, placeholders, turns, versions
from cm_script.inheritance import completed
from cm_script.merge import merge
from cm_script.outputs import present
from cm_script.results import collect, patterns
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.types import CacheEntry

#: Files the engine itself leaves in a folder; removed where nothing is cached.
TEMPORARY = (
    "tmp-run-state.json",
    "tmp-run-env.out",
    "tmp-ver.out",
    "tmp-env.sh",
    "tmp-env-all.sh",
    "tmp-state.json",
    "tmp-run.sh",
)


class Skipped(Exception):
    """A hook asked to skip its recipe; `script` names what to run in its place, if anything.

    Not a failure: a hook found that nothing is to be done.
    """

    def __init__(self, script: dict[str, Any] | None) -> None:
        super().__init__("skipped by the recipe")
        self.script = script


def execute(run: RecipeRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a recipe in the current folder and give back what it exports.

    Raises:
        CmError: a dependency, a hook or the native step failed.
        Skipped: a hook asked to leave the recipe out.
    """
    scope = run.scope
    for warning in scope.warnings:
        run.console.warn(warning)
    _take_default_version(run)
    scope.env[run.key("TMP_CURRENT_SCRIPT_PATH")] = run.artifact.path
    placeholders.fill(scope.env, data=scope.data)
    _load_code(run)
    _docker_dependencies(run)
    _predeps(run)
    run.run_deps("deps")
    placeholders.fill(scope.env, data=scope.data)
    _remove_leftovers(run)
    run.assert_constants()
    scope.env[run.key("TMP_PIP_VERSION_STRING")] = versions.pip_requirement(scope.env, run.dialect)
    placeholders.fill(scope.env, data=scope.data)  # constants, too, when hooks see them
    entered = os.getcwd()
    _enter_output_folder(run)
    _preprocess(run)
    _print_env(run)
    run.run_deps("prehook_deps")
    if not cacheuse.fake(run):
        _duplicate_keys(run)
        _native_step(run)
        run.run_deps("post_deps")
    run.cache_tags += [t for t in cacheuse.env_tags(run) if t not in run.cache_tags]
    os.chdir(entered)
    run.assert_constants()
    return collect(run)


def serve(run: RecipeRun, cached: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Merge a cached outcome into the run, and give back what the recipe exports.

    Only dynamic dependencies run.
    """
    scope = run.scope
    run.make_run_script_input()
    if not run.dynamic_ran:
        run.run_deps("deps")
        placeholders.fill(scope.env, data=scope.data)
    run.run_deps("prehook_deps")
    new_env, new_state = given_back(run, cached)
    merge(scope.env, new_env, run.dialect)
    merge(scope.state, new_state, run.dialect)
    run.run_deps("posthook_deps")
    run.run_deps("post_deps")
    return new_env, new_state


def given_back(run: RecipeRun, cached: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a cached outcome and the caller's environment and state export together."""
    own_env, own_state = cached["new_env"], cached["new_state"]
    seams = cached["inherited"] or {}
    run.exports = frozenset(own_env).difference(seams.get("env", {}).get("given") or ())
    (env_keys, state_keys), env = patterns(run), {**run.env, **own_env}
    return (
        completed(own_env, seams.get("env"), run.env, env_keys, env),
        completed(own_state, seams.get("state"), run.scope.state, state_keys, env),
    )


def recall(run: RecipeRun, entry: CacheEntry) -> None:
    """Let a recipe that runs again in its cache entry see what it exported the last time.

    Recipes update in place what they find there, as they do in the reference engines.
    """
    cached = cacheuse.state_of(run, entry)
    if cached is not None:
        merge(run.env, cached["new_env"], run.dialect)
        merge(run.scope.state, cached["new_state"], run.dialect)
    run.env[run.key("RENEW_CACHE_ENTRY")] = "yes"


def clean_outputs(run: RecipeRun) -> None:
    """Remove what `clean_output_files` names from the folder the user stands in."""
    run.engine.executor.remove(run.scope.meta.get("clean_output_files") or [])


def _take_default_version(run: RecipeRun) -> None:
    from cm_script.compose import take_default_version

    version = take_default_version(run.scope, run.dialect, run.inputs)
    if version:
        run.cache_tags = [*run.cache_tags, *versions.cache_tags(version, run.dialect)]


def _load_code(run: RecipeRun) -> None:
    run.make_run_script_input()
    if not cacheuse.fake(run):
        run.engine.executor.load_code(run)


def _docker_dependencies(run: RecipeRun) -> None:
    if not run.inputs.get("docker_run_deps"):
        return
    settings = run.scope.docker or run.scope.meta.get("docker") or {}
    wanted = [d for d in settings.get("deps") or [] if not d.get("skip_inside_docker")]
    if wanted:
        from cm_script.chain import run_entries

        run_entries(run, wanted, "deps")


def _predeps(run: RecipeRun) -> None:
    if run.dialect.predeps_hook and run.scope.meta.get("predeps", True) is not False:
        run.engine.executor.hook(run, "predeps")


def _remove_leftovers(run: RecipeRun) -> None:
    """Remove what earlier runs have left in the current folder."""
    executor, named = run.engine.executor, run.scope.meta.get("clean_files") or []
    if not run.engine.acts or not any(present(map(str, [*TEMPORARY, *named]))):
        executor.remove(())  # the lock is only worth its cost where there is something
        return
    with turns.turn(run.console, 0) as alone:  # or these are somebody else's
        executor.remove([*(TEMPORARY if alone else ()), *named])


def _preprocess(run: RecipeRun) -> None:
    answer = run.engine.executor.hook(run, "preprocess")
    if answer.get("skip"):
        raise Skipped(answer.get("script") or None)
    _note_version_and_tags(run, answer)


def _note_version_and_tags(run: RecipeRun, answer: dict[str, Any]) -> None:
    version = str(answer.get("version") or "")
    if version:
        run.version = version
        kept = [t for t in run.cache_tags if not t.startswith("version-")]
        run.cache_tags = kept + versions.cache_tags(version, run.dialect)
    for tag in answer.get("add_extra_cache_tags") or []:
        if tag not in run.cache_tags:
            run.cache_tags.append(str(tag))


def _print_env(run: RecipeRun) -> None:
    if run.options.print_env:
        import json

        from cm_script.records import masked

        text = json.dumps(masked(run.env), indent=2, sort_keys=True, default=str)
        run.console.err(text)


def _enter_output_folder(run: RecipeRun) -> None:
    wanted = run.text("OUTDIRNAME")
    if not wanted:
        return
    if not os.path.isabs(wanted) and len(run.engine.chain) == 1:
        wanted = os.path.join(run.text("TMP_CURRENT_PATH"), wanted)
        run.env[run.key("OUTDIRNAME")] = wanted
    run.engine.executor.enter_folder(wanted)


def _duplicate_keys(run: RecipeRun) -> None:
    """`env_key_mappings`: variables that begin with one prefix also exist under another."""
    for old, new in (run.scope.meta.get("env_key_mappings") or {}).items():
        for key in [k for k in run.env if k.startswith(old)]:
            run.env[new + key[len(old) :]] = run.env[key]


def _native_step(run: RecipeRun) -> None:
    run.rsi["meta"] = run.scope.meta
    run.rsi["env"] = run.env
    answer = run.engine.executor.native_step(run)
    _note_version_and_tags(run, answer)
