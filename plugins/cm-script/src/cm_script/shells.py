"""A shell for a person in the middle of a run or at its end, with a recipe's environment.

Only on a terminal: where nobody can type, a run does not stop and wait.
"""

from __future__ import annotations

import os

from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import ConsoleLike, RunLike

#: The generated step, kept to be run by hand.
KEPT = "tmp-run-without-cm"
#: The name by which the references keep the new environment.
ENVIRONMENT = "tmp-env"


class Stop:
    """Before which native steps to stop.

    Attributes:
        flag: the flag that asked for it.
        depth: length of the chain of recipes at the one that is meant; 0 for any.
        tags: what a recipe at any depth must carry all of, when `depth` is 0.
        hit: whether a run stopped there.
    """

    __slots__ = ("depth", "flag", "hit", "tags")

    def __init__(self, flag: str, depth: int = 0, tags: frozenset[str] = frozenset()) -> None:
        self.flag = flag
        self.depth = depth
        self.tags = tags
        self.hit = False

    def here(self, run: RunLike) -> bool:
        """Whether this recipe's native step is one of them."""
        if self.flag == "debug" and _maps_debug(run.scope.meta):
            return False  # the flag is the recipe's own
        if self.depth:
            return len(run.engine.chain) == self.depth
        return self.tags <= set(run.artifact.tags)


def _maps_debug(meta: dict[str, Any]) -> bool:
    variations = meta.get("variations")
    blocks = [meta, *(variations.values() if isinstance(variations, dict) else ())]
    return any(isinstance(b, dict) and "debug" in (b.get("input_mapping") or ()) for b in blocks)


def require_terminal(console: ConsoleLike, flag: str) -> None:
    """Refuse a flag that opens a shell where nobody can type.

    Raises:
        UsageError: there is no terminal.
    """
    if not console.interactive:
        raise UsageError(
            f"--{flag} opens a shell, and there is no terminal to open it on",
            hint="--save_env writes the new environment to tmp-env.sh",
        )


def before_step(run: RunLike, script: str) -> None:
    """Keep the generated step; on a terminal, let a person look around before it is run.

    Args:
        run: the recipe whose step is next.
        script: the generated script in the current folder: exports, and the call in its last line.

    Raises:
        CmError: there is no terminal, or the person gave up.
    """
    stop = run.engine.stop
    if stop is None or not stop.here(run):
        return
    stop.hit = True
    kept = os.path.abspath(KEPT + str(run.os_info["bat_ext"]))
    with open(script, encoding="utf-8", errors="surrogateescape", newline="") as file:
        text = file.read()
    with open(kept, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    os.chmod(kept, 0o755)
    if not run.console.interactive:
        raise CmError(
            f"recipe {run.name} has stopped before its native step, as --{stop.flag} asks; there is"
            " no terminal to open a shell on",
            where=kept,
            hint=f"the step is ready to be run by hand: bash {kept}",
        )
    run.console.err(f"{run.name} stops before its native step, in {os.getcwd()}")
    run.console.err(f"The step is {kept}. Type exit to go on.")
    environment = text.rstrip("\n").rpartition("\n")[0] + "\n"
    open_shell(run.console, environment, run.artifact.alias or run.artifact.uid)
    if run.engine.quiet:
        return
    if run.console.ask("What now?", ["run the step", "give up"], 0):
        raise CmError(f"given up before the native step of recipe {run.name}", where=os.getcwd())


def open_shell(console: ConsoleLike, environment: str, label: str) -> int:
    """Run an interactive shell in the current folder until its user leaves it.

    Args:
        console: whose terminal it takes.
        environment: shell lines to begin with, after the user's own start-up file.
        label: what its prompt begins with.

    Returns:
        its exit code.

    Raises:
        CmError: bash cannot be started.
    """
    import signal
    import subprocess
    from tempfile import TemporaryDirectory
    from threading import current_thread, main_thread

    windows = os.name == "nt"
    with TemporaryDirectory(prefix="cm-shell-") as folder:
        path = os.path.join(folder, "start.bat" if windows else "start.sh")
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(environment if windows else _start_up(environment, label))
        argv = ["cmd", "/k", path] if windows else ["bash", "--rcfile", path, "-i"]
        ours = current_thread() is main_thread()
        # Ctrl-C is for what runs in the shell; a handler, unlike "ignore", is not inherited.
        before = signal.signal(signal.SIGINT, lambda *_: None) if ours else None
        try:
            return subprocess.call(argv, stdout=console.child_stream())
        except OSError as error:
            raise CmError(f"cannot start {argv[0]}: {error.strerror}") from None
        finally:
            if ours:
                signal.signal(signal.SIGINT, before)


def _start_up(environment: str, label: str) -> str:
    word = "".join(c for c in label if c.isalnum() or c in "-_.")
    return f'[ -f ~/.bashrc ] && . ~/.bashrc\n{environment}\nPS1="({word}) ${{PS1-}}"\n'
