"""`cm plan script --jobs=N`: which steps a run would build ahead, and why others not."""

from __future__ import annotations

from cm_script.jobs.independence import Forecast, Foreseeing, forecast, obstacle
from cm_script.planning import node
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.planning.engine import PlanEngine
    from cm_script.planning.node import Node


def prepare(engine: PlanEngine) -> Foreseeing:
    """Let a plan note what is needed to mark it."""
    foreseeing = Foreseeing(engine)
    engine.executor = engine.planner = foreseeing
    return foreseeing


def put(root: Node, planner: Foreseeing) -> None:
    """Set `beside` and `in_turn` of every node that would run.

    The plan knows less than the run will: what is unknown until run is in its turn here, and may
    still be built ahead once it is known.
    """
    for parent in root.walk():
        lists: dict[str, list[Node]] = {}
        for child in parent.children:
            lists.setdefault(child.kind, []).append(child)
        for children in lists.values():
            _mark(children, [forecast(child, planner) for child in children])


def _mark(children: list[Node], foreseen: list[Forecast]) -> None:
    for at, here in enumerate(children):
        before = [n for n in range(at) if foreseen[n].acts]
        if not before or here.outcome != node.RUN:
            continue
        here.in_turn = obstacle(foreseen[at], [foreseen[before[-1]]])
        for start in reversed(before):
            if obstacle(foreseen[at], foreseen[start:at]):
                break
            here.beside.insert(0, children[start].step)
        here.beside = [step for step in here.beside if step]
