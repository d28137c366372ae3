"""Share of samples whose class is right (top-1)."""

from __future__ import annotations

from cm_mlperf.accuracy import Accuracy
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.harness.data import Dataset
    from cm_mlperf.logs import AccuracyLog


def top1(log: AccuracyLog, dataset: Dataset, where: str, label_type: str = "int64") -> Accuracy:
    """Compare the first answer to each sample with its label.

    Raises:
        CmError: no labels, a sample that the data set does not have, or answers of another type.
    """
    import numpy as np

    from cmcore.errors import CmError

    labels = dataset.labels
    if labels is None:
        raise CmError(f"the data set {dataset.name!r} has no labels", where=dataset.path)
    kind = np.dtype(label_type)
    first = log.first()
    odd = next((at for at in first if len(log.data[at]) < kind.itemsize), None)
    if odd is not None:
        raise CmError(
            f"the answer to sample {log.qsl_idx[odd]} has {len(log.data[odd])} bytes, "
            f"a class number of type {kind} has {kind.itemsize}",
            where=where,
        )
    indices = log.qsl_idx[first]
    if int(indices.max()) >= max(dataset.size, dataset.stored):
        raise CmError(
            f"sample {int(indices.max())} is not in the data set {dataset.name!r}, "
            f"which has {dataset.size}",
            where=where,
        )
    width = kind.itemsize
    found = np.frombuffer(b"".join(log.data[at][:width] for at in first), dtype=kind)
    wanted = np.asarray(labels)[indices % dataset.stored]
    good, total = int((found.astype(np.int64) == wanted).sum()), len(first)
    value = 100.0 * good / total
    text = f"accuracy={value:.3f}%, good={good}, total={total}"
    return Accuracy("top1", value, "%", good, total, text)
