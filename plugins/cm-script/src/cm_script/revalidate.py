"""Recipes that check a cached outcome themselves, with a native script `validate_cache`."""

from __future__ import annotations

import os

from cm_script.results import reset, snapshot
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.types import CacheEntry


def rejected(run: RecipeRun, entry: CacheEntry) -> str:
    """Why the recipe's own check turns `entry` down, or "".

    The recipe's dynamic dependencies run first, because the check needs what they detect. It
    runs in a scratch folder, so that nothing is left where the user stands.
    """
    script = os.path.join(run.artifact.path, "validate_cache" + run.os_info["bat_ext"])
    if not os.path.isfile(script):
        return ""
    import tempfile

    from cm_script.hooks import load_code
    from cm_script.step import run_step

    run.make_run_script_input()
    if run.code is None:
        run.code = load_code(run)
    if not run.dynamic_ran:
        run.entry = entry
        try:
            run.run_deps("deps")
        finally:
            run.entry = None
        run.dynamic_ran = True
    env, saved_env = run.scope.env, snapshot(run.scope.env)
    saved_state, folder = snapshot(run.scope.state), os.getcwd()
    with tempfile.TemporaryDirectory(prefix="cm-validate-") as scratch:
        os.chdir(scratch)
        try:
            answer = run_step(run, env, mode="detect_version", script_name="validate_cache")
        except CmError as error:
            return f"its check failed: {error.message}"
        finally:
            os.chdir(folder)
            reset(env, saved_env)
            reset(run.scope.state, saved_state)
    found = str(answer.get("version") or "")
    if found and entry.version and found != entry.version:
        return f"version {found} is there now, not {entry.version}"
    return ""
