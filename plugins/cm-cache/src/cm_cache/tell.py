"""What the cache says to people while it works; each thing once per process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore.context import Context

_said: set[str] = set()


def warn(ctx: Context, text: str) -> None:
    """A sentence for stderr about something that is not as it should be."""
    if text not in _said:
        _said.add(text)
        ctx.console.warn(text)


def progress(ctx: Context, text: str) -> None:
    """A sentence for stderr about what takes time."""
    ctx.console.progress(text)
