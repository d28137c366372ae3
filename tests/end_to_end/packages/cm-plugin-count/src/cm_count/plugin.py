"""A further verb, `count`, for the noun that another package brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmcore import hookimpl
from cmcore.types import Action, Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request


def count(ctx: Context, request: Request) -> Result:
    """How many recipes match."""
    name = request.artifacts[0] if request.artifacts else ""
    found = ctx.search("script", artifact=name, tags=str(request.flags.get("tags", "")))
    return Result({"count": len(found)}, view=f"{len(found)} recipes")


@hookimpl
def cm_actions() -> list[Action]:
    """The verb and what does it."""
    return [Action("count", "script", "count the recipes that match", handler=count)]
