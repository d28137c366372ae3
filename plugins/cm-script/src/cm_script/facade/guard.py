"""What recipe code may do to the process that runs it, and what is put right afterwards.

A hook may install signal handlers, fork, exit, and start programs and threads. None of that must
end a run without a word, or outlive an interrupt.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cm_script import interruption
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_SYSTEM, _EXIT = os.system, os._exit
#: Handlers that are put back; the first two are ours while recipe code runs.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGCHLD", "SIGPIPE", "SIGHUP", "SIGALRM")


@contextmanager
def guarded(warn: Callable[[str], None]) -> Iterator[None]:
    """While recipe code runs: interrupts end it and all that it started.

    Args:
        warn: told of threads that go on or fail.

    Raises:
        KeyboardInterrupt: an interrupt came, even when recipe code has swallowed it.
        SystemExit: recipe code ended the process without the usual farewell.
    """
    pid, since = os.getpid(), interruption.moment()
    handlers = _handlers()
    recursion = sys.getrecursionlimit()
    threads = _threads()
    interrupted = False
    tree: dict[int, str] = {}

    def look_around() -> None:
        # At once: of a child that the hook ends in a hurry, nobody would find the children.
        nonlocal interrupted
        interrupted = True
        tree.update(interruption.descendants(pid, since))

    def interrupt(number: int, frame: FrameType | None) -> None:
        look_around()
        raise KeyboardInterrupt

    def told_to_end() -> None:
        # Nobody else tells them, and a hook that waits for one would wait on.
        look_around()
        interruption.tell(tree, signal.SIGTERM)

    def leave(status: int) -> None:
        if os.getpid() == pid:
            raise SystemExit(status)
        _EXIT(status)

    with interruption.terminable(told_to_end):
        if handlers.get("SIGINT") is signal.default_int_handler:
            _set_handler("SIGINT", interrupt)
        with _replaced(os, "system", _SYSTEM, _system), _replaced(os, "_exit", _EXIT, leave):
            restore_hook = _report_threads(warn)
            try:
                yield
                if interrupted:
                    raise KeyboardInterrupt
            finally:
                if os.getpid() != pid:
                    # A child that the hook forked and forgot: it must not finish our run.
                    _EXIT(0)
                restore_hook()
                for name, handler in handlers.items():
                    # terminable() puts this one back itself.
                    if name != "SIGTERM" or handler is not signal.SIG_DFL:
                        _set_handler(name, handler)
                sys.setrecursionlimit(recursion)
                if interrupted:
                    tree.update(interruption.descendants(pid, since))
                    interruption.end(tree)
    _tell_of(_threads() - threads, warn)


def _handlers() -> dict[str, Any]:
    numbers = {name: getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)}
    return {name: signal.getsignal(number) for name, number in numbers.items()}


def _set_handler(name: str, handler: Any) -> None:
    number = getattr(signal, name)
    if handler is None or signal.getsignal(number) is handler:
        return
    try:
        signal.signal(number, handler)
    except ValueError:
        return  # not in the main thread, where recipe code could not have changed it either


@contextmanager
def _replaced(owner: Any, name: str, real: Any, by: Any) -> Iterator[None]:
    """An attribute replaced, unless somebody else has replaced it already."""
    if os.name == "nt" or getattr(owner, name) is not real:
        yield
        return
    setattr(owner, name, by)
    try:
        yield
    finally:
        if getattr(owner, name) is by:
            setattr(owner, name, real)


def _system(command: str | bytes) -> int:
    """`os.system`, in which an interrupt that came to this process alone is noticed.

    The C library's own ignores SIGINT in the process that waits.
    """
    sys.audit("os.system", os.fsencode(command))
    words = [b"sh", b"-c", os.fsencode(command)]
    try:
        child = os.posix_spawn("/bin/sh", words, os.environ)
        return os.waitpid(child, 0)[1]
    except OSError:
        return -1


def _threads() -> set[Any]:
    """The threads but for the main one, which nobody starts: it is there before `threading` is."""
    threading = sys.modules.get("threading")
    return set(threading.enumerate()) - {threading.main_thread()} if threading else set()


def _report_threads(warn: Callable[[str], None]) -> Callable[[], None]:
    """A failing thread is one line instead of a traceback; returns the way back."""
    import threading

    before = threading.excepthook
    if before is not threading.__excepthook__:
        return lambda: None

    def report(args: Any) -> None:
        name = args.thread.name if args.thread else "?"
        warn(f"thread {name} of a recipe failed: {args.exc_type.__name__}: {args.exc_value}")

    threading.excepthook = report

    def restore() -> None:
        threading.excepthook = before

    return restore


def _tell_of(threads: set[Any], warn: Callable[[str], None]) -> None:
    names = sorted(t.name for t in threads if t.is_alive() and not t.daemon)
    if names:
        warn(f"a recipe left {', '.join(names)} running; the command ends when that has ended")
