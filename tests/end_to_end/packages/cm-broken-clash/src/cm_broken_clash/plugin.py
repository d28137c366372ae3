"""Says when it is imported, so that a test can tell that it never was."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cmcore import hookimpl
from cmcore.types import Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request

sys.stderr.write("cm_broken_clash was imported\n")


@hookimpl
def cm_run(ctx: Context, request: Request) -> Result | None:
    """Never called: nobody can say whose `run notebook` it is."""
    return Result({"wrong": True})
