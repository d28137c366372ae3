"""A noun (`note`), a verb for another noun (`shout script`); the recipes need no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmcore import hookimpl
from cmcore.types import Action, Automation, Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request


@hookimpl
def cm_run(ctx: Context, request: Request) -> Result | None:
    """Say how many notes there are."""
    if request.automation != "note":
        return None
    return Result({"notes": len(ctx.search("note"))})


def shout(ctx: Context, request: Request) -> Result:
    """Names of recipes in capitals."""
    found = ctx.search("script", artifact=request.artifacts[0] if request.artifacts else "")
    names = [artifact.alias.upper() for artifact in found]
    return Result({"names": names}, view="\n".join(names))


@hookimpl
def cm_actions() -> list[Action]:
    """The verb for recipes."""
    return [Action("shout", "script", "print the names of recipes in capitals", handler=shout)]


@hookimpl
def cm_automations() -> list[Automation]:
    """The noun, as the manifest has it."""
    return [Automation("note", "short texts", "0b7ad1f0c25e4d93")]
