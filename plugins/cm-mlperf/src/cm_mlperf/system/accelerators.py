"""NVIDIA GPUs as `nvidia-smi` lists them, when it is there."""

from __future__ import annotations

from cm_mlperf.system.files import size_text
from cmcore.hints import Mapping

_QUERY = "name,memory.total,clocks.max.sm,pcie.link.gen.max,pcie.link.width.max"


def collect(environ: Mapping[str, str]) -> dict[str, str]:
    """Fields about the GPUs, none when there is no `nvidia-smi` or it fails."""
    import shutil
    import subprocess

    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if not program:
        return {}
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return read(done.stdout) if done.returncode == 0 else {}


def read(listing: str) -> dict[str, str]:
    """Fields from the comma separated lines of nvidia-smi, one for each GPU.

    What it cannot tell (`[N/A]`) is left out, as is everything when GPUs differ in a column.
    """
    rows = [[cell.strip() for cell in line.split(",")] for line in listing.splitlines() if line]
    rows = [row for row in rows if len(row) == len(_QUERY.split(","))]
    if not rows:
        return {}
    columns = [list(dict.fromkeys(column)) for column in zip(*rows, strict=True)]
    told = {
        "accelerators_per_node": str(len(rows)),
        "accelerator_model_name": " + ".join(columns[0]),
    }
    memory, clock, generation, width = (
        int(values[0]) if len(values) == 1 and values[0].isdigit() else 0 for values in columns[1:]
    )
    if memory:
        told["accelerator_memory_capacity"] = size_text(memory << 20)
    if clock:
        told["accelerator_frequency"] = f"{clock} MHz max"
    if generation:
        told["accelerator_host_interconnect"] = f"PCIe Gen{generation}" + (
            f" x{width}" if width else ""
        )
    if len(rows) == 1:
        told["accelerator_interconnect"] = "N/A"
        told["accelerator_interconnect_topology"] = "N/A"
    return told
