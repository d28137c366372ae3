"""Processors: model, sockets, cores, caches, clock rate."""

from __future__ import annotations

from cm_mlperf.system import files
from cmcore.hints import Any


def collect(root: str = "/") -> dict[str, str]:
    """What /proc/cpuinfo and /sys/devices/system/cpu tell; keys that they do not tell are absent.

    Args:
        root: folder that holds `proc` and `sys`.
    """
    blocks = _cpuinfo(files.text(root, "proc/cpuinfo"))
    told: dict[str, str] = {}
    model = _model(blocks, root)
    if model:
        told["host_processor_model_name"] = model
    sockets, cores = _topology(blocks, root)
    if sockets:
        told["host_processors_per_node"] = str(sockets)
        told["host_processor_core_count"] = str(max(1, cores // sockets))
        if sockets == 1:
            told["host_processor_interconnect"] = "N/A"
    khz = files.number(root, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    if khz:
        told["host_processor_frequency"] = f"{khz // 1000} MHz max"
    caches = _caches(root)
    if caches:
        told["host_processor_caches"] = caches
    return told


def _cpuinfo(text: str) -> list[dict[str, str]]:
    blocks: list[dict[str, str]] = [{}]
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            blocks[-1][key.strip()] = value.strip()
        elif not line.strip():
            blocks.append({})
    return [block for block in blocks if block]


def _model(blocks: list[dict[str, str]], root: str) -> str:
    for key in ("model name", "Model", "cpu model", "cpu"):
        for block in blocks:
            if block.get(key):
                return " ".join(block[key].split())
    for block in blocks:
        if "CPU part" in block:
            machine = files.text(root, "sys/firmware/devicetree/base/model")
            ids = f"implementer {block.get('CPU implementer', '?')} part {block['CPU part']}"
            return f"{machine}, processor {ids}" if machine else f"ARM processor {ids}"
    return ""


def _topology(blocks: list[dict[str, str]], root: str) -> tuple[int, int]:
    """Sockets and cores of the machine; (0, 0) when nothing tells them."""
    seen: set[tuple[Any, Any]] = set()
    base = "sys/devices/system/cpu"
    for cpu in files.names(root, base):
        if cpu.startswith("cpu") and cpu[3:].isdigit():
            package = files.number(root, base, cpu, "topology/physical_package_id")
            core = files.text(root, base, cpu, "topology/core_id")
            if package is not None and core:
                # -1 is what machines without the notion of a socket say.
                seen.add((max(package, 0), core))
    if not seen:
        for place, block in enumerate(blocks):
            if "processor" in block:
                seen.add((block.get("physical id", "0"), block.get("core id", str(place))))
    return len({package for package, _ in seen}), len(seen)


def _caches(root: str) -> str:
    """`L1d 64 KiB, L3 32 MiB`: every kind with its size in all, and how many there are."""
    sizes: dict[str, dict[str, int]] = {}
    base = "sys/devices/system/cpu"
    for cpu in files.names(root, base):
        if not (cpu.startswith("cpu") and cpu[3:].isdigit()):
            continue
        for index in files.names(root, base, cpu, "cache"):
            where = (root, base, cpu, "cache", index)
            level, size = files.text(*where, "level"), _bytes(files.text(*where, "size"))
            if level and size:
                kind = {"Data": "d", "Instruction": "i"}.get(files.text(*where, "type"), "")
                shared = files.text(*where, "shared_cpu_list") or cpu
                sizes.setdefault(f"L{level}{kind}", {})[shared] = size
    return ", ".join(
        f"{name} {len(each)}x {files.size_text(max(each.values()))}"
        for name, each in sorted(sizes.items())
    )


def _bytes(size: str) -> int:
    """`512K` as bytes, 0 when it is no size."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(size[-1:], 1)
    digits = size.rstrip("KMG")
    return int(digits) * factor if digits.isdigit() else 0
