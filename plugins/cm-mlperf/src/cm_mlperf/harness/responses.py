"""Model outputs as the bytes that LoadGen logs for each sample.

label, argmax: one int64 · raw: the outputs as they are · squad: float32, start and end logits
alternating · detection: float32, seven for each box: sample, ymin, xmin, ymax, xmax, score, class;
coordinates relative to the image. The same forms that the MLPerf reference accuracy scripts read.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cm_mlperf.harness.config import Model
    from cm_mlperf.harness.data import Dataset


class Responder:
    """Response objects of one worker, made once; a batch only changes their identifiers.

    Args:
        response: LoadGen's class QuerySampleResponse.
        batch: largest number of samples at once.
        outputs: what the model gave for `probe` samples, to see forms and sizes.
    """

    def __init__(
        self,
        response: Any,
        model: Model,
        dataset: Dataset,
        batch: int,
        outputs: list[Any],
        probe: int,
    ) -> None:
        self.response = response
        self.kind = kind_of(model, dataset, outputs)
        self.offset = model.label_offset
        self.meta: dict[str, Any] = {"boxes": "xyxy", "scale": 1.0, "threshold": 0.0}
        self.meta.update(dataset.meta.get("detection") or {})
        self.made: list[Any] = []
        self._kept: list[Any] = []
        if self.kind != "detection":
            self._allocate(batch, outputs, probe)

    def fill(self, ids: Sequence[int], indices: Sequence[int], outputs: list[Any]) -> list[Any]:
        """The responses to `ids`; their bytes are valid until the next call."""
        count = len(ids)
        if self.kind == "detection":
            return self._boxes(ids, indices, outputs)
        self.store(outputs, count)
        made = self.made if count == len(self.made) else self.made[:count]
        for item, number in zip(made, ids, strict=True):
            item.id = number
        return made

    def _allocate(self, batch: int, outputs: list[Any], probe: int) -> None:
        import numpy as np

        if self.kind in ("label", "argmax"):
            self.buffer = np.zeros(batch, dtype=np.int64)
            labels = _labels if self.kind == "label" else _argmax
            self.store: Callable[[list[Any], int], None] = labels(self.buffer, self.offset)
        elif self.kind == "squad":
            self._squad(batch, outputs, probe)
        else:
            self._raw(batch, outputs, probe)
        step, base = self.buffer.strides[0], self.buffer.ctypes.data
        self.made = [self.response(0, base + at * step, step) for at in range(batch)]

    def _squad(self, batch: int, outputs: list[Any], probe: int) -> None:
        import numpy as np

        if len(outputs) < 2:
            self._raw(batch, outputs, probe)
            return
        length = outputs[0].reshape(probe, -1).shape[1]
        buffer = self.buffer = np.zeros((batch, length, 2), dtype=np.float32)

        def store(found: list[Any], count: int) -> None:
            buffer[:count, :, 0] = found[0].reshape(-1, length)[:count]
            buffer[:count, :, 1] = found[1].reshape(-1, length)[:count]

        self.store = store

    def _raw(self, batch: int, outputs: list[Any], probe: int) -> None:
        import numpy as np

        if len(outputs) == 1:
            kind, width = outputs[0].dtype, outputs[0].size // probe
            buffer = self.buffer = np.zeros((batch, width), dtype=kind)

            def store(found: list[Any], count: int) -> None:
                buffer[:count] = found[0].reshape(-1, width)[:count]

        else:
            widths = [output.nbytes // probe for output in outputs]
            ends = np.cumsum(widths).tolist()
            buffer = self.buffer = np.zeros((batch, ends[-1]), dtype=np.uint8)

            def store(found: list[Any], count: int) -> None:
                for output, end, width in zip(found, ends, widths, strict=True):
                    flat = np.ascontiguousarray(output).view(np.uint8).reshape(-1, width)
                    buffer[:count, end - width : end] = flat[:count]

        self.store = store

    def _boxes(self, ids: Sequence[int], indices: Sequence[int], outputs: list[Any]) -> list[Any]:
        import numpy as np

        boxes, labels, scores = (np.asarray(output) for output in outputs[:3])
        if boxes.ndim == 2:
            boxes, labels, scores = boxes[None], labels[None], scores[None]
        made = []
        self._kept = []
        for at, (number, index) in enumerate(zip(ids, indices, strict=True)):
            keep = scores[at] > self.meta["threshold"]
            corners = boxes[at][keep].astype(np.float32) / np.float32(self.meta["scale"])
            rows = np.empty((len(corners), 7), dtype=np.float32)
            rows[:, 0] = index
            rows[:, 1:5] = corners if self.meta["boxes"] == "yxyx" else corners[:, [1, 0, 3, 2]]
            rows[:, 5] = scores[at][keep]
            rows[:, 6] = labels[at][keep] + self.offset
            self._kept.append(rows)
            made.append(self.response(number, rows.ctypes.data, rows.nbytes))
        return made


def kind_of(model: Model, dataset: Dataset, outputs: list[Any]) -> str:
    """The form of responses: what the configuration says, else what task and outputs suggest."""
    if model.response:
        return model.response
    if dataset.task in ("detection", "squad"):
        return dataset.task
    if dataset.task == "classification":
        first = outputs[0]
        return "label" if first.dtype.kind in "iu" and first.size == len(first) else "argmax"
    return "raw"


def check_outputs(kind: str, outputs: list[Any], probe: int) -> None:
    """Refuse outputs that cannot be told apart by sample.

    Raises:
        CmError: with exit code 3: too few outputs, or their first axis is not the batch.
    """
    from cmcore.errors import CmError

    if kind == "detection":
        if len(outputs) < 3:
            raise CmError(
                f"detection needs boxes, labels and scores, the model gave {len(outputs)} outputs",
                hint="name them in this order in 'model.outputs'",
                code=3,
            )
        return
    used = (
        outputs[:1] if kind in ("label", "argmax") else outputs[:2] if kind == "squad" else outputs
    )
    for output in used:
        if output.size == 0 or output.size % probe or (probe > 1 and len(output) != probe):
            raise CmError(
                f"the model gave an output of shape {output.shape} for {probe} samples",
                hint="its first axis must be the batch; choose outputs with 'model.outputs'",
                code=3,
            )


def _labels(buffer: Any, offset: int) -> Callable[[list[Any], int], None]:
    def store(found: list[Any], count: int) -> None:
        buffer[:count] = found[0].reshape(-1)[:count]
        if offset:
            buffer[:count] += offset

    return store


def _argmax(buffer: Any, offset: int) -> Callable[[list[Any], int], None]:
    def store(found: list[Any], count: int) -> None:
        scores = found[0]
        buffer[:count] = scores.reshape(len(scores), -1).argmax(axis=1)[:count]
        if offset:
            buffer[:count] += offset

    return store
