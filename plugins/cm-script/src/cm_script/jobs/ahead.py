"""Looking ahead in one dependency list: what comes after the next one, and what it would get.

The rest of the list is walked through by a plan that starts from what the run knows now. A
dependency that can be built ahead is then asked for exactly as the list would ask for it if nothing
before it changed anything.
"""

from __future__ import annotations

import copy

from cm_script import chain
from cm_script.engine import Engine
from cm_script.jobs.independence import Forecast, Foreseeing, forecast, obstacle
from cm_script.merge import copied
from cm_script.planning.engine import PlanEngine
from cm_script.planning.node import Node
from cm_script.results import snapshot
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice

#: What a dependency shares with its parent and changes in place.
_SHARED = ("env", "state", "const", "const_state", "adr")


class Ahead(PlanEngine):
    """A plan that goes on from the middle of a run."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.ctx)
        self.asks = engine.console.interactive and not engine.quiet
        self.foreseeing = _Here(self)
        self.executor = self.planner = self.foreseeing
        self.remembered = list(engine.remembered)
        self.literal = set(engine.literal)
        self.imported = dict(engine.imported)
        self.chain, self.keys = list(engine.chain), list(engine.keys)
        self.quiet = engine.quiet


class _Here(Foreseeing):
    engine: Ahead

    def chosen(self, choice: Choice) -> None:
        """A choice that a person will be asked about is made when its turn comes."""
        super().chosen(choice)
        if choice.note and self.engine.asks:
            self.stack[-1].sure = False


def rest_of(run: RecipeRun, deps: list[Dep], kind: str) -> list[Forecast]:
    """What is foreseen of each dependency in `deps`, which stand at the end of list `kind`."""
    ahead = Ahead(run.engine)
    ghost = _ghost(run, ahead)
    root = Node(kind, "")
    root.run, root.recipe = ghost, run.artifact
    ahead.foreseeing.stack.append(root)
    chain.run_entries(ghost, copied(deps), kind)
    return [forecast(child, ahead.foreseeing) for child in root.children]


def independent(forecasts: list[Forecast]) -> dict[int, str]:
    """Index -> why it cannot be built while the first one runs, "" when it can; from 1 on."""
    return {
        at: obstacle(one, forecasts[:at]) for at, one in enumerate(forecasts) if at and one.acts
    }


def asked_for(run: RecipeRun, dep: Dep, kind: str) -> dict[str, Any] | None:
    """The inputs that a dependency would run with now; None when it would not run."""
    catcher = _Catcher()
    ghost = _ghost(run, catcher)
    chain.run_entries(ghost, [copied(dep)], kind)
    return catcher.caught


def _ghost(run: RecipeRun, engine: Any) -> RecipeRun:
    """The run as it stands, in a form that nothing of it can be changed through."""
    ghost = copy.copy(run)
    ghost.scope = copy.copy(run.scope)
    for name in _SHARED:
        setattr(ghost.scope, name, snapshot(getattr(run.scope, name)))
    ghost.scope.docker = copied(run.scope.docker)
    ghost.scope.conditional_defaults = dict(run.scope.conditional_defaults)
    ghost.run_state = copied(run.run_state)
    ghost.ran_deps = list(run.ran_deps)
    ghost.engine = engine
    ghost.console = engine.console
    return ghost


class _Catcher:
    """Stands for an engine, and keeps what it is asked to run."""

    def __init__(self) -> None:
        self.caught: dict[str, Any] | None = None
        self.executor = self
        self.console = self

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """Nothing: whether it runs is told by `caught`."""

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Keep the request."""
        self.caught = copied(inputs)
        return {}
