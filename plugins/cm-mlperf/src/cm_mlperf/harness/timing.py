"""When queries were issued and samples done, for plots: two numbers per query, kept cheaply."""

from __future__ import annotations

from array import array

from cmcore.hints import Any

#: More points than this are thinned out evenly before they are written.
POINTS = 1 << 20


class Marks:
    """Times of one thread, in nanoseconds of `time.perf_counter_ns`.

    `counts` says how many samples each pair stands for.
    """

    def __init__(self) -> None:
        self.issued = array("q")
        self.completed = array("q")
        self.counts = array("q")

    def add(self, issued: int, completed: int, count: int) -> None:
        """`count` samples issued together were done together."""
        self.issued.append(issued)
        self.completed.append(completed)
        self.counts.append(count)


def write(path: str, marks: list[Marks]) -> dict[str, int]:
    """Write `issue_ns`, `complete_ns` (int64, one per sample, by time of completion), `stride`.

    Times count from the first issue. Of more than `POINTS` samples every `stride`-th is written.

    Returns:
        `samples`, and `span_ns`: from the first issue to the last completion.

    Raises:
        OSError: the file cannot be written.
    """
    import numpy as np

    def joined(name: str) -> Any:
        parts = [np.frombuffer(getattr(mark, name), dtype=np.int64) for mark in marks]
        parts = [part for part in parts if len(part)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    issued, completed, counts = joined("issued"), joined("completed"), joined("counts")
    order = np.argsort(completed, kind="stable")
    issued, completed = issued[order].repeat(counts[order]), completed[order].repeat(counts[order])
    total = len(issued)
    zero = int(issued.min()) if total else 0
    span = int(completed.max()) - zero if total else 0
    stride = max(1, -(-total // POINTS))
    np.savez_compressed(
        path,
        issue_ns=issued[::stride] - zero,
        complete_ns=completed[::stride] - zero,
        stride=np.int64(stride),
    )
    return {"samples": total, "span_ns": span}
