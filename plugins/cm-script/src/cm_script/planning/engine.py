"""An engine whose recipes are walked through instead of run."""

from __future__ import annotations

from collections.abc import Sequence

from cm_script.engine import Engine
from cm_script.planning.planner import Planner
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.context import Context


class Quiet:
    """A console that keeps warnings for the plan; what else a run would say is not said.

    Attributes:
        interactive: nobody is asked: a plan takes what a run without a terminal would take.
        json: always False.
        warnings: sentences, in order.
    """

    def __init__(self) -> None:
        self.interactive = False
        self.json = False
        self.warnings: list[str] = []

    def child_stream(self) -> int:
        """Where a step's output would go; there are no steps."""
        return 2

    def err(self, text: str) -> None:
        """Nothing: a plan's answer is the plan."""

    def log(self, text: str, *, verbose: bool = False) -> None:
        """Nothing, either."""

    def warn(self, text: str) -> None:
        """Keep a warning."""
        if text not in self.warnings:
            self.warnings.append(text)

    def ask(self, question: str, options: Sequence[str], default: int | None = None) -> int | None:
        """The default: a plan does not ask."""
        return default


class PlanEngine(Engine):
    """Walks through what a request would run.

    Attributes:
        planner: the executor; holds the plan.
    """

    acts = False

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.quiet_console = Quiet()
        self.console = self.quiet_console
        self.planner = Planner(self)
        self.executor = self.planner

    def enter(self, run: RecipeRun) -> None:
        """A recipe begins: it is chosen and composed."""
        super().enter(run)
        self.planner.composed(run)

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Walk through one recipe; what is wrong with it is noted, not raised."""
        return self.planner.visit(inputs, super().run)
