"""Hook implementations of the noun `notebook`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmcore import hookimpl
from cmcore.types import Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request


@hookimpl
def cm_run(ctx: Context, request: Request) -> Result | None:
    """Print the cells of the notebooks that match."""
    if request.automation != "notebook":
        return None
    found = ctx.search("notebook", artifact=request.artifacts[0] if request.artifacts else "")
    cells = [str(cell) for artifact in found for cell in artifact.meta.get("cells", [])]
    if request.flags.get("upper"):
        cells = [cell.upper() for cell in cells]
    return Result({"cells": cells}, view="\n".join(cells))
