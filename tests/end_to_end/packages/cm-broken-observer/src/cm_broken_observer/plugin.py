"""Observers with a defect each; no action may suffer from them."""

from __future__ import annotations

from cmcore import hookimpl


@hookimpl
def cm_before_action(ctx: object, request: object) -> None:
    """Fails before every action."""
    raise RuntimeError("defect before")


@hookimpl
def cm_after_action(ctx: object, request: object, result: object) -> None:
    """Fails after every action."""
    raise SystemExit("defect after")


@hookimpl
def cm_on_error(ctx: object, request: object, error: object) -> None:
    """Fails after every failure."""
    raise RuntimeError("defect on error")
