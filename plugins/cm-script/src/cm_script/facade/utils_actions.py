"""The actions of CM's `utils` automation, which recipes call through `access`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cm_script.facade import configurations, text_actions
from cm_script.facade.archive import unzip_file
from cm_script.facade.download import download_file
from cm_script.facade.system import system
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike

Answer = dict[str, Any]

#: Keys of a request that only describe the call.
_CALL_KEYS = (
    "automation",
    "cmd",
    "out",
    "parsed_automation",
    "parsed_artifact",
    "self_module",
)


def call(action: str, i: Mapping[str, Any], engine: EngineLike) -> Answer:
    """The answer of one action; 4 when `utils` has no such action."""
    try:
        if action == "load_cfg":
            return configurations.load_cfg(i, engine)
        if action == "select_cfg":
            return configurations.select_cfg(i, engine)
        function = _ACTIONS.get(action)
        if function is None:
            return {"return": 4, "error": f"utils has no action '{action}'"}
        return function(i)
    except KeyError as error:
        return {"return": 1, "error": f"utils {action} needs {error}"}


def get_host_os_info(i: Mapping[str, Any]) -> Answer:
    """`info`: see `osinfo.os_info`."""
    from cm_script.dialects import CM
    from cm_script.osinfo import os_info

    return {"return": 0, "info": os_info(CM)}


def compare_versions(i: Mapping[str, Any]) -> Answer:
    """`comparison`: -1, 0 or 1 as `version1` is older than, equal to or newer than `version2`."""
    from cm_script.facade.cm_utils import compare_versions as compare

    return {"return": 0, "comparison": compare(i["version1"], i["version2"])}


def prune_input(i: Mapping[str, Any]) -> Answer:
    """`new_input`: the request `input` without what describes the call.

    Keys that begin with one of `extra_keys_starts_with` go, too.
    """
    import copy

    unwanted = tuple(i.get("extra_keys_starts_with") or ())
    kept = {
        key: copy.deepcopy(value)
        for key, value in i["input"].items()
        if key not in _CALL_KEYS and not (unwanted and key.startswith(unwanted))
    }
    return {"return": 0, "new_input": kept}


def detect_tags_in_artifact(i: Mapping[str, Any]) -> Answer:
    """Turn a name with blanks in the request `input` into `tags`, in place."""
    request = i["input"]
    artifact = request.get("artifact", "")
    if artifact == "." or " " in artifact:
        del request["artifact"]
    if " " in artifact:
        request.pop("parsed_artifact", None)
        request["tags"] = artifact.replace(" ", ",")
    return {"return": 0}


def uid(i: Mapping[str, Any]) -> Answer:
    """`uid`: 16 random hexadecimal characters; with `out` = `con` also printed."""
    from cm_script.facade.values import gen_uid

    answer = gen_uid()
    if i.get("out") == "con":
        print(answer["uid"])  # noqa: T201 - asked for
    return answer


def test(i: Mapping[str, Any]) -> Answer:
    """Print the request."""
    import json

    print(json.dumps(dict(i), indent=2, default=str))  # noqa: T201 - that is its job
    return {"return": 0}


_ACTIONS: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
    "compare_versions": compare_versions,
    "copy_to_clipboard": text_actions.copy_to_clipboard,
    "create_toc_from_md": text_actions.create_toc_from_md,
    "detect_tags_in_artifact": detect_tags_in_artifact,
    "dos2unix": text_actions.dos2unix,
    "download_file": download_file,
    "generate_secret": text_actions.generate_secret,
    "get_host_os_info": get_host_os_info,
    "json2yaml": text_actions.json2yaml,
    "list_files_recursively": text_actions.list_files_recursively,
    "print_json": text_actions.print_json,
    "print_yaml": text_actions.print_yaml,
    "prune_input": prune_input,
    "replace_string_in_file": text_actions.replace_string_in_file,
    "sort_json": text_actions.sort_json,
    "system": system,
    "test": test,
    "uid": uid,
    "unzip_file": unzip_file,
    "yaml2json": text_actions.yaml2json,
}
