"""One run of one recipe, told in order.

    request -> select -> compose -> cache look-up
            -> dependencies -> prepare -> native step -> collect
            -> post dependencies -> publish -> result

Each line of `run_recipe` is one arrow; the module that draws it can be read and tested alone.
A dependency is the same story again (`chain.run_list`).
"""

from __future__ import annotations

import os
import time

from cm_script import beginning, body, cacheuse, container, ending
from cm_script.inheritance import Inherited
from cm_script.results import reset, snapshot
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.run import RecipeRun
    from cmcore.types import CacheRequest

#: Meta files are written by hand: a list where keys belong, a number where text does.
#: And the folder of a run may be taken away, or its disk be full.
_ODD = (AttributeError, LookupError, OSError, TypeError, ValueError)


def run_recipe(engine: Engine, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run the recipe that `inputs` ask for and give back what it exports.

    Args:
        engine: the request this run is part of.
        inputs: flags as the command line or a dependency entry gives them. `env`, `state`,
            `const` and `const_state` are changed in place, as recipes rely on.

    Returns:
        `return` (0), `env`, `new_env`, `state`, `new_state`, `deps`.

    Raises:
        CmError: selection, a dependency, a hook or a native step failed. Environment, state and
            current folder are then what they were before.
    """
    started = time.perf_counter()
    folder = os.getcwd()
    env, state = beginning.shared(inputs)
    saved_env, saved_state = snapshot(env), snapshot(state)
    constants = snapshot(inputs["const"]), snapshot(inputs["const_state"])
    run: RecipeRun | None = None
    done = False
    try:
        run = beginning.begin(engine, inputs)
        run.found = saved_env, saved_state, *constants
        engine.enter(run)
        if container.skips(run):
            reset(env, saved_env)
            reset(state, saved_state)
            return ending.nothing(run)
        new_env, new_state = _from_cache_or_body(run)
        ending.restore(run, saved_env, saved_state, new_env, new_state)
        done = True
        return ending.answer(run, new_env, new_state)
    except body.Skipped as skipped:
        assert run is not None
        reset(env, saved_env)
        reset(state, saved_state)
        return _instead(run, skipped) or ending.nothing(run, skipped=True)
    except CmError as error:
        reset(env, saved_env)
        reset(state, saved_state)
        if run is not None:
            ending.blame(run, error)
        raise
    except _ODD as odd:
        reset(env, saved_env)
        reset(state, saved_state)
        told = _as_error(odd, run, inputs)
        if run is not None:
            ending.blame(run, told)
        raise told from odd
    finally:
        os.chdir(folder)
        if run is not None:
            if done:
                # What a failed step left is what a person needs to find out why.
                engine.executor.finish(run)
            ending.log_time(run, time.perf_counter() - started)
            engine.leave()


def _as_error(odd: Exception, run: RecipeRun | None, inputs: dict[str, Any]) -> CmError:
    """What a meta file or a hook that nobody could foresee made the engine stumble over."""
    asked = inputs.get("tags") or inputs.get("artifact") or ""
    if isinstance(odd, OSError):
        where = odd.filename or (run.reservation.path if run and run.reservation else "")
        name = run.name if run else asked
        return CmError(f"recipe {name} cannot go on: {odd.strerror or odd}", where=str(where))
    return CmError(
        f"recipe {run.name if run else asked} is not in order: {type(odd).__name__}: {odd}",
        where=run.artifact.path if run else "",
        hint="its meta, or what its hooks left, has a value of another kind than recipes use there",
    )


def _from_cache_or_body(run: RecipeRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """The exports of a cached outcome that fits, or of a run that happens now."""
    body.clean_outputs(run)
    if not cacheuse.wanted(run):
        cacheuse.explain_aside(run)
        return body.execute(run)
    request = cacheuse.request_for(run)
    entry = cacheuse.look_up(run, request)
    tried = set()
    while entry is not None and not run.options.renew:
        served = _serve(run, entry)
        if served is not None:
            return served
        # What cannot be served is not found again; another one may fit as well.
        tried.add(entry.uid)
        entry = cacheuse.look_up(run, request)
        if entry is not None and entry.uid in tried:
            entry = None
    return run.engine.executor.build(run, request, entry)


def build(
    run: RecipeRun, request: CacheRequest, entry: CacheEntry | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a recipe in a cache entry: a new one, or `entry` again.

    Returns:
        what the recipe exports, or what another process published in the meantime.

    Raises:
        CmError: a dependency, a hook, the native step or the cache failed; nothing is published.
    """
    from cm_script import cachefill  # which takes more imports than a run from the cache needs

    got = cachefill.reserve(run, request, entry)
    if isinstance(got, CacheEntry):
        served = _serve(run, got)
        if served is not None:
            return served
        got = cachefill.reserve(run, request, None)
        if isinstance(got, CacheEntry):
            raise CmError(f"cached entry {got.uid} of {run.name} is damaged", where=got.path)
    run.reservation = got
    try:
        os.chdir(got.path)
        inherited = Inherited(run)
        if run.options.renew and entry is not None:
            body.recall(run, entry)
        exports = body.execute(run)
        cachefill.publish(run, inherited, *exports)
    except BaseException as error:
        run.ctx.manager.cache_release(run.ctx, got, str(error) or type(error).__name__)
        raise
    return inherited.given_back(*exports)


def _serve(run: RecipeRun, entry: CacheEntry) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The exports of a cached entry; None when it turns out to be damaged.

    No hook and no native step runs; dependencies marked `dynamic` do.
    """
    cached = cacheuse.state_of(run, entry)
    if cached is None:
        return None
    run.entry = entry
    run.version = cached["version"] or entry.version
    run.cached_versions = cached["version_info"]
    run.engine.explain(f"  from cache {entry.path}")
    return body.serve(run, cached)


def _instead(run: RecipeRun, skipped: body.Skipped) -> dict[str, Any] | None:
    """Run the recipe that a hook asked for in place of its own."""
    if not skipped.script:
        return None
    scope = run.scope
    return run.engine.run(
        {
            "env": scope.env,
            "state": scope.state,
            "const": scope.const,
            "const_state": scope.const_state,
            "add_deps_recursive": scope.adr,
            "run_state": {"parent": run.name, "deps": [], "version_info": []},
            **skipped.script,
        }
    )
