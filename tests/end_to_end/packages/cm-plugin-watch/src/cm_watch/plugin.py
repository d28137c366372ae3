"""Observers: what began, what ended, what failed; removals are refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmcore import hookimpl
from cmcore.errors import VetoedError

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.errors import CmError
    from cmcore.types import Request, Result


def note(text: str) -> None:
    """One more line in the file that WATCH_LOG names."""
    with open(os.environ["WATCH_LOG"], "a", encoding="utf-8") as file:
        file.write(f"{text}\n")


@hookimpl
def cm_before_action(ctx: Context, request: Request) -> None:
    """Write down what begins; refuse to remove."""
    note(f"before {request.action} {request.automation}")
    if request.action == "remove":
        raise VetoedError("nothing is removed here")


@hookimpl
def cm_after_action(ctx: Context, request: Request, result: Result) -> None:
    """Write down what went well."""
    note(f"after {request.action} {result.code}")


@hookimpl
def cm_on_error(ctx: Context, request: Request, error: CmError) -> None:
    """Write down what failed."""
    note(f"error {request.action} {error.code}")
