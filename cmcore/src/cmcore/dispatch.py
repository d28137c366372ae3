"""One request on its way: owner, flags, observers before, the action, observers after.

The command line and `cmcore.access` both come through here, so the same request means the same
both ways. What the core answers itself imports no plugin.
"""

from __future__ import annotations

from cmcore.errors import CmError, UsageError
from cmcore.grammar import canonical_action, from_dict, parse
from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.registry import Owner

#: Flags that every action takes: how much is said and asked on the way.
GENERAL_FLAGS = ("quiet", "q", "silent", "s", "verbose", "v")

#: Handlers of the core's own noun whose function has another name than the verb.
_FUNCTIONS = {"import": "import_home"}


def run(ctx: Context, request: Request) -> Result:
    """Carry out one request.

    Args:
        ctx: the services.
        request: verb aliases (`ls`) and `alias,UID` as noun are understood.

    Raises:
        UsageError: unknown action, automation or flag.
        VetoedError: an observer refused it.
        CmError: the action failed.
    """
    if is_command(ctx, request):
        from cmcore.cli import commands

        return commands.run(ctx, request)
    owner, request = _understand(ctx, request)
    return carry_out(ctx, owner, request)


def carry_out(ctx: Context, owner: Owner, request: Request) -> Result:
    """Let the owner act, with observers before and after.

    Raises:
        VetoedError: an observer refused it.
        CmError: the action failed.
    """
    if not _observed(ctx):
        return _act(ctx, owner, request)
    try:
        ctx.manager.before_action(ctx, request)
        result = _act(ctx, owner, request)
    except CmError as error:
        ctx.manager.on_error(ctx, request, error)
        raise
    ctx.manager.after_action(ctx, request, result)
    return result


def access(
    request: Mapping[str, Any] | Sequence[str] | str, ctx: Context | None = None
) -> dict[str, Any]:
    """Carry out one request given as a dictionary, as words or as a command line.

    Args:
        request: `{"action": ..., "automation": ..., "artifact": ..., "artifacts": [...],
            "out": "con"|"json", "unparsed_cmd": [...], <flag>: <value>, ...}`, or what would
            follow `cm` on a command line.
        ctx: the services; by default those of this process.

    Returns:
        `{"return": 0, ...}` with what the action answers, or `{"return": code, "error": text}`.
        With `"out": "con"` the answer is also printed for a person.
    """
    try:
        parsed = _parse(request)
        wanted = parsed.request
        if not wanted.action:
            return {"return": 0, "warning": "no action specified"}
        if ctx is None:
            ctx = default_context()
        if parsed.options.no_plugins and not ctx.no_plugins:
            ctx = _without_plugins(ctx)
        if parsed.options.help:
            from cmcore.cli.help import explain

            result = explain(ctx, wanted)
        else:
            result = run(ctx, wanted)
        if wanted.console:
            from cmcore.cli.output import show

            show(result, ctx.console)
    except CmError as error:
        return error.to_dict()
    answer: dict[str, Any] = {"return": result.code, **result.data}
    answer["return"] = result.code
    if result.warnings:
        answer.setdefault("warnings", list(result.warnings))
    if result.code:
        answer.setdefault("error", f"'{wanted.action} {wanted.automation}' found something wrong")
    return answer


_default: tuple[object, Context] | None = None


def default_context() -> Context:
    """The services of this process; new ones when the environment or an installation changed."""
    global _default
    state = _process_state()
    if _default is None or _default[0] != state:
        from cmcore.context import Context

        _default = (state, Context())
    return _default[1]


def is_command(ctx: Context, request: Request) -> bool:
    """Whether it is one of the core's own commands, which have no noun: `plugins`, `config`, ...

    A plugin may bring a verb of such a name for its noun (`cm doctor docker`), unless the words
    behind the command are its own.
    """
    action = canonical_action(request.action)
    for command in ctx.registry.commands():
        if command.name == action:
            return bool(command.usage) or ctx.registry.owner(request.automation, action) is None
    return False


