"""Entry module of the plugin: hook implementations only, each hands over at once."""

from __future__ import annotations

from cmcore import hookimpl
from cmcore.hints import TYPE_CHECKING, Iterable

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import HealthCheck, Request, Result, Setting


@hookimpl
def cm_run(ctx: Context, request: Request) -> Result | None:
    """`cm run script`: find a recipe and run it."""
    if request.automation != "script":
        return None
    from cm_script.command import run

    return run(ctx, request)


@hookimpl
def cm_plan(ctx: Context, request: Request) -> Result | None:
    """`cm plan script`: what a run would do, without doing it."""
    if request.automation != "script":
        return None
    from cm_script.planning.command import plan

    return plan(ctx, request)


@hookimpl
def cm_help(ctx: Context, request: Request) -> Result | None:
    """`cm help script TAGS`: what a recipe does and what it takes."""
    if request.automation != "script":
        return None
    from cm_script.describe import describe

    return describe(ctx, request)


@hookimpl
def cm_show(ctx: Context, request: Request) -> Result | None:
    """`cm show script [NAME|TAGS]`: one recipe in full, or a list of several."""
    if request.automation != "script":
        return None
    from cm_script.describe import show

    return show(ctx, request)


@hookimpl
def cm_doc(ctx: Context, request: Request) -> Result | None:
    """`cm doc script [RECIPE|TAGS|COLLECTION]`: READMEs and a catalogue."""
    if request.automation != "script":
        return None
    from cm_script.documenting.command import doc

    return doc(ctx, request)


@hookimpl
def cm_lint(ctx: Context, request: Request) -> Result | None:
    """`cm lint script [PATH|NAME|TAGS]`: mistakes in recipes."""
    if request.automation != "script":
        return None
    from cm_script.lint.command import lint

    return lint(ctx, request)


@hookimpl
def cm_test(ctx: Context, request: Request) -> Result | None:
    """`cm test script NAME`: run the tests that a recipe declares."""
    if request.automation != "script":
        return None
    from cm_script.authoring.trying import test

    return test(ctx, request)


@hookimpl
def cm_add(ctx: Context, request: Request) -> Result | None:
    """`cm add script NAME`: a new recipe, empty or from a template."""
    if request.automation != "script":
        return None
    from cm_script.authoring.adding import add

    return add(ctx, request)


@hookimpl
def cm_complete(ctx: Context, request: Request, incomplete: str) -> Iterable[str]:
    """Tags and variations of recipes, for shell completion."""
    if request.automation != "script":
        return ()
    from cm_script.describe import complete

    return complete(ctx, request, incomplete)


@hookimpl
def cm_settings() -> Iterable[Setting]:
    """Keys of `cm config` that recipe runs read."""
    from cmcore.types import Setting

    return [
        Setting("script.quiet", "take the first choice instead of asking", False),
        Setting("script.silent", "say nothing but errors and what steps print", False),
        Setting("script.cache_reuse", "what decides on a cache hit: key, or tags", "key"),
        Setting("script.jobs", "dependencies built at once: a number, or auto", "1"),
    ]


@hookimpl
def cm_health_checks(ctx: Context) -> Iterable[HealthCheck]:
    """Whether what recipes need to run is there."""
    import shutil

    from cmcore.types import HealthCheck

    bash = shutil.which("bash")
    return [
        HealthCheck("bash", bool(bash), bash or "not found", "native steps need bash: install it")
    ]
