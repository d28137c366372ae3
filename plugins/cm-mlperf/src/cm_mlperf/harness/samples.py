"""The samples that LoadGen has asked to be loaded, and feeds made of them.

This is the hot side of the data set: a feed for one sample is a prepared view, a feed for a batch
is a slice where the batch lies in one piece (as LoadGen issues them in Offline) and else one copy.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cm_mlperf.harness.data import Array, Dataset
    from cm_mlperf.harness.matching import Plan

#: Views are prepared for at most so many samples; the others get theirs when first used.
PREPARED = 1 << 16


class Feeds(dict[int, dict[str, Any]]):
    """Sample number -> feed for that sample alone."""

    def __init__(self, samples: Samples) -> None:
        super().__init__()
        self.samples = samples

    def __missing__(self, index: int) -> dict[str, Any]:
        at = int(self.samples.rows[index])
        made = self[index] = self.samples.one(at)
        return made


class Samples:
    """Loaded samples.

    Args:
        dataset: where they come from; sample i is stored row i modulo the rows.
        plan: which input they feed, and as what type.
    """

    def __init__(self, dataset: Dataset, plan: Plan) -> None:
        import numpy as np

        self.dataset = dataset
        self.plan = plan
        self.arrays: dict[str, Array] = {}
        #: Sample number -> place in `arrays`, -1 when it is not loaded.
        self.rows = np.full(dataset.size, -1, dtype=np.int64)
        #: The same as `rows` for the loaded samples: faster for a few of them.
        self.places: dict[int, int] = {}
        self.singles = Feeds(self)

    def load(self, indices: Sequence[int]) -> None:
        """Bring samples into memory, in the order in which LoadGen names them."""
        import numpy as np

        wanted = np.asarray(indices, dtype=np.int64)
        stored = wanted % self.dataset.stored
        for name, source in self.plan.sources.items():
            found = self.dataset.inputs[source][stored]
            kind = self.plan.kinds[name] or found.dtype
            self.arrays[name] = np.ascontiguousarray(found, dtype=kind)
        # MultiStream repeats the first samples at the end; the first place is the one that counts.
        self.rows[wanted[::-1]] = np.arange(len(wanted) - 1, -1, -1)
        self.singles.clear()
        numbers = wanted.tolist()
        self.places = dict(zip(reversed(numbers), range(len(numbers) - 1, -1, -1), strict=True))
        for index in numbers[:PREPARED]:
            self.singles[index]

    def unload(self, indices: Sequence[int]) -> None:
        """Let go of all samples."""
        import numpy as np

        self.rows[np.asarray(indices, dtype=np.int64)] = -1
        self.arrays.clear()
        self.places = {}
        self.singles.clear()

    def one(self, at: int) -> dict[str, Any]:
        """The feed of the sample at a place."""
        if not self.plan.batched:
            return {name: array[at] for name, array in self.arrays.items()}
        return {name: array[at : at + 1] for name, array in self.arrays.items()}

    def piece(self, start: int, stop: int) -> dict[str, Any]:
        """The feed of neighbouring places: no copy."""
        return {name: array[start:stop] for name, array in self.arrays.items()}

    def few(self, indices: Sequence[int]) -> dict[str, Any]:
        """The feed of a few samples; numpy would take longer to see whether they are neighbours."""
        places = [self.places[index] for index in indices]
        first = places[0]
        last = first + len(places)
        if places == list(range(first, last)):
            return self.piece(first, last)
        return self.gather(places)

    def gather(self, places: Any) -> dict[str, Any]:
        """The feed of any places: one copy."""
        return {name: array.take(places, axis=0) for name, array in self.arrays.items()}
