"""Ending a run that cannot go on: LoadGen has no way out, so the process ends.

Exceptions must not travel through LoadGen's C++ frames, and its threads outlive any return: the
one clean end is to say what happened, remove what was written and leave the process at once.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Exit code when the model or the back end failed.
FAILED = 3
#: How long an exit code of a signal is after its number.
SIGNALLED = 128


class Abort:
    """Says a sentence once, cleans up once and ends the process; any thread may ask for it.

    Args:
        clean: removes what was written.
    """

    def __init__(self, clean: Callable[[], None]) -> None:
        from threading import Lock

        self.clean = clean
        self._lock = Lock()

    def fail(self, error: BaseException, indices: Sequence[int] = ()) -> Any:
        """End because answering these samples failed."""
        import itertools

        what = ""
        if len(indices):
            first = ", ".join(map(str, itertools.islice(indices, 3)))
            word = "sample" if len(indices) == 1 else f"a batch of {len(indices)} samples:"
            what = f" at {word} {first}{', ...' if len(indices) > 3 else ''}"
        self.end(FAILED, f"the model failed{what}: {sentence(error)}")

    def end(self, code: int, message: str) -> Any:
        """Say `message`, clean up and end with `code`; of several threads the first one does."""
        import os
        import sys

        self._lock.acquire()  # never released: whoever comes later waits for the end
        try:
            if message:
                sys.stderr.write(f"error: {message}\n")
                sys.stderr.flush()
            self.clean()
        finally:
            os._exit(code)

    def on_signals(self) -> None:
        """End at once, and clean, on Ctrl-C and on a request to terminate."""
        import signal

        def stop(number: int, _frame: Any) -> None:
            self.end(SIGNALLED + number, f"stopped by {signal.Signals(number).name}")

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asks to be left alone
                signal.signal(number, stop)


def sentence(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text}"[:500] if text else name
