"""Keeping what recipe code prints out of an answer on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.protocols import ConsoleLike


@contextmanager
def diverted(console: ConsoleLike) -> Iterator[None]:
    """While recipe code runs: stdout, of this process and its children, is the console's stream.

    That makes a difference while stdout carries JSON: hooks print, and they start programs that
    print.
    """
    try:
        ours, wanted = sys.stdout.fileno(), console.child_stream()
    except (OSError, ValueError, AttributeError):
        # Stdout is no file here (a notebook, a test): then it carries no answer of ours either.
        yield
        return
    if ours == wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(ours)
    os.dup2(wanted, ours)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, ours)
        os.close(kept)
