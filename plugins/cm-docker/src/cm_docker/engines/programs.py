"""Running the programs of engines: to ask them, to follow them, to be connected to them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

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


def numbers(version: str) -> tuple[int, ...]:
    """`4.3.1-dev` as (4, 3, 1)."""
    import re

    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3])


def ask(
    words: Sequence[str], environ: Mapping[str, str], timeout: float = 120.0, cwd: str = "/"
) -> Done:
    """Run a program for its answer."""
    import subprocess

    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=cwd,
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
    bound: bool = False,
) -> tuple[int, list[str]]:
    """Run a program and pass each line it writes to `tell`; its code, and the last lines.

    It runs in a process group of its own: a Ctrl-C is for us, and we end the group. So it is with
    SIGTERM and SIGHUP, which raise `SystemExit` with 128 and their number. One that is `bound`
    gets a SIGTERM from the system when we are killed (Linux only).
    """
    import subprocess
    from collections import deque

    last: deque[str] = deque(maxlen=_KEPT)
    with (
        _terminable(),
        subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(environ),
            start_new_session=True,
            preexec_fn=_ends_with_us() if bound else None,
        ) as process,
    ):
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


def _ends_with_us() -> Callable[[], object] | None:
    """What a child calls to be ended with its parent: prctl(2), PR_SET_PDEATHSIG."""
    import sys

    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, int(signal.SIGTERM))


@contextmanager
def _terminable() -> Iterator[None]:
    """Within: SIGTERM and SIGHUP end this process by an exception, so that it tidies up."""
    import threading

    def stop(number: int, _frame: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)  # once is enough
        raise SystemExit(128 + number)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


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
        pass_on: gives a signal to the container; None when the attached program does that itself.

    Attributes:
        reason: why it was ended from here: `""`, `signal` or `timeout`.
    """

    def __init__(
        self,
        kill: Callable[[], object],
        limit: float = 0.0,
        pass_on: Callable[[int], object] | None = None,
    ) -> None:
        self.reason = ""
        self._pass_on = pass_on
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
        if self._pass_on:
            self._later(0, self._pass_on, number)
        elif self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
        self._after(GRACE, "signal")

    def _after(self, seconds: float, reason: str) -> None:
        self._later(seconds, self._end, reason)

    def _later(self, seconds: float, do: Callable[[Any], object], argument: Any) -> None:
        import threading

        timer = threading.Timer(seconds, do, (argument,))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._kill()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
