"""The end of a run: environment put back, files cleaned, versions and times noted, the answer."""

from __future__ import annotations

import os

from cm_script import results, turns
from cm_script.body import TEMPORARY
from cm_script.flags import is_on
from cm_script.outputs import present
from cm_script.query import variation_tag
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.errors import CmError


def restore(
    run: RecipeRun,
    saved_env: dict[str, Any],
    saved_state: dict[str, Any],
    new_env: dict[str, Any],
    new_state: dict[str, Any],
) -> None:
    """Leave the shared environment and state as before the run, plus what it exports."""
    _note_version(run)  # while its variables are there
    results.restore(run.scope.env, saved_env, new_env, run)
    results.restore(run.scope.state, saved_state, new_state, run)


def answer(run: RecipeRun, new_env: dict[str, Any], new_state: dict[str, Any]) -> dict[str, Any]:
    """The result of a finished run; also prints and saves what its flags ask for."""
    run.engine.last = run
    if run.entry is None:
        run.exports = frozenset(new_env)
    _print_wanted(run, new_env)
    if run.options.save_env:
        run.engine.executor.save_env(run, new_env)
    if run.options.print_deps:
        new_state["print_deps"] = [f"cm run script --tags={tags}" for tags in run.ran_deps]
    return {
        "return": 0,
        "env": run.scope.env,
        "new_env": new_env,
        "state": run.scope.state,
        "new_state": new_state,
        "deps": list(run.ran_deps),
    }


def nothing(run: RecipeRun, *, skipped: bool = False) -> dict[str, Any]:
    """The result of a recipe that was left out."""
    empty: dict[str, Any] = {
        "return": 0,
        "env": run.scope.env,
        "new_env": {},
        "state": run.scope.state,
        "new_state": {},
        "deps": [],
    }
    return {**empty, "skipped": True} if skipped else empty


def _note_version(run: RecipeRun) -> None:
    version = run.version or run.text("DETECTED_VERSION") or run.text("VERSION")
    variations = run.hook_variations()
    asked = ",".join([*run.query.tags, *map(variation_tag, variations)])
    known = run.run_state["version_info"]
    # A hit runs nothing but dynamic dependencies; its entry knows what the others were.
    known += [e for e in run.cached_versions if e not in known[run.first_version :]]
    known.append(
        {
            asked or run.artifact.alias: {
                "script_uid": run.artifact.uid,
                "script_alias": run.artifact.alias,
                "script_tags": ",".join(run.artifact.tags),
                "script_variations": ",".join(variations),
                "version": version,
                "parent": run.run_state.get("parent"),
            }
        }
    )


def _print_wanted(run: RecipeRun, new_env: dict[str, Any]) -> None:
    wanted = run.scope.meta.get("print_env_at_the_end")
    if not isinstance(wanted, dict) or run.options.silent:
        return
    for key, label in wanted.items():
        run.console.log(f"{run.spaces}{label}: {new_env.get(key, '')}")


def save_env(run: RecipeRun, new_env: dict[str, Any]) -> None:
    """Write the new environment into `tmp-env.sh` of the folder that the user stands in."""
    from cm_script.exports import render
    from cm_script.provenance import Provenance
    from cmcore.storage import write_atomic

    prefix = [str(line) for line in run.scope.state.get("script_prefix") or []]
    data = run.scope.data or Provenance(run.engine)
    literal = data.literal_keys(new_env, run.artifact.meta_json)
    text = render(new_env, run.dialect, run.os_info, literal, data.pieces)
    head = "" if run.os_info["platform"] == "windows" else "#!/bin/bash\n"
    path = os.path.join(run.folder, "tmp-env" + str(run.os_info["bat_ext"]))
    write_atomic(path, head + "".join(f"{line}\n" for line in prefix) + text)


def clean(run: RecipeRun) -> None:
    """Remove the engine's temporary files where nothing was cached."""
    keep = run.options.dirty or is_on(run.inputs.get("shell"))
    if keep or run.reservation is not None or run.entry is not None:
        return
    with turns.turn(run.console, 0) as alone:  # or these are somebody else's
        ours = TEMPORARY if alone else ()
        mine = [n for n in ours if not (n == "tmp-env.sh" and run.options.save_env)]
        _remove(run, [*mine, *map(str, run.scope.meta.get("clean_files") or [])])


def _remove(run: RecipeRun, names: list[str]) -> None:
    for name in present(names):
        try:
            os.remove(name)
        except OSError as error:
            run.console.warn(f"{name} could not be removed: {error.strerror}")


def blame(run: RecipeRun, error: CmError) -> None:
    """Note the chain of recipes that led to an error, once, at the innermost one."""
    failure = run.engine.failure
    if failure is None or failure[0] is not error:
        run.engine.failure = (error, list(run.engine.chain))


def log_time(run: RecipeRun, seconds: float) -> None:
    """Add this run to the record of the request; print it for `--time`."""
    source = "cache" if run.entry is not None and run.reservation is None else "run"
    run.engine.records.append(
        {
            "recipe": run.name,
            "variations": list(run.scope.variations),
            "depth": len(run.engine.chain),
            "source": source,
            "entry": run.entry.uid if run.entry else "",
            "version": run.version,
            "seconds": round(seconds, 4),
        }
    )
    if run.options.time or run.engine.timed:
        run.console.log(f"{run.spaces}{run.artifact.alias}: {seconds:.2f} s ({source})")
