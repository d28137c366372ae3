"""Waiting for a pipe or a terminal, whatever the number of its file descriptor.

`select.select` refuses numbers from 1024 on (FD_SETSIZE of the C library), and a program that
embeds us may well have so many files open; `poll` has no such limit.
"""

from __future__ import annotations

import select


def readable(number: int, seconds: float) -> bool:
    """Whether there is something to read, or the end, within that time."""
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def until_writable(number: int) -> None:
    """Return when a write would not block, or would fail."""
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    poll.poll()
