"""Accuracy against the target of its round, where the rules of that round are known here."""

from __future__ import annotations

from functools import lru_cache

from cm_mlperf import rounds
from cm_mlperf.results.record import Accuracy
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.rounds import Bound


def judged(
    accuracy: Accuracy | None, version: str, model: str, scenario: str, division: str = "closed"
) -> Accuracy | None:
    """`accuracy` with target and verdict, unchanged where no target applies.

    The open division has none. A model that is judged by several metrics meets its target when
    every metric is within its bounds; the target shown is that of the first one.
    """
    if accuracy is None or accuracy.value is None or division == "open":
        return accuracy
    bounds = _bounds(version, model, scenario)
    if not bounds:
        return accuracy
    values = accuracy.extra.get("all") or {accuracy.metric: accuracy.value}
    if not accuracy.metric:
        # Tables of older checkers tell the number alone; it is that of the only metric.
        if len(bounds) > 1:
            return accuracy
        accuracy = accuracy._replace(metric=bounds[0].metric)
        values = {bounds[0].metric: accuracy.value}
    first = next((bound for bound in bounds if bound.metric == accuracy.metric), None)
    told = [bound for bound in bounds if bound.metric in values]
    if first is None or len(told) < len(bounds):
        return accuracy
    met = all(
        (bound.at_least is None or values[bound.metric] >= bound.at_least)
        and (bound.at_most is None or values[bound.metric] <= bound.at_most)
        for bound in told
    )
    return accuracy._replace(target=first.at_least, met=met)


@lru_cache(maxsize=512)
def _bounds(version: str, model: str, scenario: str) -> tuple[Bound, ...]:
    try:
        return rounds.get(version).model(model).accuracy(scenario)
    except UsageError:
        return ()
