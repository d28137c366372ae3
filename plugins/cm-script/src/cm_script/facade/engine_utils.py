"""The bare module `utils` that recipes of the MLCFlow dialect import from."""

from __future__ import annotations

from collections.abc import Mapping

from cm_script.dialects import MLC
from cm_script.facade import mlc_utils
from cm_script.facade.archive import unzip_file
from cm_script.facade.download import download_file
from cm_script.facade.system import system
from cm_script.facade.values import is_false, is_true
from cmcore.hints import Any

__all__ = [
    *(name for name in mlc_utils.__all__ if name != "compare_versions"),
    "compare_versions",
    "download_file",
    "get_host_os_info",
    "is_false",
    "is_true",
    "prune_input",
    "quote_if_needed",
    "system",
    "unzip_file",
]


def compare_versions(i: Mapping[str, Any]) -> dict[str, Any]:
    """`comparison`: -1, 0 or 1 as `version1` is older than, equal to or newer than `version2`.

    With `version_minor_skip_okay` only as many parts count as `version2` has.
    """
    from cm_script.versions import compare, text

    first, second = text(i["version1"]), text(i["version2"])
    if i.get("version_minor_skip_okay"):
        first = ".".join(first.split(".")[: second.count(".") + 1])
    return {"return": 0, "comparison": compare(first, second, MLC)}


def get_host_os_info(i: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`info`: see `osinfo.os_info`."""
    from cm_script.osinfo import os_info

    return {"return": 0, "info": os_info(MLC)}


def prune_input(i: Mapping[str, Any]) -> dict[str, Any]:
    """`new_input`: a request without the keys that only describe the call itself."""
    from cm_script.facade.utils_actions import prune_input as prune

    return prune(i)


def quote_if_needed(val: object, quote: str) -> str:
    """The value in double quotes when it holds blanks or quotes, or when `quote` asks for it."""
    text = str(val)
    if " " in text or '"' in text or quote == '"':
        return '"' + text.replace('"', '\\"') + '"'
    return text
