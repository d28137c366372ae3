"""Which input of the data set goes into which input of the model, and how batches are made."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cm_mlperf.harness.backends import Tensor
    from cm_mlperf.harness.data import Dataset


class Plan(NamedTuple):
    """How samples become feeds.

    Attributes:
        sources: model input -> data set input.
        kinds: model input -> numpy type to convert to, "" to leave it as stored.
        batch: samples that the model takes at once: its fixed first axis, None where it is free.
        batched: False when the model's inputs have no batch axis at all.
    """

    sources: dict[str, str]
    kinds: dict[str, str]
    batch: int | None
    batched: bool


def match(inputs: Sequence[Tensor], dataset: Dataset, given: Mapping[str, str] | None) -> Plan:
    """Match by `given`, else by name, else by the one shape that fits.

    Raises:
        CmError: with exit code 2: an input stays without data, or shapes contradict; lists both.
    """
    sources: dict[str, str] = {}
    left = set(dataset.inputs)
    for name, source in (given or {}).items():
        if name not in {tensor.name for tensor in inputs}:
            raise _wrong(f"the model has no input {name!r}", inputs, dataset)
        if source not in dataset.inputs:
            raise _wrong(f"the data set has no input {source!r}", inputs, dataset)
        sources[name] = source
        left.discard(source)
    for tensor in inputs:
        if tensor.name not in sources and tensor.name in left:
            sources[tensor.name] = tensor.name
            left.discard(tensor.name)
    for tensor in inputs:
        if tensor.name not in sources:
            fitting = [key for key in sorted(left) if _fits(tensor, _sample_shape(dataset, key))]
            if len(fitting) != 1:
                why = "several inputs of the data set fit" if fitting else "nothing fits"
                raise _wrong(
                    f"no data for the model's input {tensor.name!r}: {why}", inputs, dataset
                )
            sources[tensor.name] = fitting[0]
            left.discard(fitting[0])
    ways = set()
    for tensor in inputs:
        way = _fits(tensor, _sample_shape(dataset, sources[tensor.name]))
        if way is None:
            raise _wrong(f"the shape of {sources[tensor.name]!r} does not fit", inputs, dataset)
        ways.add(way)
    if len(ways) != 1:
        raise _wrong("the model's inputs disagree about the size of a batch", inputs, dataset)
    batch, batched = ways.pop()
    kinds = {tensor.name: tensor.kind for tensor in inputs}
    return Plan(sources, kinds, batch, batched)


def shapes_for_random(
    inputs: Sequence[Tensor], given: Mapping[str, Any]
) -> dict[str, tuple[tuple[int, ...], str]]:
    """Input -> (shape of one sample, type): free axes beyond the batch have length 1 unless given.

    Raises:
        CmError: with exit code 2: the shape is not known and not given, or given for no input.
    """
    from cmcore.errors import CmError

    names = [tensor.name for tensor in inputs]
    strange = sorted(set(given).difference(names))
    if strange:
        raise CmError(
            f"a shape is given for {strange[0]!r}, which is no input of the model",
            hint=f"its inputs: {', '.join(names)}",
            code=2,
        )
    made: dict[str, tuple[tuple[int, ...], str]] = {}
    for tensor in inputs:
        if tensor.name in given:
            made[tensor.name] = (tuple(int(axis) for axis in given[tensor.name]), tensor.kind)
        elif tensor.shape is None:
            raise CmError(
                f"the shape of input {tensor.name!r} is not in the model",
                hint=f"say it for one sample: --input_shapes={tensor.name}:3x224x224, or"
                f' "shapes": {{"{tensor.name}": [3, 224, 224]}} in a configuration',
                code=2,
            )
        else:
            made[tensor.name] = (tuple(axis or 1 for axis in tensor.shape[1:]), tensor.kind)
    return {name: (shape, kind or "float32") for name, (shape, kind) in made.items()}


def _fits(tensor: Tensor, sample: tuple[int, ...]) -> tuple[int | None, bool] | None:
    """(fixed batch, has a batch axis) when samples of this shape can be fed, else None."""
    if tensor.shape is None:
        return None, True
    if _same(tensor.shape[1:], sample) and len(tensor.shape) == len(sample) + 1:
        return tensor.shape[0], True
    if _same(tensor.shape, sample):
        return 1, False
    return None


def _same(wanted: Sequence[int | None], shape: tuple[int, ...]) -> bool:
    if len(wanted) != len(shape):
        return False
    return all(axis is None or axis == have for axis, have in zip(wanted, shape, strict=True))


def _sample_shape(dataset: Dataset, key: str) -> tuple[int, ...]:
    return tuple(dataset.inputs[key].shape[1:])


def _wrong(message: str, inputs: Sequence[Tensor], dataset: Dataset) -> Any:
    from cmcore.errors import CmError

    def told(shape: Sequence[int | None] | None) -> str:
        if shape is None:
            return "unknown"
        return "x".join("?" if axis is None else str(axis) for axis in shape) or "scalar"

    model = ", ".join(f"{tensor.name} {told(tensor.shape)}" for tensor in inputs)
    data = ", ".join(f"{key} {told(array.shape)}" for key, array in dataset.inputs.items())
    hint = f"the model wants {model}; the data set has {data}; 'model.inputs' maps one to the other"
    return CmError(message, hint=hint, code=2)
