"""Operating system and the software that takes part in a measurement."""

from __future__ import annotations

import os

from cm_mlperf.system import files

#: Distributions worth naming beside the framework.
_STACK = ("mlcommons-loadgen", "numpy", "onnxruntime", "onnxruntime-gpu", "torch", "onnx")


def collect(root: str = "/") -> dict[str, str]:
    """Operating system, software stack, and what the machine is when it is a virtual one."""
    import platform

    told = {"operating_system": _system(root), "other_software_stack": stack()}
    board = (files.text(root, "sys/class/dmi/id", name) for name in ("sys_vendor", "product_name"))
    words = " ".join(word for word in board if word)
    flags = files.text(root, "proc/cpuinfo").partition("\nflags")[2].partition("\n")[0].split()
    notes = [word for word in (words, "virtual machine" if "hypervisor" in flags else "") if word]
    told["hw_notes"] = ", ".join([platform.machine(), *notes])
    return told


def _system(root: str) -> str:
    import platform

    name = ""
    for place in ("etc/os-release", "usr/lib/os-release"):
        for line in files.text(root, place).splitlines():
            if line.startswith("PRETTY_NAME=") and not name:
                name = line.partition("=")[2].strip().strip("\"'")
    kernel = f"{platform.system()} {os.uname().release}" if hasattr(os, "uname") else ""
    return ", ".join(word for word in (name, kernel) if word) or platform.platform()


def stack() -> str:
    """Python and the libraries of a measurement, with their versions."""
    import platform
    from importlib import metadata

    words = [f"Python {platform.python_version()}"]
    for name in _STACK:
        try:
            words.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(words)
