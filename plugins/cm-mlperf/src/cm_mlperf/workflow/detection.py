"""What is on this machine: LoadGen, back ends, the system itself. Nothing is ever installed."""

from __future__ import annotations

from cmcore.errors import CmError
from cmcore.hints import Any

#: Back end -> distributions that bring it, the usual one first.
_BRING = {"onnxruntime": ("onnxruntime", "onnxruntime-gpu"), "pytorch": ("torch",)}

#: How a back end is asked for its devices; prints one word per line.
_DEVICES = {
    "onnxruntime": (
        "import onnxruntime\n"
        "for name in onnxruntime.get_available_providers():\n"
        "    print(name.removesuffix('ExecutionProvider').lower())\n"
    ),
    "pytorch": "import torch\nprint('cpu')\nif torch.cuda.is_available(): print('cuda')\n",
}


def loadgen(env: dict[str, Any]) -> dict[str, Any]:
    """Recipe get-mlperf-loadgen-python."""
    from cm_mlperf.libraries import version

    found = version("mlcommons-loadgen")
    if not found:
        return _missing("MLCommons' LoadGen", "mlcommons-loadgen", "mlperf_loadgen")
    env["CM_MLPERF_LOADGEN_PYTHON_VERSION"] = found
    return {"return": 0, "version": found}


def backend(env: dict[str, Any]) -> dict[str, Any]:
    """Recipe get-mlperf-backend: which version there is, and whether it has the device."""
    from cm_mlperf.libraries import version

    name = str(env["CM_MLPERF_BACKEND_NAME"])
    found, bringer = "", ""
    for bringer in _BRING[name]:
        found = version(bringer)
        if found:
            break
    if not found:
        return _missing(f"back end {name}", _BRING[name][0], name)
    device = str(env.get("CM_MLPERF_DEVICE") or "cpu")
    if device != "cpu":
        try:
            known = devices(name)
        except CmError as error:
            return {"return": 1, "error": str(error)}
        if device not in known:
            better = "onnxruntime-gpu" if name == "onnxruntime" else "a CUDA build of torch"
            return {
                "return": 1,
                "error": f"{bringer} {found} has no device {device} here, only "
                f"{', '.join(known)}; {better} and the CUDA libraries would bring it",
            }
    env["CM_MLPERF_BACKEND_VERSION"] = found
    return {"return": 0, "version": found}


def devices(name: str) -> list[str]:
    """Devices that a back end can use, cpu, cuda, ...: asked in a process of its own.

    Raises:
        CmError: the back end cannot be loaded.
    """
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", _DEVICES[name]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise CmError(f"back end {name} cannot be loaded: {last}")
    return done.stdout.split()


def system(env: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Recipe describe-mlperf-system: `state["mlperf_system"]` in the 35 fields."""
    from cm_mlperf.system.describe import describe

    device = str(env.get("CM_MLPERF_DEVICE") or "cpu")
    name = str(env.get("CM_MLPERF_BACKEND_NAME") or "")
    version = str(env.get("CM_MLPERF_BACKEND_VERSION") or "")
    known = {
        "division": env.get("CM_MLPERF_SUBMISSION_DIVISION") or "open",
        "submitter": env.get("CM_MLPERF_SUBMITTER"),
        "system_name": env.get("CM_HW_NAME"),
        "system_type": env.get("CM_MLPERF_SUBMISSION_SYSTEM_TYPE"),
        "framework": f"{name} {version}".strip(),
    }
    said = {key: value for key, value in known.items() if value}
    try:
        described = describe(said, device=device)
    except CmError as error:
        return {"return": error.code, "error": str(error)}
    state["mlperf_system"] = dict(described.fields)
    return {"return": 0}


def _missing(what: str, distribution: str, module: str) -> dict[str, Any]:
    import sys

    from cm_mlperf.libraries import LOADGEN_PYTHON

    hint = f"install it with: {sys.executable} -m pip install {distribution}"
    if module == "mlperf_loadgen" and sys.version_info[:2] > LOADGEN_PYTHON:
        newest = ".".join(map(str, LOADGEN_PYTHON))
        hint = f"{distribution} has no wheels for this Python: use Python 3.10 to {newest}"
    return {"return": 1, "error": f"{what} is not installed; {hint}"}
