"""Accuracy from LoadGen's accuracy log, in the measures of the MLPerf reference."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.harness.data import Dataset
    from cm_mlperf.logs import AccuracyLog

FILE = "accuracy.txt"


class Accuracy(NamedTuple):
    """An accuracy.

    Attributes:
        metric: top1, mAP or F1.
        value: in percent, not rounded.
        good: right answers; -1 where the measure does not count such.
        total: different samples that were judged.
        text: the line that MLCommons' submission checker looks for in accuracy.txt.
    """

    metric: str
    value: float
    unit: str
    good: int
    total: int
    text: str


def evaluate(log_path: str, dataset: Dataset | str, *, label_type: str = "int64") -> Accuracy:
    """The accuracy of the answers in an accuracy log.

    Args:
        dataset: what was asked, or its folder.
        label_type: numpy type of the class numbers in the log (classification).

    Raises:
        CmError: the log has no answers, is cut, or does not belong to this data set; or the data
            set has nothing to compare with.
    """
    from cm_mlperf import logs
    from cm_mlperf.harness import data
    from cmcore.errors import CmError

    if isinstance(dataset, str):
        dataset = data.read(dataset)
    log = logs.read_accuracy(log_path)
    if log.cut:
        raise CmError("the accuracy log is incomplete", where=log_path, hint="run the test again")
    if not log.data:
        raise CmError(
            "the accuracy log has no answers",
            where=log_path,
            hint="only runs of mode AccuracyOnly write them",
        )
    return judge(log, dataset, log_path, label_type)


def judge(log: AccuracyLog, dataset: Dataset, where: str, label_type: str = "int64") -> Accuracy:
    """As `evaluate`, of a log that has been read."""
    from cmcore.errors import CmError

    if dataset.task == "classification":
        from cm_mlperf.accuracy import classification

        return classification.top1(log, dataset, where, label_type)
    if dataset.task == "detection":
        from cm_mlperf.accuracy import detection

        return detection.mean_precision(log, dataset, where)
    if dataset.task == "squad":
        from cm_mlperf.accuracy import squad

        return squad.answers(log, dataset, where)
    raise CmError(f"the data set {dataset.name!r} has no task, so nothing to compare answers with")


def write_text(folder: str, accuracy: Accuracy, log_path: str) -> str:
    """Write `accuracy.txt` into `folder`: the line of the measure and the hash of the whole log.

    Returns:
        Its path.

    Raises:
        StorageError: it cannot be written.
    """
    import os

    from cm_mlperf.harness.facts import sha256
    from cmcore import storage

    path = os.path.join(folder, FILE)
    storage.write_atomic(path, f"{accuracy.text}\nhash={sha256(log_path)}\n")
    return path
