"""`cm plugins list | why | verify` and `cm doctor`: what is installed, and whether it is well."""

from __future__ import annotations

from cmcore import manifest
from cmcore.discovery import normalize
from cmcore.errors import NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Request, Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.manifest import Manifest
    from cmcore.plugin_state import PluginState
    from cmcore.registry import Registry


def list_plugins(ctx: Context, request: Request) -> Result:
    """`cm plugins list`: every installed plugin with its state."""
    _no_flags(request, "list")
    registry = ctx.registry
    rows = [
        (
            state.candidate.dist,
            state.candidate.version,
            state.state,
            ", ".join(_nouns(state.manifest)),
            state.cause,
        )
        for state in registry.plugins()
    ]
    conflicts = registry.conflicts()
    data = {
        "plugins": [describe(state) for state in registry.plugins()],
        "conflicts": [conflict._asdict() for conflict in conflicts],
    }
    view: list[str | Table] = [
        Table(("distribution", "version", "state", "automations", "cause"), rows)
    ]
    if not rows:
        view = ["no plugins are installed; pip install cm-plugin-script brings recipes"]
    view += [conflict.message for conflict in conflicts]
    warnings = [text for state in registry.plugins() for text in _remarks(state)]
    return Result(data, view, warnings=tuple(registry.policy.problems() + warnings))


def why(ctx: Context, request: Request) -> Result:
    """`cm plugins why NAME`: which policy decided about a plugin, and what it offers.

    Raises:
        UsageError: not exactly one name.
        NotFoundError: no installed plugin has that name.
    """
    _no_flags(request, "why")
    if len(request.artifacts) != 1:
        raise UsageError("expected the name of one plugin", hint="cm plugins why NAME")
    views: list[str | Table] = []
    data = []
    for state in _named(ctx.registry, request.artifacts[0]):
        offered = state.manifest or _peek(state)
        entry = describe(state) | {
            "layers": [
                {"layer": layer.name, "source": layer.source, "says": said.reason}
                for layer in ctx.registry.policy.layers
                if (said := layer.decide(state.candidate))
            ],
            "offers": _offers(offered),
            "conflicts": [
                c.message for c in ctx.registry.conflicts() if state.provenance in c.owners
            ],
        }
        data.append(entry)
        views.append(_explain(entry))
    return Result({"plugins": data}, views)


def verify(ctx: Context, request: Request) -> Result:
    """`cm plugins verify [NAME...]`: import each plugin that may load, compare it with its manifest
    and its files with RECORD. The code is 1 when something differs.

    Raises:
        NotFoundError: no installed plugin has one of the names.
    """
    from cmcore.verification import faults

    _no_flags(request, "verify")
    names = request.artifacts
    states = [state for name in names for state in _named(ctx.registry, name)]
    rows, data = [], []
    for state in states if names else ctx.registry.plugins():
        found = [] if state.state == "denied" else faults(ctx, state)
        verdict = "denied, not imported" if state.state == "denied" else "fault" if found else "ok"
        data.append(describe(state) | {"verdict": verdict, "faults": found})
        details = found or ([state.decision.reason] if state.state == "denied" else [""])
        rows += [(state.candidate.dist, state.candidate.version, verdict, d) for d in details]
    failed = any(entry["faults"] for entry in data)
    view = Table(("distribution", "version", "verdict", "detail"), rows)
    return Result({"plugins": data}, view if rows else "no plugins are installed", code=int(failed))


def doctor(ctx: Context, request: Request) -> Result:
    """`cm doctor`: everything that can be checked, with advice. The code is 1 on any fault."""
    from cmcore.health import checks

    _no_flags(request, "doctor")
    found = checks(ctx)
    rows = [
        ("ok" if check.ok else "FAULT", check.name, check.detail, "" if check.ok else check.hint)
        for check in found
    ]
    data = {"checks": [check._asdict() for check in found]}
    well = all(check.ok for check in found)
    return Result(data, Table(("", "check", "detail", "advice"), rows), code=0 if well else 1)


