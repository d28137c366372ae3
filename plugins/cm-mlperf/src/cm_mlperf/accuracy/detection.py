"""Mean average precision of boxes, by the COCO measure (pycocotools)."""

from __future__ import annotations

from cm_mlperf.accuracy import Accuracy
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.data import Dataset
    from cm_mlperf.logs import AccuracyLog

#: Numbers of one box in the log: sample, ymin, xmin, ymax, xmax, score, class.
WIDTH = 7


def mean_precision(log: AccuracyLog, dataset: Dataset, where: str) -> Accuracy:
    """mAP over IoU 0.50 to 0.95 of the images that were asked.

    dataset.json names the annotations (COCO form, images in the order of the samples) as
    `annotations`; `detection.categories` of it may list the category of each class number.

    Raises:
        CmError: no annotations, pycocotools is missing, or the log belongs to other images.
    """
    import contextlib
    import io
    import os

    from cm_mlperf.libraries import load
    from cmcore import storage
    from cmcore.errors import CmError

    file = dataset.meta.get("annotations")
    if not file:
        raise CmError(f"the data set {dataset.name!r} names no annotations", where=dataset.path)
    coco = load("pycocotools.coco")
    evaluation = load("pycocotools.cocoeval")
    content = storage.read_json(os.path.join(dataset.path, file))
    if not isinstance(content, dict) or not content.get("images"):
        raise CmError("no annotations in COCO's form", where=os.path.join(dataset.path, file))
    known = content["images"]
    categories = (dataset.meta.get("detection") or {}).get("categories")
    boxes, asked = _boxes(log, dataset, known, categories, where)
    if not boxes:
        return _result(0.0, len(asked))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = content
        truth.createIndex()
        measure = evaluation.COCOeval(truth, truth.loadRes(boxes), "bbox")
        measure.params.imgIds = sorted(asked)
        measure.evaluate()
        measure.accumulate()
        measure.summarize()
    return _result(100.0 * max(float(measure.stats[0]), 0.0), len(asked))


def _result(value: float, images: int) -> Accuracy:
    return Accuracy("mAP", value, "%", -1, images, f"mAP={value:.3f}%")


def _boxes(
    log: AccuracyLog, dataset: Dataset, images: list[Any], categories: list[int] | None, where: str
) -> tuple[list[dict[str, Any]], set[int]]:
    """Boxes as COCO wants them (left, top, width, height in pixels) and the images asked."""
    import numpy as np

    from cmcore.errors import CmError

    boxes: list[dict[str, Any]] = []
    asked: set[int] = set()
    for at in log.first():
        index = int(log.qsl_idx[at])
        row = index % dataset.stored
        if row >= len(images):
            raise CmError(f"sample {index} has no image in the annotations", where=where)
        image = images[row]
        asked.add(image["id"])
        data = log.data[at]
        if len(data) % (WIDTH * 4):
            raise CmError(f"the answer to sample {index} is no list of boxes", where=where)
        found = np.frombuffer(data, dtype=np.float32).reshape(-1, WIDTH).astype(np.float64)
        for number, top, left, bottom, right, score, label in found:
            if int(number) != index:
                raise CmError(f"a box of sample {number:.0f} in sample {index}", where=where)
            wide, high = image["width"], image["height"]
            boxes.append(
                {
                    "image_id": image["id"],
                    "category_id": categories[int(label)] if categories else int(label),
                    "bbox": [left * wide, top * high, (right - left) * wide, (bottom - top) * high],
                    "score": float(score),
                }
            )
    return boxes, asked
