"""Which engine a command uses."""

from __future__ import annotations

from cm_docker.engine import Engine
from cm_docker.records import State
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore.context import Context


def engines(ctx: Context) -> list[Engine]:
    """All engines, of this package and of others, the preferred ones first."""
    found = [one for one in ctx.manager.container_engines(ctx) if isinstance(one, Engine)]
    return sorted(found, key=lambda engine: (engine.rank, engine.name))


def choose(ctx: Context, wanted: str = "") -> Engine:
    """The engine of that name, or the first that can be used here.

    What it works around by itself is told to those who asked for details.

    Raises:
        UsageError: there is no engine of that name.
        CmError: it cannot be used here, or none can: why not, and what helps.
    """
    all_of_them = engines(ctx)
    if wanted and wanted != "auto":
        engine = _named(all_of_them, wanted)
        state = engine.state()
        if not state.usable:
            raise CmError(f"{engine.name} cannot be used: {_why(state)}", hint=_remedy(state))
        return _told(ctx, engine, state)
    turned_down = []
    for engine in all_of_them:
        state = engine.state()
        if state.usable:
            return _told(ctx, engine, state)
        turned_down.append((engine, state))
    reasons = "; ".join(f"{engine.name}: {_why(state)}" for engine, state in turned_down)
    # One remedy suffices: the preferred engine that is there, else the preferred one.
    there = [one for one in turned_down if "not installed" not in _why(one[1])] or turned_down
    hint = f"{there[0][0].name}: {_remedy(there[0][1])}" if there else "install podman"
    raise CmError(f"no container engine can be used ({reasons})", hint=hint)


def _named(all_of_them: list[Engine], wanted: str) -> Engine:
    for engine in all_of_them:
        if engine.name == wanted:
            return engine
    from cmcore.naming import did_you_mean

    names = [engine.name for engine in all_of_them]
    near = did_you_mean(wanted, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
    raise UsageError(f"there is no container engine '{wanted}'", hint=hint)


def _told(ctx: Context, engine: Engine, state: State) -> Engine:
    for problem in state.problems:
        ctx.console.log(f"{engine.name}: {problem.text} ({problem.remedy})", verbose=True)
    return engine


def _why(state: State) -> str:
    return next((problem.text for problem in state.problems if problem.fatal), "unknown reason")


def _remedy(state: State) -> str:
    return next((problem.remedy for problem in state.problems if problem.fatal), "")
