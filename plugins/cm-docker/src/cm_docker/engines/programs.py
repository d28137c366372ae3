"""Running the programs of engines: to ask them, to follow them, to be connected to them."""

from __future__ import annotations

import os
import signal

from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    from subprocess import Popen

#: Seconds that a container has after a signal before it is killed, as `docker stop` gives it.
GRACE = 10.0
#: Administrators' programs are often not on an ordinary user's path.
_MORE = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
#: Lines kept of a program's output to explain its failure.
_KEPT = 60


class Done(NamedTuple):
    """How a program ended and what it wrote; code -1 when it did not end in time."""

    code: int
    out: str
    err: str


def find(name: str, environ: Mapping[str, str]) -> str:
    """Absolute path of a program, "" when it is not here."""
    import shutil

    return shutil.which(name, path=f"{environ.get('PATH', '')}:{_MORE}") or ""


def ask(words: Sequence[str], environ: Mapping[str, str], timeout: float = 120.0) -> Done:
    """Run a program for its answer."""
    import subprocess

    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=dict(environ),
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return Done(-1, "", f"no answer for {timeout:g} s")
    except OSError as error:
        return Done(-1, "", f"{words[0]}: {error.strerror or error}")
    return Done(done.returncode, _text(done.stdout), _text(done.stderr))


def follow(
    words: Sequence[str],
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    *,
    cwd: str = "/",
    started: Callable[[int], None] | None = None,
) -> tuple[int, list[str]]:
    """Run a program and pass each line it writes to `tell`; its code, and the last lines.

    It runs in a process group of its own: a Ctrl-C is for us, and we end the group.
    """
    import subprocess
    from collections import deque

    last: deque[str] = deque(maxlen=_KEPT)
    with subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=dict(environ),
        start_new_session=True,
    ) as process:
        try:
            if started:
                started(process.pid)
            for line in process.stdout or ():
                text = _text(line).rstrip("\r\n")
                last.append(text)
                tell(text)
            return process.wait(), list(last)
        except BaseException:
            end_group(process)
            raise


def end_group(process: Popen[bytes]) -> None:
    """End a program with all that it started: politely, then for certain."""
    import subprocess

    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


class Watch:
    """Connects the caller to a container: streams, signals, and a limit of time.

    Args:
        kill: ends the container at once; called when a signal or the limit did not end it.
        limit: seconds, 0 for none.

    Attributes:
        reason: why it was ended from here: `""`, `signal` or `timeout`.
    """

    def __init__(self, kill: Callable[[], object], limit: float = 0.0) -> None:
        self.reason = ""
        self._kill = kill
        self._limit = limit
        self._timers: list[Any] = []
        self._process: Popen[bytes] | None = None

    def attach(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        interactive: bool,
        terminal: bool,
        aside: bool,
        started: Callable[[int], None] | None = None,
    ) -> int:
        """Run the program that is connected to the container, and wait for it.

        Args:
            interactive: it reads our input.
            terminal: it has our terminal, so it stays in our process group.
            aside: what it writes on stdout goes to our stderr.
            started: is told its number.
        """
        import subprocess
        import sys

        sys.stdout.flush()
        sys.stderr.flush()
        before: dict[int, Any] = {}
        try:
            self._take_signals(before)
            self._process = subprocess.Popen(
                list(words),
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=2 if aside else None,
                cwd="/",
                env=dict(environ),
                start_new_session=not terminal,
            )
            if started:
                started(self._process.pid)
            if self._limit > 0:
                self._after(self._limit, "timeout")
            return self._process.wait()
        finally:
            for timer in self._timers:
                timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take_signals(self, before: dict[int, Any]) -> None:
        import threading

        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN and handler is not None:
                before[number] = signal.signal(number, self._signalled)

    def _signalled(self, number: int, _frame: object) -> None:
        if self.reason == "signal":
            self._after(0, "signal")
            return
        self.reason = "signal"
        if self._process is not None and self._process.poll() is None:
            # The engine's program hands it on to the container.
            self._process.send_signal(number)
        self._after(GRACE, "signal")

    def _after(self, seconds: float, reason: str) -> None:
        import threading

        timer = threading.Timer(seconds, self._end, (reason,))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._kill()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
