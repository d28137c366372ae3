"""What some flags want done around a run: lists, files, records, a shell, a pause.

Imported only when one of `flags.EXTRAS` is given. It wraps the story of one recipe's run, of the
request itself or of one that a hook makes; dependencies never carry these flags.
"""

from __future__ import annotations

import json
import os

from cm_script import shells
from cm_script.flags import EXTRAS, is_on
from cm_script.story import run_recipe
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.repro import Record

_DEBUG = ("debug_script", "debug")
_MEGABYTE = 1 << 20


def run(engine: Engine, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run a recipe, see `story.run_recipe`, and do what its flags ask for before and after.

    Raises:
        UsageError: a shell is wanted and there is no terminal.
        CmError: the run failed; with `--repro` and `--dump_version_info` what is known of it was
            written down.
    """
    on = {flag for flag in EXTRAS if is_on(inputs.get(flag))}
    console = engine.ctx.console
    if "shell" in on:
        shells.require_terminal(console, "shell")
        inputs["save_env"] = True
    state = inputs.get("run_state")
    if not isinstance(state, dict):
        state = inputs["run_state"] = {}
    record = _record(engine, inputs) if "repro" in on else None
    outer, engine.stop = engine.stop, _stop(engine, inputs, on) or engine.stop
    free = _free(engine) if "space" in on else 0
    try:
        answer = run_recipe(engine, inputs)
    except BaseException as error:
        if "dump_version_info" in on:
            _dump_versions(engine, state, "cm")
        if record is not None:
            record.failed(error, state)
        raise
    finally:
        stop, engine.stop = engine.stop, outer
    if stop is not None and stop is not outer and not stop.hit:
        console.warn(
            f"--{stop.flag}: no native step of such a recipe was run; one that is served from the"
            " cache runs none (--new, --renew)"
        )
    _tell(engine, answer, state, on)
    if record is not None:
        record.succeeded(answer, state)
    if "shell" in on:
        _open_shell(engine)
    if "space" in on:
        _say(engine, f"used disk space: {(free - _free(engine)) // _MEGABYTE} MB")
    if "pause" in on:
        _pause(engine)
    return answer


def _tell(engine: Engine, answer: dict[str, Any], state: dict[str, Any], on: set[str]) -> None:
    """Print and write what the flags want to know of a run that succeeded."""
    run = engine.last
    dialect = run.dialect.name if run is not None else "cm"
    if "print_deps" in on:
        for line in answer["new_state"].get("print_deps", ()):
            _say(engine, line)
    if "dump_version_info" in on:
        _dump_versions(engine, state, dialect)
    if "print_versions" in on:
        _print_versions(engine, state)
    if on & {"dump_version_info", "print_versions"}:
        answer["version_info"] = state.get("version_info", [])
    if "print_readme" in on:
        from cm_script.readme import readme

        _write(f"README-{dialect}.md", readme(engine, state))
    if "mlc_output" in on:
        _write_output(answer)
    if on & {"json", "j"} and engine.chain:
        engine.console.log(json.dumps(answer, indent=2, default=str))


def _say(engine: Engine, text: str) -> None:
    """A line of what was asked for: of the answer when a person asked, otherwise of the log."""
    console = engine.ctx.console
    if engine.request is not None and engine.request.console and not engine.chain:
        console.out(text)
    else:
        console.log(text)


def _record(engine: Engine, inputs: dict[str, Any]) -> Record:
    from cm_script.repro import Record

    return Record(engine, inputs)


def _stop(engine: Engine, inputs: dict[str, Any], on: set[str]) -> shells.Stop | None:
    for flag in _DEBUG:
        if flag in on:
            return shells.Stop(flag, depth=len(engine.chain) + 1)
    if "debug_script_tags" in on:
        given = inputs["debug_script_tags"]
        words = given if isinstance(given, list) else str(given).replace(" ", ",").split(",")
        tags = frozenset(str(word).strip() for word in words) - {""}
        if not tags:
            raise UsageError("--debug_script_tags names no tags", hint="for example get,gcc")
        return shells.Stop("debug_script_tags", tags=tags)
    return None


def _dump_versions(engine: Engine, state: dict[str, Any], dialect: str) -> None:
    text = json.dumps(state.get("version_info", []), indent=2, sort_keys=True, default=str) + "\n"
    for name in (f"{dialect}-run-script-versions.json", "version_info.json"):
        _write(name, text)
    engine.console.log("versions are in version_info.json", verbose=engine.quiet)


def _print_versions(engine: Engine, state: dict[str, Any]) -> None:
    """Each recipe that has a version, once per version."""
    known = {
        f"* {asked}: {facts['version']}": None
        for entry in state.get("version_info", [])
        for asked, facts in entry.items()
        if facts.get("version")
    }
    _say(engine, "versions:" if known else "versions: no recipe of this run has one")
    for line in known:
        _say(engine, line)


def _write_output(answer: dict[str, Any]) -> None:
    """The result as two files, which a native step of another recipe could have left."""
    _write("tmp-state.json", json.dumps(answer["new_state"], indent=2, default=str) + "\n")
    lines = []
    for key, value in answer["new_env"].items():
        text = ":".join(map(str, value)) if isinstance(value, list) else str(value)
        for char in '\\"$`':
            text = text.replace(char, "\\" + char)
        lines.append(f'{key}="{text}"\n')
    _write("tmp-run-env.out", "".join(lines))


def _write(name: str, text: str) -> None:
    from cmcore.storage import write_atomic

    write_atomic(os.path.abspath(name), text, durable=False)


def _open_shell(engine: Engine) -> None:
    run = engine.last
    assert run is not None
    entry = run.entry.path if run.entry is not None else ""
    where = f" The recipe ran in {entry}." if entry else ""
    console = engine.ctx.console
    console.err(f"A shell with the environment of {run.name}.{where} Type exit to leave it.")
    name = shells.ENVIRONMENT + str(run.os_info["bat_ext"])
    with open(name, encoding="utf-8", errors="surrogateescape") as file:
        shells.open_shell(console, file.read(), run.artifact.alias or run.artifact.uid)


def _free(engine: Engine) -> int:
    """Free bytes of the file systems that a run writes to: here, and where the cache is."""
    from shutil import disk_usage

    disks: dict[int, int] = {}
    for folder in (os.getcwd(), engine.ctx.paths.home):
        try:
            disks[os.stat(folder).st_dev] = disk_usage(folder).free
        except OSError:
            continue  # not made yet
    return sum(disks.values())


def _pause(engine: Engine) -> None:
    console = engine.ctx.console
    if not console.interactive:
        console.warn("--pause: there is no terminal to wait at")
        return
    import sys

    console.err("Press Enter to continue ...")
    sys.stdin.readline()
