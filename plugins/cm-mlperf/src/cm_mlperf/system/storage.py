"""Disks from /sys/block; where it shows none (containers), the file system's size."""

from __future__ import annotations

import os

from cm_mlperf.system import files

#: Block devices that are no disks of their own.
_NOT_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock")


def collect(root: str = "/") -> dict[str, str]:
    """Kind and size of the disks; keys that nothing tells are absent."""
    sizes: dict[str, list[int]] = {}
    for name in files.names(root, "sys/block"):
        sectors = files.number(root, "sys/block", name, "size") or 0
        removable = files.text(root, "sys/block", name, "removable") == "1"
        # Virtual parts of a multi-path NVMe device (`nvme0c0n1`) are shown a second time.
        if name.startswith(_NOT_DISKS) or not sectors or removable or _is_path(name):
            continue
        sizes.setdefault(_kind(root, name), []).append(sectors * 512)
    if sizes:
        return {
            "host_storage_type": ", ".join(sizes),
            "host_storage_capacity": ", ".join(_sizes(each) for each in sizes.values()),
        }
    try:
        whole = os.statvfs(root)
    except OSError:
        return {}
    size = whole.f_blocks * whole.f_frsize
    if not size:
        return {}
    return {"host_storage_type": "file system", "host_storage_capacity": files.size_text(size)}


def _is_path(name: str) -> bool:
    return name.startswith("nvme") and "c" in name[4:].split("n")[0]


def _kind(root: str, name: str) -> str:
    if name.startswith("nvme"):
        return "NVMe SSD"
    if name.startswith("mmcblk"):
        return "eMMC or SD card"
    if name.startswith(("vd", "xvd")):
        return "virtual disk"
    rotates = files.text(root, "sys/block", name, "queue/rotational")
    return {"0": "SSD", "1": "hard disk"}.get(rotates, "disk")


def _sizes(sizes: list[int]) -> str:
    texts = [files.size_text(size) for size in sizes]
    return ", ".join(
        f"{texts.count(text)}x {text}" if texts.count(text) > 1 else text
        for text in dict.fromkeys(texts)
    )
