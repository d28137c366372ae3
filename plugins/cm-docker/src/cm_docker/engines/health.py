"""Lines of `cm doctor` about containers."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING
from cmcore.types import HealthCheck

if TYPE_CHECKING:
    from cm_docker.engine import Engine
    from cm_docker.records import State
    from cmcore.context import Context


def checks(ctx: Context) -> list[HealthCheck]:
    """One line for each engine; all is well as long as one can be used."""
    from cm_docker.engines.builtin import engines

    found = [(engine, engine.state()) for engine in engines(ctx)]
    one_works = any(state.usable for _, state in found)
    return [_line(engine, state, one_works) for engine, state in found]


def _line(engine: Engine, state: State, one_works: bool) -> HealthCheck:
    name = f"containers: {engine.name}"
    if state.usable:
        kind = "rootless" if state.rootless else "as root"
        notes = "; ".join(problem.text for problem in state.problems)
        detail = f"{state.version}, {kind}" + (f"; {notes}" if notes else "")
        return HealthCheck(name, True, detail)
    fatal = [problem for problem in state.problems if problem.fatal]
    detail = "; ".join(problem.text for problem in fatal) or "cannot be used"
    hint = fatal[0].remedy if fatal else ""
    # Who has podman does not need docker as well.
    return HealthCheck(name, one_works, detail, hint)
