"""What can be said about a whole plan: its order, its sum, versions that contradict each other."""

from __future__ import annotations

from cm_script import versions
from cm_script.planning import needs, node
from cm_script.planning.node import Node, Problem
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cm_script.dialects import Dialect


def order(root: Node) -> list[dict[str, Any]]:
    """The recipes in the order in which a run ends them, as its record lists them.

    One entry per recipe that would run or be served: `step`, `recipe` (`alias,uid`), `source`
    (`run` or `cache`), `sure`.
    """
    found: list[dict[str, Any]] = []

    def visit(here: Node, sure: bool) -> None:
        sure = sure and here.sure
        for child in here.children:
            visit(child, sure)
        if here.outcome in (node.RUN, node.CACHED, node.REUSED, node.LEFT_OUT) and here.recipe:
            source = "cache" if here.outcome in (node.CACHED, node.REUSED) else "run"
            found.append(
                {"step": here.step, "recipe": here.recipe.name, "source": source, "sure": sure}
            )

    visit(root, True)
    return found


def summary(root: Node) -> dict[str, Any]:
    """Nodes by outcome, and which steps seem to need what."""
    nodes = root.walk()
    counts: dict[str, int] = {}
    for one in nodes:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    wanted: dict[str, list[str]] = {}
    for need in needs.NEEDS:
        labels = [one.label for one in nodes if need in one.needs]
        if labels:
            wanted[need] = list(dict.fromkeys(labels))
    unsure = sum(1 for one in nodes if not one.sure)
    return {"outcomes": counts, "unsure": unsure, "needs": wanted}


def version_conflicts(root: Node) -> list[Problem]:
    """Pairs of nodes that ask one recipe, with the same variations, for different versions."""
    asked: dict[tuple[str, frozenset[str]], list[Node]] = {}
    for one in root.walk():
        if one.run is not None and one.run.scope.version_request:
            key = (one.run.artifact.path, frozenset(one.run.scope.variations))
            asked.setdefault(key, []).append(one)
    problems = []
    for nodes in asked.values():
        first = nodes[0]
        for other in nodes[1:]:
            assert first.run is not None
            assert other.run is not None
            wish, wish2 = first.run.scope.version_request, other.run.scope.version_request
            if _contradict(wish, wish2, first.run.dialect):
                text = (
                    f"{first.label} is asked for {told(wish)} in step {first.step} "
                    f"and for {told(wish2)} in step {other.step}"
                )
                hint = "--adr.NAME.version=V asks both for one version"
                problems.append(Problem("warning", text, first.run.artifact.path, hint, other.step))
                break
    return problems


def told(request: Mapping[str, str]) -> str:
    """A version request in words."""
    signs = {"version": "version ", "version_min": "at least ", "version_max": "at most "}
    parts = [signs[key] + request[key] for key in signs if request.get(key)]
    return " and ".join(parts)


def _contradict(one: Mapping[str, str], two: Mapping[str, str], dialect: Dialect) -> bool:
    """Whether no version satisfies both requests."""
    exact = [request["version"] for request in (one, two) if request.get("version")]
    if len(exact) == 2:
        return versions.compare(exact[0], exact[1], dialect) != 0
    if exact:
        limits = two if one.get("version") else one
        return not versions.fits(exact[0], {**limits, "version": ""}, dialect)
    lows = [request["version_min"] for request in (one, two) if request.get("version_min")]
    highs = [request["version_max"] for request in (one, two) if request.get("version_max")]
    return any(versions.compare(low, high, dialect) > 0 for low in lows for high in highs)
