"""What `cm doctor` looks at: the core's own ground first, then each plugin."""

from __future__ import annotations

import os

from cmcore.discovery import normalize
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING
from cmcore.policy import VARIABLE
from cmcore.types import HealthCheck

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.plugin_state import PluginState


def checks(ctx: Context) -> list[HealthCheck]:
    """All checks; none of them raises, and a broken plugin does not hide the others."""
    found = [_home(ctx), _yaml(), *_policy(ctx), _collections(ctx), _index(ctx), *_conflicts(ctx)]
    for state in ctx.registry.plugins():
        found += _plugin(ctx, state)
    return found


def _home(ctx: Context) -> HealthCheck:
    home = ctx.paths.home
    place = home
    while not os.path.exists(place) and os.path.dirname(place) != place:
        place = os.path.dirname(place)
    detail = home if place == home else f"{home} (will be made)"
    try:
        import tempfile

        # Permission bits say little about network and read-only file systems; a write does.
        with tempfile.TemporaryFile(dir=place):
            return HealthCheck("home", True, detail)
    except OSError as error:
        cause = f"{place} is not writable: {error.strerror or error}"
        return HealthCheck(
            "home", False, cause, "make it writable or set CM_HOME to another folder"
        )


def _yaml() -> HealthCheck:
    from importlib.util import find_spec

    try:
        fast = find_spec("yaml._yaml") is not None
    except ImportError as error:
        return HealthCheck("yaml", False, str(error), "pip install pyyaml")
    if not fast:
        hint = "reinstall PyYAML with libyaml; without it the first look at recipes is slow"
        return HealthCheck("yaml", False, "PyYAML is without libyaml", hint)
    return HealthCheck("yaml", True, "PyYAML with libyaml")


def _policy(ctx: Context) -> list[HealthCheck]:
    policy = ctx.registry.policy
    hint = "no plugin loads until the policy can be read; correct it, or ask who wrote it"
    found = [HealthCheck("policy", False, text, hint) for text in policy.problems()]
    if not found:
        sources = ", ".join(layer.source for layer in policy.layers) or "none restricts plugins"
        found = [HealthCheck("policy", True, sources)]
    installed = {state.candidate.dist for state in ctx.registry.plugins()}
    names = [w for w in ctx.environ.get(VARIABLE, "").split(",") if w.strip()]
    if not policy.problems():
        from cmcore.specifiers import parse_requirement

        for word in names:
            name = normalize(parse_requirement(word).name)
            if name not in installed:
                found.append(
                    HealthCheck(
                        "policy",
                        False,
                        f"{VARIABLE} names '{word.strip()}', which is not installed",
                        "use names of distributions as 'cm plugins list' shows them",
                    )
                )
    return found


def _collections(ctx: Context) -> HealthCheck:
    try:
        found = ctx.collections.all()
        warnings = ctx.collections.warnings()
    except CmError as error:
        return HealthCheck("collections", False, error.message, error.hint)
    if warnings:
        hint = "'cm rm collection NAME' forgets a folder that is gone"
        return HealthCheck("collections", False, "; ".join(warnings), hint)
    return HealthCheck("collections", True, ", ".join(collection.name for collection in found))


def _index(ctx: Context) -> HealthCheck:
    try:
        counts = [
            f"{len(ctx.index.search(noun.name))} {noun.name}"
            for noun in ctx.registry.automations()
            if noun.artifacts
        ]
    except (CmError, OSError) as error:
        hint = f"delete {ctx.paths.index_file}; it is made again"
        return HealthCheck("index", False, str(error), hint)
    return HealthCheck("index", True, ", ".join(counts) or "nothing to index")


def _conflicts(ctx: Context) -> list[HealthCheck]:
    hint = "uninstall one of them, or deny one in a policy"
    return [HealthCheck("conflict", False, c.message, hint) for c in ctx.registry.conflicts()]


def _plugin(ctx: Context, state: PluginState) -> list[HealthCheck]:
    name = state.provenance
    if state.state == "denied":
        return [HealthCheck(name, True, f"denied: {state.decision.reason}")]
    if not state.usable and state.error:
        hint = state.error.hint or f"reinstall or uninstall {state.candidate.dist}"
        return [HealthCheck(name, False, state.error.message, hint)]
    try:
        ctx.manager.load(state)
        hooks = state.manifest.hooks if state.manifest else ()
        own = ctx.manager.health_of(state, ctx) if "cm_health_checks" in hooks else []
    except CmError as error:
        hint = error.hint or f"reinstall or uninstall {state.candidate.dist}"
        return [HealthCheck(name, False, str(error), hint)]
    return [
        HealthCheck(name, True, "loads"),
        *(check._replace(name=f"{state.name}: {check.name}") for check in own),
    ]
