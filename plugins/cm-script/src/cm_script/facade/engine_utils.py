"""The bare module `utils` that recipes of the MLCFlow dialect import from."""

from __future__ import annotations

from collections.abc import Mapping

from cm_script.dialects import MLC
from cm_script.facade import mlc_utils
from cm_script.facade.archive import unzip_file
from cm_script.facade.download import download_file
from cm_script.facade.mlc_more import has_function_in_file, parse_expiration
from cm_script.facade.system import system
from cm_script.facade.text_actions import (
    copy_to_clipboard,
    create_toc_from_md,
    dos2unix,
    generate_secret,
    json2yaml,
    list_files_recursively,
    print_json,
    print_yaml,
    replace_string_in_file,
    sort_json,
    yaml2json,
)
from cm_script.facade.utils_actions import detect_tags_in_artifact, prune_input, uid
from cm_script.facade.values import is_false, is_true
from cmcore.hints import Any

__all__ = [
    *(name for name in mlc_utils.__all__ if name != "compare_versions"),
    "compare_versions",
    "copy_to_clipboard",
    "create_toc_from_md",
    "detect_tags_in_artifact",
    "dos2unix",
    "download_file",
    "generate_secret",
    "get_host_os_info",
    "has_function_in_file",
    "is_false",
    "is_true",
    "json2yaml",
    "list_files_recursively",
    "parse_expiration",
    "print_json",
    "print_yaml",
    "prune_input",
    "quote_if_needed",
    "replace_string_in_file",
    "sort_json",
    "system",
    "uid",
    "unzip_file",
    "yaml2json",
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


def quote_if_needed(val: object, quote: str) -> str:
    """The value in double quotes when it holds blanks or quotes, or when `quote` asks for it."""
    text = str(val)
    if " " in text or '"' in text or quote == '"':
        return '"' + text.replace('"', '\\"') + '"'
    return text


def __getattr__(name: str) -> Any:
    """The names of `mlc.utils`, which MLCFlow's module passes on."""
    if name in mlc_utils.__all__:
        return getattr(mlc_utils, name)
    raise AttributeError(f"module 'utils' has no attribute '{name}'")
