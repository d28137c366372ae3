"""Which values are paths of the host, what they are for, and where a container sees them."""

from __future__ import annotations

import os

from cmcore.errors import CmError

#: Where paths go that the image has itself.
PREFIX = "/cm-mount"

#: First parts of paths that belong to the image.
_SYSTEM = frozenset(
    ("usr", "bin", "sbin", "etc", "opt", "proc", "sys", "dev", "var", "run", "boot", "root")
)
#: Below these, tools and libraries are the image's own, even when the host has them, too.
_TOOLS = frozenset(("usr", "bin", "sbin", "proc", "sys", "dev"))
_TOOL_FOLDERS = frozenset(("bin", "sbin", "include"))

_OUTPUTS = frozenset(
    ("output", "outputs", "out", "result", "results", "submission", "report", "repro", "logs")
)
_PLACES = frozenset(("dir", "path", "file", "folder", "dirname", "directory"))
_LONGEST = 4096


def _library(part: str) -> bool:
    """`lib`, `lib64`, `lib32`, `libx32`, `libexec`."""
    return part.startswith("lib") and (part[3:] in ("", "exec", "x32") or part[3:].isdigit())


def inside(path: str) -> str:
    """Where a container sees an absolute, normal path of the host: at the same place if it can.

    What lies under the system's own folders gets `PREFIX` in front, so that it hides nothing of
    the image. Different paths stay different, and what is below a path stays below it.
    """
    first = path.lstrip("/").partition("/")[0]
    moved = first in _SYSTEM or _library(first) or first == PREFIX[1:]
    return PREFIX + path if moved else path


def below(path: str, folder: str) -> bool:
    """Whether an absolute path is `folder` or something in it, by its text."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_path(value: object) -> bool:
    """Whether a value can be a path at all: a text of one line that is no address."""
    return (
        isinstance(value, str)
        and 0 < len(value) < _LONGEST
        and "://" not in value
        and not any(char < " " for char in value)
    )


def says_path(value: object) -> bool:
    """Whether a value says that it is a path: `/x`, `./x`, `../x`, `~/x`."""
    if not is_path(value):
        return False
    text = str(value)
    return text in (".", "..", "~") or text.startswith(("/", "./", "../", "~/"))


def absolute(value: str, cwd: str) -> str:
    """The path that a value means on the host."""
    return os.path.normpath(os.path.join(cwd, os.path.expanduser(value)))


def missing(path: str, flag: str) -> CmError:
    """The error of an input that is not there."""
    return CmError(
        f"there is no {path}, which --{flag} names",
        hint="inputs of a container are files and folders of this machine",
        code=16,
    )


def is_tool(path: str) -> bool:
    """Whether a path names programs or libraries, which a container has itself."""
    parts = path.strip("/").split("/")
    if parts[0] in ("proc", "sys", "dev"):
        return True
    if parts[0] not in _TOOLS and not _library(parts[0]):
        return False
    if any(part in _TOOL_FOLDERS or _library(part) for part in parts):
        return True
    return os.path.isfile(path) and os.access(path, os.X_OK)


def is_output(name: str, variable: str = "") -> bool:
    """Whether a flag, or the variable behind it, is named like something that is written."""
    return any(_names_output(one) for one in (name, variable) if one)


def _names_output(name: str) -> bool:
    words = name.rpartition(".")[2].lower().replace("-", "_").split("_")
    if words[0] in ("cm", "mlc") and len(words) > 1:
        words = words[1:]
    if words in (["output"], ["outdirname"], ["outdir"]):
        return True
    found = set(words)
    return bool(found & _OUTPUTS) and bool(found & _PLACES) and "input" not in found


def wants_file(name: str, variable: str, path: str) -> bool:
    """Whether an output that is not there yet is to be a file: by its ending, or by its name."""
    words = {*name.lower().split("_"), *variable.lower().split("_")}
    if words & {"dir", "folder", "dirname", "outdirname", "directory"}:
        return False
    return bool(os.path.splitext(path)[1]) or "file" in words
