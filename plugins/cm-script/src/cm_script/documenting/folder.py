"""Facts about the files of a recipe's folder: hooks, native scripts, further reading."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from cm_script.lint.universe import blocks
from cmcore.artifacts import meta_files
from cmcore.hints import Any

_HOOK = re.compile(r"^def (predeps|preprocess|postprocess|detect_version)\(", re.MULTILINE)
_WHEN = {
    "predeps": "before the dependencies",
    "preprocess": "before the native step",
    "detect_version": "when a version is looked for",
    "postprocess": "after the native step",
}

#: What the suffix of a native script may begin with: flavours, platforms and types of systems.
_SYSTEMS = (
    *("aarch64", "alpine", "amzn", "arch", "arm64", "centos", "darwin", "debian", "fedora"),
    *("linux", "macos", "rhel", "sles", "ubuntu", "windows", "x86_64"),
)


def folder(path: str, meta: Mapping[str, Any]) -> dict[str, Any]:
    """What runs, and what else can be read.

    Returns:
        `meta_file`: its name; `hooks`: functions of `customize.py`; `scripts`: native scripts with
        the system that each is for; `more`: other Markdown files, by name.
    """
    names = _names(path)
    bases = {"run", *_script_names(meta)}
    return {
        "meta_file": next(iter(meta_files(set(names))[1]), ""),
        "hooks": _hooks(path) if "customize.py" in names else [],
        "scripts": [
            {"file": name, "system": system} for name in names if (system := _system(name, bases))
        ],
        "more": [n for n in names if n.lower().endswith(".md") and _worth_reading(n)],
    }


def hook_time(name: str) -> str:
    """When the engine calls a hook, in words."""
    return _WHEN[name]


def listing(path: str) -> list[str]:
    """Names in a folder, those of folders with a separator behind them."""
    try:
        with os.scandir(path) as found:
            return sorted(entry.name + os.sep * entry.is_dir() for entry in found)
    except OSError:
        return []


def _names(path: str) -> list[str]:
    return [name for name in listing(path) if not name.endswith(os.sep)]


def _hooks(path: str) -> list[str]:
    try:
        with open(os.path.join(path, "customize.py"), encoding="utf-8", errors="replace") as file:
            found = set(_HOOK.findall(file.read()))
    except OSError:
        return []
    return [name for name in _WHEN if name in found]


def _script_names(meta: Mapping[str, Any]) -> set[str]:
    return {
        str(block["script_name"])
        for _, block in blocks(meta)
        if isinstance(block.get("script_name"), str)
    }


def _system(name: str, bases: set[str]) -> str:
    """What a native script is for; "" for files that are none."""
    stem, ending = os.path.splitext(name)
    if ending not in (".sh", ".bat"):
        return ""
    base = next((b for b in sorted(bases, key=len, reverse=True) if _is_of(stem, b)), "")
    if not base:
        return "used by the recipe's code"
    if ending == ".bat":
        return "Windows"
    parts = stem[len(base) + 1 :].split("-")
    if parts == [""]:
        return "Linux and macOS"
    known = parts[0] in _SYSTEMS
    return " ".join(parts) if known else "used by the recipe's code"


def _is_of(stem: str, base: str) -> bool:
    return stem == base or stem.startswith(base + "-")


def _worth_reading(name: str) -> bool:
    return name.upper().split(".")[0] not in ("README", "COPYRIGHT", "LICENSE", "CONTRIBUTING")
