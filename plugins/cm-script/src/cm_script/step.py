"""The native step of a recipe: its script for this host, sourced by bash with the environment.

What is run lies readable in the working folder: `tmp-run.sh` can be run again by hand, and
`tmp-state.json` holds the state that the script may look at.
"""

from __future__ import annotations

import os

from cm_script import native, outputs, turns
from cm_script.exports import render
from cm_script.merge import merge
from cm_script.provenance import Provenance
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Sequence

if TYPE_CHECKING:
    from cm_script.protocols import RunLike

SCRIPT = "tmp-run"
STATE = "tmp-state.json"
VERSION_FILE = "tmp-ver.out"
_MOST_SAID = 500


class StepError(CmError):
    """A native step failed.

    Attributes:
        recipe: name of the recipe.
        script: path of its script.
        exit_code: the script's exit code; negative for a signal.
        lines: the last lines of its output.
        log: file with the whole output, or "".
        rerun: path of the generated script that runs the step again.
        chain: recipes that led here, outermost first; filled in by who knows it.
    """

    code = 2

    def __init__(
        self, recipe: str, script: str, exit_code: int, lines: Sequence[str], log: str, rerun: str
    ) -> None:
        if exit_code < 0:
            outcome = f"was ended by signal {-exit_code}"
        else:
            outcome = f"failed with exit code {exit_code}"
        message = f"recipe {recipe}: {os.path.basename(script)} {outcome}"
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if said:
            cut = said[:_MOST_SAID] + "..." if len(said) > _MOST_SAID else said
            message += f" after saying: {cut}"
        super().__init__(message, where=script, hint=f"whole output: {log}" if log else "")
        self.recipe = recipe
        self.script = script
        self.exit_code = exit_code
        self.lines = list(lines)
        self.log = log
        self.rerun = rerun
        self.chain: list[str] = []

    def to_dict(self) -> dict[str, object]:
        """The failure for callers, with `script`, `exit_code`, `last_lines`, `log`, `rerun`."""
        return {
            **super().to_dict(),
            "script": self.script,
            "exit_code": self.exit_code,
            "last_lines": self.lines,
            "log": self.log,
            "rerun": self.rerun,
        }


def run_step(
    run: RunLike, env: dict[str, Any], *, mode: str, script_name: str | None = None
) -> dict[str, Any]:
    """Run a native script of the recipe in the current folder, and the hook that goes with it.

    Args:
        run: the recipe's run.
        env: environment to export; changed in place by what the script and the hook report.
        mode: `postprocess` (posthook dependencies, then that hook), `detect_version` (that hook)
            or "" (no hook).
        script_name: base name of the script, instead of the one that a hook or the meta named.

    Returns:
        the hook's answer, {"return": 0} without one.

    Raises:
        StepError: the script failed and the run does not ignore that.
        CmError: the hook or a dependency failed, or the script that the meta names is missing.
    """
    script = _script(run, env, script_name)
    with turns.turn(run.console) as alone:
        if alone:
            return _staged(run, env, mode, script, SCRIPT)
        run.console.warn(
            f"another run's step has been under way in {os.getcwd()} for a while; going on beside"
            " it, and what they leave there may mix: better use a folder for each"
        )
        with turns.put_aside((STATE, outputs.ENV_FILE, outputs.STATE_FILE, VERSION_FILE)):
            return _staged(run, env, mode, script, f"{SCRIPT}-{os.getpid()}")


def _staged(
    run: RunLike, env: dict[str, Any], mode: str, script: str, generated: str
) -> dict[str, Any]:
    _assert_constants(run, env)
    env[run.key("TMP_CURRENT_SCRIPT_PATH")] = run.artifact.path
    env[run.key("TMP_CURRENT_SCRIPT_WORK_PATH")] = os.getcwd()
    _write_state(run.scope.state)
    if script:
        outputs.discard()
        _execute(run, env, script, generated + str(run.os_info["bat_ext"]))
        outputs.import_state(run.scope.state, run.dialect)
        run.engine.imported.update(outputs.import_env(env, run.dialect))
    if mode == "postprocess":
        run.run_deps("posthook_deps")
    if not mode or run.code is None or not run.code.has(mode):
        return {"return": 0}
    return _call_hook(run, env, mode)


