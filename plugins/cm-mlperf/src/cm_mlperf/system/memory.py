"""Main memory: size from /proc/meminfo; modules where the kernel lets everybody read them."""

from __future__ import annotations

from cm_mlperf.system import files

#: SMBIOS type 17, offset 0x12.
_KINDS = {
    0x12: "DDR",
    0x13: "DDR2",
    0x18: "DDR3",
    0x1A: "DDR4",
    0x1B: "LPDDR",
    0x1C: "LPDDR2",
    0x1D: "LPDDR3",
    0x1E: "LPDDR4",
    0x20: "HBM",
    0x21: "HBM2",
    0x22: "DDR5",
    0x23: "LPDDR5",
    0x24: "HBM3",
}


def collect(root: str = "/") -> dict[str, str]:
    """Capacity and, if readable, modules; keys that nothing tells are absent."""
    told: dict[str, str] = {}
    for line in files.text(root, "proc/meminfo").splitlines():
        words = line.split()
        if words[:1] == ["MemTotal:"] and len(words) > 1 and words[1].isdigit():
            told["host_memory_capacity"] = files.size_text(int(words[1]) * 1024)
    modules = _from_tables(root) or _from_edac(root)
    if modules:
        told["host_memory_configuration"] = _grouped(modules)
    return told


def _grouped(modules: list[str]) -> str:
    kinds = dict.fromkeys(modules)
    return ", ".join(f"{modules.count(kind)}x {kind}" for kind in kinds)


def _from_tables(root: str) -> list[str]:
    """From the firmware's tables, which most systems show to root only."""
    try:
        with open(f"{root.rstrip('/')}/sys/firmware/dmi/tables/DMI", "rb") as file:
            return modules(file.read())
    except OSError:
        return []


def modules(table: bytes) -> list[str]:
    """Memory modules in an SMBIOS table: `32 GiB DDR5-4800` for each that is there.

    A table that ends early, or a structure shorter than its own fields, ends the reading.
    """
    found, at = [], 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        if length < 4 or at + length > len(table):
            break
        if kind == 17 and length >= 0x15:
            text = _module(table[at : at + length])
            if text:
                found.append(text)
        end = table.find(b"\0\0", at + length)
        if end < 0 or kind == 127:
            break
        at = end + 2
    return found


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little") if at + 2 <= len(data) else 0


def _module(data: bytes) -> str:
    size = _word(data, 0x0C)
    if size in (0, 0xFFFF):
        return ""
    if size == 0x7FFF:
        count = int.from_bytes(data[0x1C:0x20], "little") << 20
    else:
        count = (size & 0x7FFF) << (10 if size & 0x8000 else 20)
    kind = _KINDS.get(data[0x12], "memory")
    speed = _word(data, 0x20) or _word(data, 0x15)
    return f"{files.size_text(count)} {kind}" + (f"-{speed}" if 0 < speed < 0xFFFF else "")


def _from_edac(root: str) -> list[str]:
    """From the memory controllers' error counters, which everybody may read."""
    found = []
    base = "sys/devices/system/edac/mc"
    for controller in files.names(root, base):
        for slot in files.names(root, base, controller):
            size = files.number(root, base, controller, slot, "size")
            if slot.startswith("dimm") and size:
                kind = files.text(root, base, controller, slot, "dimm_mem_type")
                found.append(f"{files.size_text(size << 20)} {kind}".strip())
    return found
