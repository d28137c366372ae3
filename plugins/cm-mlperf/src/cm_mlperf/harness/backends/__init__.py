"""Libraries that run a model. A back end is opened by name and asked for a `Session`."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from cm_mlperf.harness.config import Backend, Model

    #: Feeds (model input -> array with the batch as first axis) to outputs, in order of `outputs`.
    Run = Callable[[dict[str, Any]], list[Any]]


class Tensor(NamedTuple):
    """An input or output: its shape (None for a free axis) and numpy type; unknown shape: None."""

    name: str
    shape: tuple[int | None, ...] | None
    kind: str


class Session(NamedTuple):
    """A loaded model.

    Attributes:
        run: runs one batch; may be called by several threads at once and lets go of the
            interpreter lock while the library computes.
        versions: library -> version, for the record.
        provider: what really computes, as the library names it.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    run: Run
    versions: dict[str, str]
    provider: str


def open_session(model: Model, backend: Backend) -> Session:
    """Load `model`.

    Raises:
        CmError: the library or device is missing (exit code 2), or the model cannot be loaded (3).
    """
    if backend.name == "onnxruntime":
        from cm_mlperf.harness.backends import onnx

        return onnx.open_session(model, backend)
    from cm_mlperf.harness.backends import pytorch

    return pytorch.open_session(model, backend)
