"""Libraries that do the work: imported when they are needed, missed in one sentence."""

from __future__ import annotations

from cmcore.hints import Any

#: Import name -> what to install when it is not the same word.
INSTALL = {
    "PIL": "cm-plugin-mlperf[images]",
    "mlperf_loadgen": "mlcommons-loadgen",
    "pycocotools": "cm-plugin-mlperf[detection]",
    "sklearn": "scikit-learn",
    "torch": "cm-plugin-mlperf[pytorch]",
    "zmq": "cm-plugin-mlperf[network]",
}
#: The newest Python that mlcommons-loadgen has wheels for.
LOADGEN_PYTHON = (3, 13)


def load(module: str, distribution: str = "") -> Any:
    """Import `module`.

    Args:
        distribution: what pip installs; default: `INSTALL`, or the module's own name.

    Raises:
        CmError: it is not installed or cannot be loaded; says what to install.
    """
    import importlib

    from cmcore.errors import CmError

    wanted = distribution or INSTALL.get(module.partition(".")[0], module)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] != module.partition(".")[0]:
            raise CmError(
                f"{module} cannot be loaded: it needs {error.name}, which is not installed"
            ) from None
        raise CmError(
            f"{module} is not installed", hint=_how_to_install(module, wanted), code=2
        ) from None
    except ImportError as error:
        first = (str(error).splitlines() or ["unknown cause"])[0]
        raise CmError(f"{module} cannot be loaded: {first}", code=2) from None


def version(distribution: str) -> str:
    """Version of an installed distribution, "" when it is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(distribution)
    except PackageNotFoundError:
        return ""


def _how_to_install(module: str, wanted: str) -> str:
    import sys

    if module == "mlperf_loadgen" and sys.version_info[:2] > LOADGEN_PYTHON:
        newest = ".".join(map(str, LOADGEN_PYTHON))
        return (
            f"{wanted} has no wheels for Python {sys.version_info[0]}.{sys.version_info[1]}: "
            f"use Python 3.10 to {newest}"
        )
    return f"install it with: {sys.executable} -m pip install '{wanted}'"
