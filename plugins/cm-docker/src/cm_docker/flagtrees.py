"""Flags as nested dictionaries: from input files, joined, and parted into open and secret ones."""

from __future__ import annotations

from cm_docker import environment
from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cmcore.types import Request

#: Flags of an input file; what is in the file has become flags by then.
_FILES = ("input_file", "mlc_input_file")


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of a request with those of its input files; what was typed wins, key by key.

    Raises:
        StorageError: a file cannot be read; names file and line.
    """
    from cmcore.grammar import read_input_file

    found: dict[str, Any] = {}
    for name in _FILES:
        path = flags.get(name)
        if isinstance(path, str) and path:
            merge(found, read_input_file(path))
            for key in ("action", "automation", "out", *_FILES):
                found.pop(key, None)
    merge(found, {k: v for k, v in flags.items() if k not in _FILES or v in (True, "")})
    return found


def with_words(request: Request, flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags with those among the words (`key=value`), to look up the values of secret ones."""
    from cmcore import grammar

    found: dict[str, Any] = {}
    for word in request.artifacts[1:]:
        if "=" in word and word.partition("=")[0].replace(".", "_").isidentifier():
            merge(found, grammar.parse(["run", "script", f"--{word}"]).request.flags)
    merge(found, flags)
    return found


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add flags to others, nested ones key by key; later ones win."""
    for key, value in more.items():
        there = into.get(key)
        if isinstance(there, dict) and isinstance(value, Mapping):
            merge(there, value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def parted(flags: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Flags that anybody may see, and the others, both nested as they were."""
    kept: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for name, value in flags.items():
        if isinstance(value, Mapping):
            kept[name], inner = parted(value)
            if inner:
                secret[name] = inner
        elif value and value is not True and environment.is_secret(name, value):
            secret[name] = value
        else:
            kept[name] = value
    return kept, secret
