"""Ending what a step started when the run is interrupted: the whole tree of processes.

A terminal tells everybody in front of it of Ctrl-C. `kill`, a scheduler or a container's stop tell
one process, and it has to pass it on; background jobs of a shell do not listen to Ctrl-C at all.
"""

from __future__ import annotations

import os
import sys
import time

from cmcore.hints import TYPE_CHECKING, Callable, Iterable, Iterator, contextmanager

if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # `signal` makes enumerations of it, with three more imports

#: How long, in seconds, an interrupted process may take to end by itself, and then by request.
GRACE = (1.0, 5.0, 5.0)
_TICK = 0.05


class Terminated(KeyboardInterrupt):
    """SIGTERM came; an interrupt, because the same has to be done."""


@contextmanager
def terminable(first: Callable[[], None] | None = None) -> Iterator[None]:
    """Within: SIGTERM raises `Terminated`; on the way out of it the process ends by that signal.

    Nothing changes outside the main thread, and for programs with a handler of their own.

    Args:
        first: called when the signal comes, before it is raised.
    """
    ours = _in_main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not ours:
        yield
        return
    came = False
    pid = os.getpid()

    def stop(*_: object) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        if first is not None and os.getpid() == pid:
            first()
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if came:  # also when somebody has swallowed the exception
            os.kill(os.getpid(), signal.SIGTERM)


def _in_main_thread() -> bool:
    # Without `threading` there is only one.
    threading = sys.modules.get("threading")
    return threading is None or threading.current_thread() is threading.main_thread()


def end(processes: dict[int, str]) -> None:
    """End processes that may have heard of the interrupt already: wait, ask, insist."""
    requests = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    for request, grace in zip(requests, GRACE, strict=True):
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline:
            there = _processes()
            if not any(there.get(pid, (0, ""))[1] == birth for pid, birth in processes.items()):
                return
            time.sleep(_TICK)
        tell(processes, request)


def moment() -> float:
    """Now, to be compared with the births of processes."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")
    return time.time()


def descendants(pid: int, since: float = 0) -> dict[int, str]:
    """The processes below `pid`, with what tells each from a later one of the same number.

    Args:
        pid: the process above them.
        since: a `moment`; only those that were born later.
    """
    found = _below(pid)
    return {p: birth for p, birth in found.items() if not since or _born(birth) >= since}


def _born(birth: str) -> float:
    """The moment, one unit later: births are rounded down."""
    if birth.isdigit():
        return int(birth) + 1
    return time.mktime(time.strptime(birth, "%a %b %d %H:%M:%S %Y")) + 1


def _below(pid: int) -> dict[int, str]:
    everything = _processes()
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        below = {p: birth for p, (parent, birth) in everything.items() if parent in parents}
        parents = set(below) - set(found)
        found.update(below)
    return found


def tell(processes: dict[int, str], request: int) -> None:
    """Send a signal to those of `processes` that are still there."""
    there = _processes()
    for pid, birth in processes.items():
        if there.get(pid, (0, ""))[1] == birth:
            try:
                os.kill(pid, request)
            except OSError:
                continue  # it ended just now, or became somebody else's


def _processes() -> dict[int, tuple[int, str]]:
    """Number -> parent and time of birth, of all processes."""
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        numbers = []
    return dict(_from_proc(numbers) if numbers else _from_ps())


def _from_proc(numbers: Iterable[int]) -> Iterator[tuple[int, tuple[int, str]]]:
    for number in numbers:
        try:
            with open(f"/proc/{number}/stat", "rb") as file:
                # Behind the name, which may hold anything: state, parent, ..., start time.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] != b"Z":  # ended, and only waits for somebody to ask how
            yield number, (int(fields[1]), fields[19].decode())


def _from_ps() -> Iterator[tuple[int, tuple[int, str]]]:
    import subprocess

    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,lstart="], capture_output=True, text=True, check=False
    )
    for line in listed.stdout.splitlines():
        number, parent, birth = line.split(None, 2)
        yield int(number), (int(parent), birth.strip())