def check_flags(owner: Owner, request: Request) -> None:
    """Refuse a flag that the action does not know.

    Raises:
        UsageError: names the nearest known flag.
    """
    action = owner.action
    if action.open_flags or not request.flags:
        return
    known = {flag.name for flag in action.flags}
    for name in request.flags:
        if name not in known and name not in GENERAL_FLAGS:
            from cmcore import missing

            raise missing.flag(name, action.name, owner.automation.name, sorted(known))


def _understand(ctx: Context, request: Request) -> tuple[Owner, Request]:
    action = canonical_action(request.action)
    if not action:
        raise UsageError("no action given", hint="write cm ACTION AUTOMATION, or see 'cm help'")
    noun = request.automation
    if not noun:
        known = ", ".join(noun.name for noun in ctx.registry.automations())
        raise UsageError(f"'{action}' needs an automation", hint=f"known: {known}")
    if noun == ".":
        noun, request = _here(ctx, request)
    try:
        owner = ctx.registry.resolve(noun, action)
    except UsageError as error:
        from cmcore import missing

        raise missing.order(ctx.registry, request) or error from None
    request = request._replace(action=action, automation=owner.automation.name)
    check_flags(owner, request)
    return owner, request


def _here(ctx: Context, request: Request) -> tuple[str, Request]:
    """`cm ACTION .`: the automation around us, and the artifact when nothing else is named."""
    here = ctx.collections.here()
    if not here.automation:
        raise UsageError(
            "'.' as automation stands for the one around the current folder, which is in none",
            where=here.folder or here.collection.path,
        )
    named = request.artifacts or "tags" in request.flags or request.action == "add"
    if here.folder and not named:
        from os.path import exists, join

        from cmcore.artifacts import META_FILES

        if any(exists(join(here.folder, name)) for name in META_FILES):
            request = request._replace(artifacts=(".",))
    return here.automation, request


def _act(ctx: Context, owner: Owner, request: Request) -> Result:
    if owner.plugin is not None:
        return ctx.manager.call(owner, request, ctx)
    # A common action brings its handler along; the core's own noun has a module of functions.
    handler: Any = owner.action.handler
    if handler is None:
        from cmcore import collections_commands

        verb = request.action
        handler = getattr(collections_commands, _FUNCTIONS.get(verb, verb))
    result: Result = handler(ctx, request)
    return result


def _observed(ctx: Context) -> bool:
    hooks = ("cm_before_action", "cm_after_action", "cm_on_error")
    return any(ctx.registry.with_hook(hook) for hook in hooks)


def _parse(request: Mapping[str, Any] | Sequence[str] | str) -> Any:
    if isinstance(request, Mapping):
        return from_dict(request)
    if isinstance(request, str):
        from shlex import split

        try:
            request = split(request)
        except ValueError as error:
            raise UsageError(f"cannot read the command line {request!r}: {error}") from None
    given: object = request  # whatever a caller passed
    if isinstance(given, bytes) or not isinstance(given, Sequence):
        raise UsageError(
            f"a request is a dictionary, words or a command line, not {type(request).__name__}"
        )
    strange = [word for word in given if not isinstance(word, str)]
    if strange:
        raise UsageError(f"{strange[0]!r} in a request is no word")
    parsed = parse(request)
    # Without a word about it a command line is a person's, but here a program asks.
    if not {"--out=con", "-out=con"}.isdisjoint(request):
        return parsed
    return parsed._replace(request=parsed.request._replace(console=False))


def _without_plugins(ctx: Context) -> Context:
    from cmcore.context import Context

    return Context(environ=ctx.environ, console=ctx.console, paths=ctx.paths, no_plugins=True)


def _process_state() -> tuple[object, ...]:
    """What a context depends on and a process may change: variables, folder, installations."""
    import os
    import sys

    names = ("HOME", "XDG_DATA_HOME")
    variables = tuple(
        (key, value)
        for key, value in sorted(os.environ.items())
        if key.startswith("CM_") or key in names
    )
    try:
        folder = os.getcwd()
    except OSError:
        folder = ""
    return (variables, folder, tuple((path, _changed(path)) for path in sys.path))


def _changed(path: str) -> int:
    import os

    try:
        return os.stat(path or os.curdir).st_mtime_ns
    except OSError:
        return 0
