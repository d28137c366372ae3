"""A plan for a machine that has nothing yet, as a container is when its image is built.

What the host has cached plays no part, so that the plan of one request is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from cm_script.executor import Exports
from cm_script.merge import copied
from cm_script.planning.certainty import Knowledge
from cm_script.planning.engine import PlanEngine
from cm_script.planning.planner import Planner
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_script.planning.later import Later
    from cm_script.planning.node import Node
    from cm_script.run import RecipeRun
    from cmcore.context import Context
    from cmcore.types import CacheEntry, CacheRequest


class Asked(NamedTuple):
    """A look-up in the cache that nothing answered.

    Attributes:
        node: the step.
        request: what the cache was asked for.
        env: the environment at that moment.
        knowledge: which of its variables only a run can tell.
        above: the steps that it stands below, the outermost first.
    """

    node: Node
    request: CacheRequest
    env: dict[str, Any]
    knowledge: Knowledge
    above: tuple[Node, ...]


class Noted(NamedTuple):
    """A recipe as it was composed.

    Attributes:
        env, state: what it found and made.
        docker: its container settings.
    """

    env: dict[str, Any]
    state: dict[str, Any]
    docker: dict[str, Any]


class InsidePlanner(Planner):
    """Plans with an empty cache and remembers what each look-up was about.

    Attributes:
        asked: by step.
        notes: by step; of all recipes that were composed.
    """

    def __init__(self, engine: PlanEngine) -> None:
        super().__init__(engine)
        self.asked: dict[int, Asked] = {}
        self.notes: dict[int, Noted] = {}

    def cached(self, request: CacheRequest) -> Sequence[CacheEntry]:
        """Nothing: the machine is a new one."""
        return ()

    def composed(self, run: RecipeRun) -> None:
        """Note the container settings of a recipe, and what they are made from."""
        from cm_script import containermeta

        super().composed(run)
        docker = containermeta.settings(run)
        if len(self.stack) == 1:
            containermeta.take_defaults(run, docker)
        self.notes[self.stack[-1].step] = Noted(copied(run.env), copied(run.scope.state), docker)

    def build(self, run: RecipeRun, request: CacheRequest, old: CacheEntry | None) -> Exports:
        """Walk on, and note what the entry to come was asked for."""
        here = self.stack[-1]
        self.asked[here.step] = Asked(
            here, request, dict(run.env), self.knowledge.copy(), tuple(self.stack[:-1])
        )
        return super().build(run, request, old)

    def made(self, step: int) -> Later | None:
        """The entry that a step will make."""
        return next((one for one in self.later if one.step == step), None)


class InsideEngine(PlanEngine):
    """Plans for a machine that has nothing yet."""

    planner: InsidePlanner

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.planner = InsidePlanner(self)
        self.executor = self.planner
