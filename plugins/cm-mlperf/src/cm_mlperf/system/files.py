"""Reading the small text files of /proc and /sys, which may be absent, empty or forbidden."""

from __future__ import annotations

import os


def text(*path: str) -> str:
    """The content without surrounding blanks and NUL bytes, "" when it cannot be read."""
    try:
        with open(os.path.join(*path), "rb") as file:
            content = file.read(1 << 20)
    except OSError:
        return ""
    return content.decode("utf-8", "replace").strip(" \t\r\n\0")


def number(*path: str) -> int | None:
    """The whole number in a file, None when there is none."""
    found = text(*path)
    try:
        return int(found)
    except ValueError:
        return None


def names(*path: str) -> list[str]:
    """What stands in a folder, sorted with numbers in order; empty when it cannot be read."""
    try:
        found = os.listdir(os.path.join(*path))
    except OSError:
        return []
    return sorted(found, key=lambda name: (len(name), name))


def size_text(count: float) -> str:
    """Bytes for people, in powers of 1024: `31.4 GiB`, `512 KiB`."""
    unit = "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if count < 1024:
            break
        count, unit = count / 1024, bigger
    return f"{count:.0f} {unit}" if count >= 100 or count == int(count) else f"{count:.1f} {unit}"
