"""The standard streams while recipe code runs: where they lead, and that they survive.

Recipe code gets `sys.stdout` and `sys.stderr` of its own. It may close or replace them, and it may
print to a terminal that has gone or a file on a full disk: neither ends a run, whose answer goes
another way.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer

    from cm_script.protocols import ConsoleLike


class _Forgiving(io.RawIOBase):
    """Writes to a file descriptor of somebody else; what cannot be written is dropped."""

    mode = "wb"

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self.name = name
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: ReadableBuffer) -> int:
        left = memoryview(data).cast("B")
        size = left.nbytes
        while left:
            try:
                left = left[os.write(self._number, left) :]
            except BlockingIOError:
                from cm_script.waiting import until_writable

                until_writable(self._number)
            except OSError:
                break
        return size


@contextmanager
def guarded_streams(console: ConsoleLike) -> Iterator[None]:
    """While recipe code runs: stdout, of this process and its children, is the console's stream.

    That makes a difference while stdout carries JSON: hooks print, and they start programs that
    print. Afterwards streams and file descriptors 0 to 2 are what they were.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    ours = _number(sys.stdout)
    try:
        wanted = console.child_stream()
    except (OSError, ValueError, AttributeError):
        # Stdout is no file here (a notebook, a test): then it carries no answer of ours either.
        wanted = ours
    kept = _duplicates({0, 1, 2, ours, _number(sys.stderr)} - {-1})
    if ours >= 0 and ours != wanted:
        _flush(sys.stdout)
        os.dup2(wanted, ours)
    own = [_own(sys.stdout, "<stdout>"), _own(sys.stderr, "<stderr>")]
    sys.stdout, sys.stderr = own
    try:
        yield
    finally:
        for stream in {id(s): s for s in (*own, sys.stdout, sys.stderr)}.values():
            _flush(stream)
        for number, duplicate in kept.items():
            os.dup2(duplicate, number)
            os.close(duplicate)
        sys.stdin, sys.stdout, sys.stderr = streams[0], *map(_open_again, streams[1:])


def _number(stream: TextIO | None) -> int:
    try:
        return -1 if stream is None else stream.fileno()
    except (OSError, ValueError, AttributeError):
        return -1


def _duplicates(numbers: set[int]) -> dict[int, int]:
    found = {}
    for number in numbers:
        try:
            found[number] = os.dup(number)
        except OSError:
            continue  # closed by who started us
    return found


def _own(stream: TextIO, name: str) -> TextIO:
    """A stream to the same place that nobody needs afterwards; the same when it is no file."""
    number = _number(stream)
    if number < 0:
        return stream
    raw = _Forgiving(number, name)
    at_once = getattr(stream, "write_through", True)
    return io.TextIOWrapper(
        raw if at_once else io.BufferedWriter(raw),  # as Python's own -u
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=getattr(stream, "line_buffering", True),
        write_through=at_once,
    )


def _open_again(stream: TextIO) -> TextIO:
    """The stream, or one like it when recipe code has got hold of it and closed it."""
    if stream is None or not stream.closed:
        return stream
    number = 2 if stream is sys.__stderr__ else 1
    errors = "backslashreplace" if number == 2 else "strict"
    return open(number, "w", encoding="utf-8", errors=errors, buffering=1, closefd=False)


def _flush(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError, AttributeError):
        return  # closed, or replaced by something else: nothing of it is ours
