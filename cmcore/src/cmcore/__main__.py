"""Entry points of the commands `cm`, `cmr` and `cmrd`, and of `python -m cmcore`.

Only `os` and `sys` are imported here: `cm --version` must answer before anything else loads.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130  # 128 + SIGINT, what a shell reports for Ctrl-C
_BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run `cm` with `argv` (default: the process's own arguments) and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us (`cm find >&-`)
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for the whole process
    try:
        if words in (["--version"], ["-V"]):
            from cmcore import __version__

            sys.stdout.write(f"cm {__version__}\n")
            code = 0
        else:
            from cmcore.cli import main as command_line

            if words[:1] in (["--version"], ["-V"]):
                words[0] = "version"  # with flags, such as --out=json
            code = command_line(words)
        # Flushed here, where a closed pipe is still ours to handle.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        sys.stderr.write("\ncm: interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader went away: `cm find script | head`
        _give_up_stdout()
        return _BROKEN_PIPE
    except OSError as error:  # a full disk, as a rule
        _give_up_stdout()
        sys.stderr.write(f"cm: error: cannot write the answer: {error.strerror}\n")
        return 1


def _give_up_stdout() -> None:
    """Point stdout at nothing: the interpreter would complain when it flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_script() -> int:
    """`cmr ...` is `cm run script ...`."""
    return main(["run", "script", *sys.argv[1:]])


def docker_script() -> int:
    """`cmrd ...` is `cm docker script ...`."""
    return main(["docker", "script", *sys.argv[1:]])


def _forget_current_folder() -> None:
    """Undo `python -m`'s `sys.path[0]`: a folder one merely stands in must not bring plugins."""
    if getattr(sys.flags, "safe_path", False) or not sys.path:
        return
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]


if __name__ == "__main__":
    _forget_current_folder()
    sys.exit(main())
