"""Hook implementations of the cache plugin; each one only leads to the module that does it."""

from __future__ import annotations

from cmcore import hookimpl
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import (
        Action,
        Automation,
        CacheEntry,
        CacheRequest,
        HealthCheck,
        Outcome,
        Request,
        Reservation,
        Result,
        Setting,
    )


@hookimpl
def cm_cache_find(ctx: Context, request: CacheRequest) -> Sequence[CacheEntry]:
    from cm_cache.lookup import find

    return find(ctx, request)


@hookimpl
def cm_cache_reserve(
    ctx: Context, request: CacheRequest, refresh: CacheEntry | None, fresh: bool
) -> Reservation | CacheEntry:
    from cm_cache import building

    return building.reserve(ctx, request, refresh, fresh)


@hookimpl
def cm_cache_publish(ctx: Context, reservation: Reservation, outcome: Outcome) -> CacheEntry:
    from cm_cache import publishing

    return publishing.publish(ctx, reservation, outcome)


@hookimpl
def cm_cache_release(ctx: Context, reservation: Reservation, error: str) -> bool:
    from cm_cache import publishing

    return publishing.release(ctx, reservation, error)


@hookimpl
def cm_cache_state(ctx: Context, entry: CacheEntry) -> Mapping[str, Any]:
    from cm_cache.lookup import state

    return state(entry, ctx)


@hookimpl
def cm_search(ctx: Context, request: Request) -> Result | None:
    from cm_cache import commands

    return commands.search(ctx, request) if request.automation == "cache" else None


@hookimpl
def cm_load(ctx: Context, request: Request) -> Result | None:
    from cm_cache import commands

    return commands.load(ctx, request) if request.automation == "cache" else None


@hookimpl
def cm_show(ctx: Context, request: Request) -> Result | None:
    from cm_cache import showing

    return showing.show(ctx, request) if request.automation == "cache" else None


@hookimpl
def cm_remove(ctx: Context, request: Request) -> Result | None:
    from cm_cache import removal

    return removal.remove(ctx, request) if request.automation == "cache" else None


@hookimpl
def cm_actions() -> Iterable[Action]:
    from cm_cache import contributions

    return contributions.actions()


@hookimpl
def cm_automations() -> Iterable[Automation]:
    from cm_cache import contributions

    return contributions.automations()


@hookimpl
def cm_settings() -> Iterable[Setting]:
    from cm_cache import contributions

    return contributions.settings()


@hookimpl
def cm_complete(ctx: Context, request: Request, incomplete: str) -> Iterable[str]:
    from cm_cache import contributions

    return contributions.complete(ctx, request, incomplete)


@hookimpl
def cm_health_checks(ctx: Context) -> Iterable[HealthCheck]:
    from cm_cache import contributions

    return contributions.health_checks(ctx)