def describe(state: PluginState) -> dict[str, Any]:
    """One plugin as `--out=json` shows it."""
    offered = state.manifest
    found = state.candidate
    return {
        "distribution": found.dist,
        "version": found.version,
        "name": state.name,
        "state": state.state,
        "allowed": state.decision.allowed,
        "layer": state.decision.layer,
        "reason": state.decision.reason,
        "entry_point": f"{found.name} = {found.value}",
        "location": found.dist_info,
        "manifest": offered.path if offered else "",
        "api": offered.api if offered else "",
        "summary": offered.summary if offered else "",
        "automations": _nouns(offered),
        "needs": dict(offered.needs) if offered else {},
        "error": state.error.to_dict() if state.error else None,
        "stage": state.error.stage if state.error else "",
        "cause": state.cause,
        "warnings": _remarks(state),
    }


def _named(registry: Registry, name: str) -> list[PluginState]:
    """Plugins by distribution (any spelling), short name or noun; in this order of preference."""
    states = registry.plugins()
    dist = normalize(name)
    by_dist = [s for s in states if s.candidate.dist in (dist, f"cm-plugin-{dist}")]
    by_name = [s for s in states if name in (s.name, s.candidate.name)]
    by_noun = [s for s in states if name in _nouns(s.manifest)]
    found = by_dist or by_name or by_noun
    if not found:
        from cmcore.naming import did_you_mean, suggestion

        near = suggestion(did_you_mean(name, [s.candidate.dist for s in states]))
        raise NotFoundError(
            f"no installed plugin is called '{name}'", hint=near or "'cm plugins list' shows all"
        )
    return found


def _peek(state: PluginState) -> Manifest | None:
    """What a denied plugin says about itself; reading it imports nothing."""
    read = manifest.load(state.candidate)
    return None if isinstance(read, manifest.Broken) else read


def _nouns(offered: Manifest | None) -> list[str]:
    if offered is None:
        return []
    own = [noun.name for noun in offered.automations]
    return own + sorted({f"{a.automation}+" for a in offered.actions if a.automation not in own})


def _remarks(state: PluginState) -> list[str]:
    return (
        [f"{state.provenance}: {text}" for text in state.manifest.warnings]
        if state.manifest
        else []
    )


def _offers(offered: Manifest | None) -> dict[str, Any]:
    if offered is None:
        return {}
    return {
        "hooks": list(offered.hooks),
        "automations": {noun.name: noun.help for noun in offered.automations},
        "actions": {f"{a.name} {a.automation}": a.help for a in offered.actions},
        "collections": list(offered.collections),
    }


def _explain(entry: dict[str, Any]) -> str:
    lines = [
        f"{entry['distribution']} {entry['version']}: {entry['state']}",
        f"  {'may' if entry['allowed'] else 'may not'} load: {entry['reason']}",
    ]
    lines += [f"  {said['layer']}: {said['says']}" for said in entry["layers"]]
    if entry["error"] and entry["allowed"]:
        lines.append(f"  {entry['stage']} failed: {entry['cause']}")
    lines.append(f"  installed in {entry['location']}")
    lines += [
        f"  offers {what}: {text}" for what, text in entry["offers"].get("actions", {}).items()
    ]
    lines += [f"  offers recipes in {place}" for place in entry["offers"].get("collections", ())]
    needs = {key: value for key, value in entry["needs"].items() if value}
    lines += [
        f"  needs {key}: {', '.join(value) if isinstance(value, list) else value}"
        for key, value in needs.items()
    ]
    return "\n".join(lines + [f"  conflict: {text}" for text in entry["conflicts"]])


def _no_flags(request: Request, command: str) -> None:
    from cmcore import missing
    from cmcore.dispatch import GENERAL_FLAGS

    for flag in request.flags:
        if flag not in GENERAL_FLAGS:
            raise missing.flag(flag, command, "plugins", [])
