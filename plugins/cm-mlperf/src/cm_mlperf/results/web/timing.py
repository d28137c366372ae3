"""When the samples of a run were asked for and answered, as far as plots need it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cm_mlperf.results.finding import Item
from cmcore.hints import Any, NamedTuple

FILE = "samples.npz"
_POINTS = 240
_MOST_BINS = 60
_PERCENTILES = ("p50", "p90", "p95", "p97", "p99", "p99.9")


class Timing(NamedTuple):
    """Points of two plots; without a file of samples only percentiles, and no throughput.

    Attributes:
        shares: share of the samples, 0 to 1, ascending.
        latencies: within how many nanoseconds that share was answered.
        starts: beginnings of equally long parts of the run, in seconds.
        rates: samples per second that were answered in each.
        step: length of a part, in seconds.
        exact: from every sample, rather than from percentiles of the log.
        queries: latencies are those of whole queries, as LoadGen judges MultiStream.
    """

    shares: Sequence[float] = ()
    latencies: Sequence[float] = ()
    starts: Sequence[float] = ()
    rates: Sequence[float] = ()
    step: float = 0.0
    exact: bool = False
    queries: bool = False


def timing_of(item: Item) -> tuple[Timing, str]:
    """The timing of a run, and what is wrong with its file of samples ("" mostly)."""
    performance = item.record.performance
    if performance is None:
        return Timing(), ""
    latency = performance.latency_ns
    known = [(float(name[1:]) / 100, latency[name]) for name in _PERCENTILES if name in latency]
    if "min" in latency and "max" in latency and known:
        known = [(0.0, latency["min"]), *known, (1.0, latency["max"])]
    plain = Timing([share for share, _ in known], [value for _, value in known])
    path = os.path.join(item.folder, *performance.run.split("/"), FILE)
    if not item.folder or not performance.run or not os.path.isfile(path):
        return plain, ""
    try:
        return _read(path, item.record.scenario == "MultiStream"), ""
    except (OSError, ValueError, KeyError, EOFError) as error:
        return plain, f"{path}: {error}"
    except Exception as error:
        # A damaged archive raises errors of zipfile and zlib, which share no ancestor.
        if type(error).__module__ not in ("zipfile", "zlib"):
            raise
        return plain, f"{path}: {error}"


def _read(path: str, by_query: bool) -> Timing:
    import numpy as np

    # Opened here because numpy leaves a file open that turns out to be no archive.
    with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
        issued = np.asarray(file["issue_ns"], dtype=np.int64)
        done = np.asarray(file["complete_ns"], dtype=np.int64)
        each = int(file["stride"]) if "stride" in file else 1
    if issued.shape != done.shape or issued.ndim != 1 or not len(issued):
        raise ValueError("issue_ns and complete_ns do not fit together")
    by_query = by_query and each == 1
    latencies = np.sort(_queries(issued, done) if by_query else done - issued)
    count = len(latencies)
    # Evenly spaced, and every further tenth, hundredth ... of the tail, where limits are set.
    marks = np.concatenate([np.linspace(0, 1, _POINTS), 1 - np.logspace(-2, -5, 40)])
    at = np.unique(np.clip(np.ceil(marks * count).astype(np.int64) - 1, 0, count - 1))
    shares = (at + 1) / count
    begin = int(issued.min())
    span = (int(done.max()) - begin) / 1e9
    bins = int(min(_MOST_BINS, max(4, count // 8)))
    if span <= 0 or count < 8:
        return Timing(shares.tolist(), latencies[at].tolist(), exact=True, queries=by_query)
    counts, edges = np.histogram((done - begin) / 1e9, bins=bins, range=(0.0, span))
    step = span / bins
    return Timing(
        shares.tolist(),
        latencies[at].tolist(),
        edges[:-1].tolist(),
        (counts * each / step).tolist(),
        step,
        exact=True,
        queries=by_query,
    )


def _queries(issued: Any, done: Any) -> Any:
    """Latency of each query: its samples are issued at one moment, its last answer counts."""
    import numpy as np

    moments, which = np.unique(issued, return_inverse=True)
    last = np.zeros(len(moments), dtype=np.int64)
    np.maximum.at(last, which, done)
    return last - moments
