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
import re

from cm_script.executor import Foreseen
from cm_script.planning.engine import PlanEngine
from cm_script.planning.planner import Planner
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.planning.node import Node, Problem
    from cm_script.planning.source import Source
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice

#: What else about a dependency, beside its conditions, is made from variables.
_MADE_FROM_ENV = (
    "enable_if_env",
    "enable_if_any_env",
    "skip_if_env",
    "skip_if_any_env",
    "update_tags_from_env",
    "update_tags_from_env_with_prefix",
    "update_tags_if_env",
)
#: Code that brings further recipes to the host while it runs.
_BRINGS_RECIPES = re.compile(r"""\b(?:cm|mlc)r? (?:pull|add) |['"](?:pull|add)['"].*['"]repo""")


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
        self.asks = engine.console.interactive and not engine.quiet
        self.planner = _Cautious(self)
        self.executor = self.planner


class _Cautious(Planner):
    """Takes nothing for sure that code, a person or a recipe of another collection may change."""

    engine: _Ahead

    def __init__(self, engine: _Ahead) -> None:
        super().__init__(engine)
        self._more_recipes = False

    def chosen(self, choice: Choice) -> None:
        """A choice that a person will be asked about is open."""
        super().chosen(choice)
        if choice.note and self.engine.asks and self.stack:
            self.stack[-1].sure = False

    def load_code(self, run: RecipeRun) -> None:
        """Nothing: what a step needs from the host is for plans."""
        source = self.source(run)
        if not self._more_recipes and _brings_recipes(source):
            self._more_recipes = True

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """What comes after the code of a recipe is open to what that code does."""
        super().decided(run, dep, kind, reason)
        if reason or self.coming is None:
            return
        source = self.source(run)
        after_code = kind != "deps" or source.has("predeps")
        hooked = source.has("preprocess") or source.has("predeps")
        open_ = source.may_skip or any(dep.get(key) for key in _MADE_FROM_ENV)
        if self._more_recipes or (after_code and hooked and open_):
            self.coming.sure = False


def _brings_recipes(source: Source) -> bool:
    texts = [source.code, *source.scripts.values()]
    return any(_BRINGS_RECIPES.search(text) for text in texts)
