"""Hook implementations of the container plugin; each one only leads to the module that does it."""

from __future__ import annotations

from collections.abc import Iterable

from cmcore import hookimpl
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Action, Automation, HealthCheck, Request, Result, Setting


@hookimpl
def cm_docker(ctx: Context, request: Request) -> Result | None:
    """`cm docker script`: what `cm run script` does, in a container."""
    if request.automation != "script":
        return None
    from cm_docker.command import docker

    return docker(ctx, request)


@hookimpl
def cm_search(ctx: Context, request: Request) -> Result | None:
    """`cm find container`: what cm docker has made and is still there."""
    if request.automation != "container":
        return None
    from cm_docker.engines import manage

    return manage.search(ctx, request)


@hookimpl
def cm_actions() -> Iterable[Action]:
    from cm_docker import contributions

    return contributions.actions()


@hookimpl
def cm_automations() -> Iterable[Automation]:
    from cm_docker import contributions

    return contributions.automations()


@hookimpl
def cm_settings() -> Iterable[Setting]:
    from cm_docker import contributions

    return contributions.settings()


@hookimpl
def cm_container_engines(ctx: Context) -> Iterable[object]:
    from cm_docker.engines import builtin

    return builtin.engines(ctx)


@hookimpl
def cm_health_checks(ctx: Context) -> Iterable[HealthCheck]:
    from cm_docker.engines import health

    return health.checks(ctx)
