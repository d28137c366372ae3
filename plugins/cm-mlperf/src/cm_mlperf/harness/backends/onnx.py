"""ONNX Runtime as a back end."""

from __future__ import annotations

from cm_mlperf.harness.backends import Session, Tensor
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.config import Backend, Model

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
#: ONNX Runtime's names of element types, and numpy's.
KINDS = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}
#: Keys of `backend.options` that are attributes of onnxruntime.SessionOptions.
OPTIONS = (
    "inter_op_num_threads",
    "execution_mode",
    "graph_optimization_level",
    "enable_mem_pattern",
    "enable_cpu_mem_arena",
)


def open_session(model: Model, backend: Backend) -> Session:
    """See `backends.open_session`. Options: `OPTIONS`, `config` (session config entries)."""
    import os

    from cm_mlperf.libraries import load, version
    from cmcore.errors import CmError

    runtime = load("onnxruntime")
    providers = _providers(runtime, backend.device)
    options = _options(runtime, backend)
    try:
        session = runtime.InferenceSession(model.path, options, providers=providers)
    except Exception as error:  # noqa: BLE001 - the library raises a dozen own types
        raise CmError(
            f"onnxruntime cannot load the model: {_first(error)}", where=model.path, code=3
        ) from None
    used = session.get_providers()
    if providers[0] not in used:
        raise CmError(
            f"device {backend.device}: onnxruntime has {providers[0]} but could not start it",
            hint="see its warnings above; the driver or CUDA's libraries do not fit",
            code=2,
        )
    names = [output.name for output in session.get_outputs()]
    for name in model.outputs or []:
        if name not in names:
            raise CmError(f"the model has no output {name!r}; it has: {', '.join(names)}", code=2)
    wanted = model.outputs or names
    run = session.run
    return Session(
        inputs=[_tensor(item) for item in session.get_inputs()],
        outputs=[_tensor(item) for item in session.get_outputs() if item.name in wanted],
        run=lambda feeds: run(wanted, feeds),
        versions={
            "onnxruntime": version("onnxruntime") or str(runtime.__version__),
            "onnxruntime_build": os.path.basename(str(runtime.get_build_info()))[:200],
        },
        provider=used[0],
    )


def _providers(runtime: Any, device: str) -> list[str]:
    from cmcore.errors import CmError

    wanted = PROVIDERS[device]
    available = runtime.get_available_providers()
    if wanted not in available:
        raise CmError(
            f"device {device}: this onnxruntime has no {wanted}; it has: {', '.join(available)}",
            hint="pip install onnxruntime-gpu in place of onnxruntime, or use device cpu",
            code=2,
        )
    return [wanted, PROVIDERS["cpu"]] if device != "cpu" else [wanted]


def _options(runtime: Any, backend: Backend) -> Any:
    from cmcore.errors import CmError

    options = runtime.SessionOptions()
    options.intra_op_num_threads = backend.threads
    # Its failures arrive as exceptions, and are told once.
    options.log_severity_level = 4
    for key, value in backend.options.items():
        if key == "config" and isinstance(value, dict):
            for entry, text in value.items():
                options.add_session_config_entry(str(entry), str(text))
        elif key in OPTIONS:
            try:
                setattr(options, key, _converted(runtime, key, value))
            except (TypeError, AttributeError):
                raise CmError(f"'backend.options.{key}' cannot be {value!r}", code=2) from None
        else:
            known = ", ".join((*OPTIONS, "config"))
            raise CmError(f"unknown key 'backend.options.{key}'; known: {known}", code=2)
    return options


def _converted(runtime: Any, key: str, value: Any) -> Any:
    if key == "execution_mode":
        return getattr(runtime.ExecutionMode, str(value))
    if key == "graph_optimization_level":
        return getattr(runtime.GraphOptimizationLevel, str(value))
    return value


def _tensor(item: Any) -> Tensor:
    shape = tuple(axis if isinstance(axis, int) else None for axis in item.shape)
    return Tensor(item.name, shape, KINDS.get(item.type, ""))


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
