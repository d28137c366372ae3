"""The core's own commands, which have no noun: `cm plugins`, `cm config`, `cm version`, ...

The manifest of the core lists them with their help; here is what answers.
"""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.grammar import canonical_action
from cmcore.hints import TYPE_CHECKING, Callable
from cmcore.types import Request, Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context

Handler = Callable[["Context", Request], Result]


def run(ctx: Context, request: Request) -> Result:
    """Answer one of the core's commands.

    Raises:
        UsageError: a sub-command, an argument or a flag that it does not know.
    """
    name = canonical_action(request.action)
    if name not in _ANY_FLAG:
        from cmcore.dispatch import GENERAL_FLAGS

        for flag in request.flags:
            if flag not in GENERAL_FLAGS:
                raise UsageError(f"unknown flag '--{flag}' of 'cm {name}'", hint="it takes none")
    if name in _NO_WORDS and request.automation:
        raise UsageError(f"'cm {name}' takes no '{request.automation}'", hint=f"write cm {name}")
    return _COMMANDS[name](ctx, request)


def _plugins(ctx: Context, request: Request) -> Result:
    from cmcore import plugin_commands

    return _sub_command(
        ctx,
        request,
        "list",
        {
            "list": plugin_commands.list_plugins,
            "why": plugin_commands.why,
            "verify": plugin_commands.verify,
            "doctor": plugin_commands.doctor,
        },
    )


def _doctor(ctx: Context, request: Request) -> Result:
    from cmcore import plugin_commands

    return plugin_commands.doctor(ctx, request)


def _config(ctx: Context, request: Request) -> Result:
    from cmcore import config

    return _sub_command(
        ctx,
        request,
        "list",
        {
            "list": config.config_list,
            "get": config.config_get,
            "set": config.config_set,
            "unset": config.config_unset,
        },
    )


def _sub_command(
    ctx: Context, request: Request, default: str, handlers: dict[str, Handler]
) -> Result:
    word = request.automation or default
    if word not in handlers:
        from cmcore.naming import did_you_mean

        near = did_you_mean(word, handlers) or list(handlers)
        raise UsageError(
            f"'{request.action}' has no command '{word}'",
            hint=f"try {' or '.join(f'cm {request.action} {name}' for name in near)}",
        )
    return handlers[word](ctx, request)


def _completion(ctx: Context, request: Request) -> Result:
    from cmcore.cli.shells import SCRIPTS

    shell = request.automation
    if shell not in SCRIPTS:
        raise UsageError(
            f"no completion for the shell '{shell}'" if shell else "the name of a shell is missing",
            hint=f"try {', '.join(f'cm completion {name}' for name in SCRIPTS)}",
        )
    return Result({"shell": shell, "script": SCRIPTS[shell]}, SCRIPTS[shell])


def _print_input(ctx: Context, request: Request) -> Result:
    """Show the request that the words behind `print-input` make."""
    from cmcore import grammar
    from cmcore.cli.output import to_json

    words = [request.automation, *request.artifacts]
    shown = Request(
        grammar.canonical_action(words[0]),
        words[1] if words[1:] else "",
        tuple(words[2:]),
        request.flags,
        request.command,
        console=True,
    )
    data = grammar.to_dict(shown)
    line = grammar.command_line(shown)
    return Result({"input": data, "command": line}, f"{to_json(data)}\n{line}")


def _version(ctx: Context, request: Request) -> Result:
    import sys

    from cmcore import __version__
    from cmcore.hookspecs import API_VERSION

    python = ".".join(map(str, sys.version_info[:3]))
    states = ctx.registry.plugins()
    rows = [["cmcore", __version__], ["hooks", API_VERSION], ["python", python]]
    rows += [[state.candidate.dist, state.candidate.version] for state in states]
    data = {
        "version": __version__,
        "api": API_VERSION,
        "python": python,
        "plugins": {state.candidate.dist: state.candidate.version for state in states},
    }
    return Result(data, Table(["part", "version"], rows))


def _uid(ctx: Context, request: Request) -> Result:
    from cmcore.naming import new_uid

    uid = new_uid()
    return Result({"uid": uid}, uid)


def _help(ctx: Context, request: Request) -> Result:
    from cmcore.cli.help import explain_words

    return explain_words(ctx, [w for w in (request.automation, *request.artifacts) if w], request)


#: Commands whose flags belong to what they are asked about.
_ANY_FLAG = ("print_input", "help")

#: Commands that stand alone.
_NO_WORDS = ("doctor", "version", "uid")

_COMMANDS: dict[str, Handler] = {
    "plugins": _plugins,
    "config": _config,
    "doctor": _doctor,
    "completion": _completion,
    "print_input": _print_input,
    "version": _version,
    "uid": _uid,
    "help": _help,
}
