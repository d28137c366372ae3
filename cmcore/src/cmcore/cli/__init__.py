"""The command line: words in, answer and exit code out.

A request goes from the grammar straight to dispatch; help pages are laid out by `cli.layout`.
"""

from __future__ import annotations

import os

from cmcore import grammar
from cmcore.console import Console
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request, Result

_INTERNAL = 70  # EX_SOFTWARE of sysexits.h


def main(argv: Sequence[str]) -> int:
    """Answer one command line.

    Args:
        argv: its words, without the program's name.

    Returns:
        The exit code. Failures of the output itself and KeyboardInterrupt are the caller's.
    """
    _accept_any_file_name()
    if argv[:1] == ["__complete"]:
        from cmcore.cli.completion import complete

        return complete(argv[1:])
    try:
        request, options = grammar.parse(argv)
    except CmError as error:
        from cmcore.cli.output import show_error

        show_error(error, Console(json="--out=json" in argv))
        return error.code
    console = Console(
        json=options.json,
        verbosity=-1 if options.silent else int(options.verbose),
        color=options.color,
    )
    try:
        return _answer(request, options, console)
    except CmError as error:
        return _fail(error, options, console)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # not about a file, so about our own output
        if options.verbose or os.environ.get("CM_DEBUG"):
            from traceback import print_exc

            print_exc()
        first_line = (str(error).splitlines() or [""])[0]
        return _fail(
            CmError(
                f"internal error: {type(error).__name__}: {first_line}",
                hint="run it again with CM_DEBUG=1 to see where",
                code=_INTERNAL,
            ),
            options,
            console,
        )


def _answer(request: Request, options: grammar.Options, console: Console) -> int:
    from cmcore.cli.output import show
    from cmcore.context import Context

    ctx = Context(console=console, no_plugins=options.no_plugins)
    if not options.help and not request.action:
        _refuse_flags_alone(request)
    if options.help or not request.action:
        from cmcore.cli.help import explain

        result = explain(ctx, request, short=not options.help)
    else:
        result = _act(ctx, request)
    show(result, console, options.save_to_json)
    return exit_code(result.code)


def _refuse_flags_alone(request: Request) -> None:
    """`cm --dry` asks for nothing that could be done; an exit code of 0 would say it was."""
    from cmcore.dispatch import GENERAL_FLAGS
    from cmcore.errors import UsageError

    strange = [f"--{flag}" for flag in request.flags if flag not in GENERAL_FLAGS]
    if strange:
        raise UsageError(f"no action is given, only {', '.join(strange)}", hint="see 'cm --help'")


def _act(ctx: Context, request: Request) -> Result:
    from cmcore.dispatch import is_command

    if not is_command(ctx, request):
        if not request.automation:
            from cmcore.cli.help import incomplete

            raise incomplete(ctx.registry, request.action)
        for warning in ctx.registry.warnings():
            ctx.console.warn(warning)
    try:
        return ctx.call(request)
    finally:
        # A broken meta or list of collections may be why an action found nothing.
        for warning in ctx.warnings():
            ctx.console.warn(warning)


def _fail(error: CmError, options: grammar.Options, console: Console) -> int:
    from cmcore.cli.output import show_error

    try:
        show_error(error, console, options.save_to_json)
    except CmError as unsaved:
        show_error(error, console)
        console.err(f"cm: error: {unsaved}")
    return exit_code(error.code)


def exit_code(code: int) -> int:
    """What a process can say of `code`: 0 stays 0, and nothing else becomes 0."""
    if 0 <= code <= 255:
        return code
    return 1


def _accept_any_file_name() -> None:
    """Names of files that are not UTF-8 are printed as they are, not as a traceback."""
    import sys

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")
