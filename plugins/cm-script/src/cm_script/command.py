"""`cm run script` as a command: request in, result or one explained failure out."""

from __future__ import annotations

import os
import time
from _thread import RLock  # as `threading` gives it, whose import costs 1 ms

from cm_script import records
from cm_script.dialects import CM
from cm_script.engine import Engine
from cm_script.executor import Foreseen
from cm_script.flags import CHECKED, is_on
from cm_script.merge import copied, merge
from cm_script.scope import DEP_KINDS
from cm_script.step import StepError
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Sequence
from cmcore.naming import split_tags
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.context import Context


#: Held during a run: recipes change the current folder, which all threads of a process share.
_one_at_a_time = RLock()


def _forget_other_threads() -> None:
    """In a forked child: the thread that held the lock is not there to give it back."""
    global _one_at_a_time
    _one_at_a_time = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


def run(ctx: Context, request: Request) -> Result:
    """Run a recipe for a command line or a Python caller; one thread after the other.

    Raises:
        CmError: what stopped the run; the details a person needs were printed before.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise CmError("the current folder was deleted", hint="go to another one") from None
    with _one_at_a_time:
        if is_on(request.flags.get("mlc_isolate")):
            from cm_script.isolated import isolated

            return isolated(ctx, request, _run)
        if "container_deps" in request.flags:
            return _container_deps(ctx, request)
        return _run(ctx, request)


def _run(ctx: Context, request: Request) -> Result:
    inputs = inputs_of(ctx, request)
    engine = _engine(ctx, inputs)
    engine.request = request
    engine.executor.look_ahead = _look_ahead(ctx, request)
    if request.console:
        inputs["cmd"] = [*request.artifacts, *_spelled(dict(request.flags))]
    edits = {flag: list(inputs.get(flag) or ()) for flag in ("adr", "add_deps_recursive")}
    asked = {**dict(request.flags), "artifacts": list(request.artifacts)}
    started = time.time()
    engine.record = records.name_of(started)
    try:
        # One look at the folders is enough: recipes do not change under a run that uses them.
        with ctx.index.hold():
            answer = engine.run(inputs)
    except CmError as error:
        _explain(engine, request, error)
        records.write(engine, asked, started, error.to_dict())
        raise
    records.write(engine, asked, started, answer)
    _warn_of_edits_in_vain(engine, edits)
    if not engine.silent:
        _summarise(engine, answer, time.time() - started)
    return Result({k: v for k, v in answer.items() if k != "return"})


def _container_deps(ctx: Context, request: Request) -> Result:
    """What a container needs from the host first."""
    from cm_script import containerdeps

    inputs = inputs_of(ctx, request)
    engine = _engine(ctx, inputs)
    engine.request = request
    try:
        with ctx.index.hold():
            answer = containerdeps.run(engine, inputs)
    except CmError as error:
        _explain(engine, request, error)
        raise
    return Result({k: v for k, v in answer.items() if k != "return"})


def _engine(ctx: Context, inputs: dict[str, Any]) -> Engine:
    """The engine that `--jobs` asks for."""
    wanted = inputs.pop("jobs", None)
    if wanted is None:
        wanted = ctx.settings.get("script.jobs", "1")
    if wanted in (None, 1, "1") and wanted is not True:
        return Engine(ctx)
    from cm_script.jobs.engine import JobsEngine, count

    most = count(wanted)
    return JobsEngine(ctx, most) if most > 1 else Engine(ctx)


def _worth_a_look(run: RecipeRun, builds: bool) -> bool:
    """Whether anything is left that a look ahead could find, now that `run` acts first.

    Args:
        run: the recipe that is about to act.
        builds: it is about to be built in the cache, so none of its dependencies has run yet.
    """
    if len(run.engine.chain) > 1 or run.scope.conditionals:
        return True
    kinds = DEP_KINDS if builds else [kind for kind in DEP_KINDS if kind != "deps"]
    return any(run.scope.deps(kind) for kind in kinds)


def _look_ahead(ctx: Context, request: Request) -> Callable[[RecipeRun, bool], None]:
    folder = os.getcwd()

    def look(run: RecipeRun, builds: bool) -> None:
        if _worth_a_look(run, builds):
            from cm_script import preflight

            preflight.check(run.engine, inputs_of(ctx, request), folder)

    return look


def inputs_of(ctx: Context, request: Request) -> dict[str, Any]:
    """The flags of a request as the engine takes them, with settings and defaults joined in.

    Raises:
        UsageError: a flag that takes text was given none, `--tags=` is empty, or `--adr` does not
            say what to change.
    """
    try:
        inputs: dict[str, Any] = copied(dict(request.flags))
    except RecursionError:
        raise UsageError("a value of the request contains itself") from None
    for key in ("quiet", "silent"):
        if key not in inputs and ctx.settings.get(f"script.{key}", False):
            inputs[key] = True
    if request.command is not None:
        inputs["unparsed_cmd"] = list(request.command)
    words = [*request.artifacts[:1], *_without_flags(request.artifacts[1:], inputs)]
    _add_extra_command(inputs)
    if not CHECKED.isdisjoint(inputs):
        from cm_script import typed

        typed.read_input_file(inputs)
        typed.check(ctx, request, inputs)
    tags = inputs.get("tags")
    if tags is not None and (tags is True or not str(tags).strip() or tags == []):
        raise UsageError(
            "--tags= names no tags", hint='for example --tags=detect,os or "detect os"'
        )
    if tags is not None and not isinstance(tags, str):
        inputs["tags"] = ",".join(split_tags(tags))
    _refuse_shapeless(inputs)
    if words:
        inputs["artifact"] = words[0]
        if len(words) > 1:
            inputs["artifacts"] = words[1:]
    return inputs


def _spelled(flags: dict[str, Any], prefix: str = "--") -> list[str]:
    """Flags as CM's command line has them, which some recipes write into their reports."""
    words: list[str] = []
    for name, value in flags.items():
        if isinstance(value, dict):
            words += _spelled(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            words.append(f"{prefix}{name},={','.join(map(str, value))}")
        elif isinstance(value, bool):
            words.append(prefix + name + "-" * (not value))
        else:
            words.append(f"{prefix}{name}={value}")
    return words


def _refuse_shapeless(inputs: dict[str, Any]) -> None:
    for flag in ("env", "state", "const", "const_state"):
        given = inputs.get(flag)
        for name in given if isinstance(given, dict) else ():
            if not isinstance(name, str):
                raise UsageError(f"--{flag} takes names and values; {name!r} is no name")
    for flag in ("ad", "adr", "add_deps", "add_deps_recursive"):
        edits = inputs.get(flag)
        shaped = isinstance(edits, dict) and all(isinstance(e, dict) for e in edits.values())
        if not edits or shaped:
            continue
        raise UsageError(
            f"--{flag} takes the name of a dependency, a key and a value",
            hint=f"write --{flag}.NAME.KEY=VALUE, for example --{flag}.python.version=3.10",
        )


def _warn_of_edits_in_vain(engine: Engine, edits: dict[str, list[str]]) -> None:
    """Say which `--adr` named nothing, unless a cached result hid what it was meant for."""
    if any(record["source"] == "cache" for record in engine.records):
        return
    for flag, names in edits.items():
        for name in names:
            if name not in engine.dependency_names:
                from cm_script.hints import nearest

                near = nearest(name, engine.dependency_names, "named dependencies")
                engine.console.warn(
                    f"--{flag}.{name} changed nothing: no dependency has that name; {near}"
                )


def _without_flags(words: Sequence[str], inputs: dict[str, Any]) -> list[str]:
    """The words that are no flags; `key=value` is one, as MLCFlow's command line has it."""
    from cmcore import grammar

    left = []
    for word in words:
        key, equals, _ = word.partition("=")
        if equals and key.replace(".", "_").replace("-", "_").replace(",", "").isidentifier():
            merge(inputs, grammar.parse(["run", "script", "--" + word]).request.flags, CM)
        else:
            left.append(word)
    return left


def _add_extra_command(inputs: dict[str, Any]) -> None:
    """Flags from `CM_SCRIPT_EXTRA_CMD` and `MLC_SCRIPT_EXTRA_CMD`; the command line wins."""
    for variable in ("CM_SCRIPT_EXTRA_CMD", "MLC_SCRIPT_EXTRA_CMD"):
        text = os.environ.get(variable, "").strip()
        if not text:
            continue
        from shlex import split

        from cmcore import grammar

        try:
            words = split(text)
        except ValueError as error:
            raise UsageError(f"{variable} cannot be read: {error}", where=text) from None
        extra = dict(grammar.parse(["run", "script", *words]).request.flags)
        merge(extra, inputs, CM)
        inputs.clear()
        inputs.update(extra)


def _summarise(engine: Engine, answer: dict[str, Any], seconds: float) -> None:
    top = engine.records[-1] if engine.records else {"recipe": "", "source": "run"}
    source = " from the cache" if top["source"] == "cache" else ""
    count = len(answer["new_env"])
    alias = str(top["recipe"]).split(",")[0]
    engine.console.log(
        f"{alias}: done{source} in {seconds:.2f} s, {count} variables (--out=json shows them)"
    )


def _explain(engine: Engine, request: Request, error: CmError) -> None:
    """What a person needs beside the one-line error: the way there, the end of the output."""
    console = engine.console
    if isinstance(error, StepError):
        console.err("the failed step said last:")
        for line in error.lines:
            console.err("  | " + line)
        if os.path.isfile(error.rerun):
            console.err(f"the step alone: bash {error.rerun}")
    chain = engine.failure[1] if engine.failure else []
    if isinstance(error, Foreseen):
        chain = chain[:1]
    if len(chain) > 1:
        console.err("called by: " + " -> ".join(name.split(",")[0] for name in chain))
    if chain and request.console:
        from cmcore import grammar

        console.err("the whole request: " + grammar.command_line(request))