def _script(run: RunLike, env: dict[str, Any], wanted: str | None) -> str:
    """Path of the script to run; "" for none."""
    chosen = str(wanted or run.rsi.get("script_name") or "").strip()
    named_by_meta = "" if chosen else run.scope.script_name.strip()
    base = chosen or named_by_meta or "run"
    path = native.find_script(run.artifact.path, base, env, run.dialect)
    if not path and named_by_meta:
        raise NotFoundError(
            f"recipe {run.name}: its native script {base}{run.os_info['bat_ext']} is missing",
            where=run.artifact.path,
            hint="add the file, or remove script_name from the recipe",
        )
    return path


def _assert_constants(run: RunLike, env: dict[str, Any]) -> None:
    if run.dialect.const_merges_lists:
        merge(env, run.scope.const, run.dialect)
    else:
        env.update(run.scope.const)
    merge(run.scope.state, run.scope.const_state, run.dialect)


def _write_state(state: dict[str, Any]) -> None:
    from cmcore.jsontext import dumps

    text = dumps(state, indent=2, sort_keys=True, default=str)
    _write(STATE, text + "\n")


def _write(name: str, text: str) -> None:
    try:
        with open(name, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
    except OSError as error:
        raise CmError(
            f"the native step cannot be prepared: {error.strerror}", where=os.path.abspath(name)
        ) from None


def generated_script(run: RunLike, env: dict[str, Any], script: str) -> str:
    """The text of `tmp-run.sh`: state's `script_prefix` lines, exports, then the script itself."""
    data = run.scope.data or Provenance(run.engine)
    literal = data.literal_keys(env, run.artifact.meta_json)
    windows = run.os_info["platform"] == "windows"
    head = ["@echo off"] if windows else ["#!/bin/bash"]
    prefix = run.scope.state.get("script_prefix") or []
    lines = [*head, "", *map(str, [prefix] if isinstance(prefix, str) else prefix), ""]
    call = f'call "{script}"' if windows else f". {_shell_word(script)}"
    exported = render(env, run.dialect, run.os_info, literal, data.pieces)
    return "\n".join(lines) + exported + f"\n{call}\n"


def _shell_word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _execute(run: RunLike, env: dict[str, Any], script: str, name: str) -> None:
    _write(name, generated_script(run, env, script))
    os.chmod(name, 0o755)
    if run.engine.stop is not None:
        from cm_script.shells import before_step

        before_step(run, name)
    run.console.log(f"{run.spaces}  ! {script}", verbose=True)
    if run.os_info["platform"] == "windows":
        argv = ["cmd", "/c", name]
    else:
        # Sourced, as recipes rely on: they may `return`, and `$0` is not their own path.
        argv = ["bash", "-c", f". ./{name}"]
    log = _log_path(run)
    code, lines = native.run_process(argv, os.getcwd(), os.environ, run.console, log)
    said = os.path.isfile(log)
    if code == 0:
        if said:
            os.remove(log)
        return
    error = StepError(run.name, script, code, lines, log if said else "", os.path.abspath(name))
    if run.options.ignore_script_error:
        run.console.warn(f"{error.message}; going on as --ignore_script_error says")
        return
    _show_files(run)
    raise error


def _log_path(run: RunLike) -> str:
    import time

    stamp = time.strftime("%Y%m%d-%H%M%S")
    label = run.artifact.alias or run.artifact.uid
    return os.path.join(run.engine.ctx.paths.logs, f"{stamp}-{label}-{os.getpid()}.log")


def _show_files(run: RunLike) -> None:
    """Print the files that the recipe wants to be seen when its script fails."""
    for name in run.scope.meta.get("print_files_if_script_error") or []:
        if os.path.isfile(str(name)):
            with open(str(name), encoding="utf-8", errors="replace") as file:
                run.console.err(f"--- {os.path.abspath(str(name))}\n{file.read().rstrip()}\n---")


def _call_hook(run: RunLike, env: dict[str, Any], hook: str) -> dict[str, Any]:
    assert run.code is not None
    _assert_constants(run, env)
    extra = {"env": env}
    if hook == "postprocess":
        extra.update(const=run.scope.const, const_state=run.scope.const_state)
    answer = run.code.call(hook, run.hook_input(**extra))
    run.code.check(hook, answer)
    return answer
