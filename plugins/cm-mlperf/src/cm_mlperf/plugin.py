"""Hook implementations of the MLPerf plugin; each one only leads to the module that does it."""

from __future__ import annotations

from collections.abc import Iterable

from cmcore import hookimpl
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Action, Automation, Request, Result


@hookimpl
def cm_run(ctx: Context, request: Request) -> Result | None:
    """`cm run mlperf`: measure this machine."""
    if request.automation != "mlperf":
        return None
    from cm_mlperf.workflow.command import run

    return run(ctx, request)


@hookimpl
def cm_plan(ctx: Context, request: Request) -> Result | None:
    """`cm plan mlperf`: what a measurement would do, without doing it."""
    if request.automation != "mlperf":
        return None
    from cm_mlperf.workflow.command import plan

    return plan(ctx, request)


@hookimpl
def cm_show(ctx: Context, request: Request) -> Result | None:
    from cm_mlperf.results import show

    return show.show(ctx, request) if request.automation == "mlperf" else None


@hookimpl
def cm_actions() -> Iterable[Action]:
    from cm_mlperf import contributions

    return contributions.actions()


@hookimpl
def cm_automations() -> Iterable[Automation]:
    from cm_mlperf import contributions

    return contributions.automations()
