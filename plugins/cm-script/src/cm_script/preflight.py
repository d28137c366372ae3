"""Before anything acts: what a run would surely stumble over, found while nothing has been done.

The run is walked through once, as `cm plan script` does it, at the moment when the first recipe is
about to act: to call a hook, to run a native step or to be built in the cache. A request that is
served from the cache in full never gets here, nor does a recipe without dependencies, whose own
request was judged when it was chosen.

Only what is sure stops a run. A dependency that may not be reached, because a hook or a tool has
the last word on its conditions, is left to the run itself.
"""

from __future__ import annotations

import os

from cm_script.executor import Foreseen
from cm_script.planning.cautious import Cautious
from cm_script.planning.engine import PlanEngine
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.planning.node import Node, Problem


def check(engine: Engine, inputs: dict[str, Any], folder: str) -> None:
    """Walk through the request of a run that is about to act.

    Args:
        engine: the run's.
        inputs: the flags of the request, fresh: the run has changed its own.
        folder: where the user stands.

    Raises:
        Foreseen: the first failure that is sure; further ones are printed.
    """
    ahead = _Ahead(engine)
    ahead.request = engine.request
    here = os.getcwd()
    os.chdir(folder)
    try:
        ahead.run(inputs)
    finally:
        os.chdir(here)
    planner = ahead.planner
    if planner.root is None:
        return
    if not ahead.cautious.more_recipes:
        engine.take_found(ahead)
    problems = planner.all_problems()
    sure = [problem for problem in problems if problem.level == "error"]
    if not sure:
        for problem in problems:
            _warn(engine, problem)
        return
    for problem in sure[1:]:
        engine.console.err(f"also: {_told(problem)}")
    first = sure[0]
    raise _error(planner.root, first)


def _error(root: Node, problem: Problem) -> Foreseen:
    """The failure as the run would have met it, with the way that leads there."""
    way = _way(root, problem.step)
    where = problem.where
    if len(way) > 1:
        where = " -> ".join(way) + (f" ({where})" if where else "")
    text = f"nothing was run, because {problem.text}"
    return Foreseen(text, where=where, hint=problem.hint, code=problem.code)


def _way(here: Node, step: int) -> list[str]:
    """Labels from the request down to the node of a step; [] when it is not below `here`."""
    if here.step == step:
        return [here.label]
    for child in here.children:
        below = _way(child, step)
        if below:
            return [here.label, *below]
    return []


def _told(problem: Problem) -> str:
    where = f" [{problem.where}]" if problem.where else ""
    return problem.text + where + (f"; {problem.hint}" if problem.hint else "")


def _warn(engine: Engine, problem: Problem) -> None:
    """Say what deserves a look; what only may fail is told by the run when it does."""
    if "unknown until run" not in problem.text:
        engine.console.warn(_told(problem))


class _Ahead(PlanEngine):
    """A plan that starts from what the run knows already."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.ctx)
        self.remembered = list(engine.remembered)
        asks = engine.console.interactive and not engine.quiet
        self.cautious = Cautious(self, asks=asks)
        self.planner = self.cautious
        self.executor = self.planner
