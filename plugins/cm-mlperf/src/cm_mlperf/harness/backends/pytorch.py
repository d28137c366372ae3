"""PyTorch as a back end: TorchScript files, exported programs (.pt2) and pickled modules."""

from __future__ import annotations

from cm_mlperf.harness.backends import Session, Tensor
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.config import Backend, Model

OPTIONS = ("input_names", "trust_pickle")


def open_session(model: Model, backend: Backend) -> Session:
    """See `backends.open_session`.

    Options: `input_names` (names of the positional inputs, where the file has none) and
    `trust_pickle` (true allows a pickled module, whose loading executes code of the file).
    """
    from cm_mlperf.libraries import load
    from cmcore.errors import CmError

    torch = load("torch")
    for key in backend.options:
        if key not in OPTIONS:
            raise CmError(
                f"unknown key 'backend.options.{key}'; known: {', '.join(OPTIONS)}", code=2
            )
    if backend.device == "cuda" and not torch.cuda.is_available():
        built = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "has no CUDA"
        raise CmError(
            f"device cuda: PyTorch {torch.__version__} {built} and finds no CUDA device",
            hint="use device cpu, or a PyTorch with CUDA on a machine with a GPU",
            code=2,
        )
    if backend.threads:
        torch.set_num_threads(backend.threads)
    try:
        module = _load(torch, model, backend)
    except CmError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the file makes the library raise
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CmError(f"PyTorch cannot load the model: {first}", where=model.path, code=3) from None
    names = backend.options.get("input_names") or _input_names(module)
    return Session(
        inputs=[Tensor(name, None, "") for name in names],
        outputs=[],
        run=_runner(torch, module, names, backend.device),
        versions={"torch": str(torch.__version__)},
        provider=backend.device
        if backend.device == "cpu"
        else f"cuda: {torch.cuda.get_device_name(0)}",
    )


def _load(torch: Any, model: Model, backend: Backend) -> Any:
    if model.format == "torchscript":
        return torch.jit.load(model.path, map_location=backend.device).eval()
    if model.path.endswith(".pt2"):
        return torch.export.load(model.path).module().to(backend.device)
    if not backend.options.get("trust_pickle"):
        from cmcore.errors import CmError

        raise CmError(
            "a pickled PyTorch module executes code when it is loaded",
            where=model.path,
            hint="export it as TorchScript, or set backend.options.trust_pickle to true",
            code=2,
        )
    return torch.load(model.path, map_location=backend.device, weights_only=False).eval()


def _input_names(module: Any) -> list[str]:
    """The names of the parameters of `forward`, without the module itself."""
    schema = getattr(getattr(module, "forward", None), "schema", None)
    if schema is not None:
        return [item.name for item in schema.arguments[1:]]
    import inspect

    return list(inspect.signature(module.forward).parameters)


def _runner(torch: Any, module: Any, names: list[str], device: str) -> Any:
    import numpy as np

    from_numpy, on_cpu = torch.from_numpy, device == "cpu"

    def run(feeds: dict[str, Any]) -> list[Any]:
        tensors = [from_numpy(np.ascontiguousarray(feeds[name])) for name in names]
        if not on_cpu:
            tensors = [tensor.to(device, non_blocking=True) for tensor in tensors]
        # The mode is a property of the thread, and workers are threads of their own.
        with torch.inference_mode():
            found = module(*tensors)
        if isinstance(found, dict):
            found = list(found.values())
        elif not isinstance(found, (list, tuple)):
            found = [found]
        return [item.cpu().numpy() for item in found]

    return run
