"""The actions of CM's `utils` automation, which recipes call through `access`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

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


def call(action: str, i: Mapping[str, Any], engine: EngineLike) -> Answer | None:
    """The answer of one action; None when `utils` has no such action here."""
    if action == "load_cfg":
        return load_cfg(i, engine)
    function = _ACTIONS.get(action)
    if function is None:
        return None
    try:
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


def list_files_recursively(i: Mapping[str, Any]) -> Answer:
    """`files`: every file below the current folder, as relative paths."""
    found = []
    for folder, _, names in os.walk(os.curdir):
        found += [os.path.normpath(os.path.join(folder, name)) for name in sorted(names)]
    return {"return": 0, "files": found}


def uid(i: Mapping[str, Any]) -> Answer:
    """`uid`: 16 random hexadecimal characters."""
    from cm_script.facade.values import gen_uid

    return gen_uid()


def load_cfg(i: Mapping[str, Any], engine: EngineLike) -> Answer:
    """`lst` and `selection`: the configurations in artifacts of automation `cfg`.

    `tags` or `artifact` choose the artifacts. Their JSON and YAML files whose names begin with
    `key` and end with one of `key_end` are read, or with `skip_files` the artifacts' own metas.
    `prune` keeps those with the given `uid`, in `list`, or with `key` equal to `key_uid`.
    """
    from cm_script.facade.files import load_json_or_yaml

    asked = {k: i[k] for k in ("artifact", "tags") if i.get(k)}
    found = engine.access({"action": "search", "automation": "cfg", **asked})
    if found["return"]:
        return found
    prune = i.get("prune") or {}
    selection = []
    for artifact in found["list"]:
        if i.get("skip_files"):
            meta = {**artifact.meta, "full_path": artifact.path}
            if _listed(meta, prune.get("key"), prune.get("key_uid")):
                selection.append(meta)
            continue
        if not _listed(artifact.meta, prune.get("meta_key"), prune.get("meta_key_uid")):
            continue
        for name in sorted(os.listdir(artifact.path)):
            if not _is_wanted_file(name, i):
                continue
            path = os.path.join(artifact.path, name)
            answer = load_json_or_yaml(path)
            if answer["return"]:
                engine.console.warn(answer["error"])
                continue
            meta = {**(answer["meta"] or {}), "full_path": path}
            meta.setdefault("main_meta", artifact.meta)
            if _fits(meta, prune):
                selection.append(meta)
    return {"return": 0, "lst": found["list"], "selection": selection}


def _listed(meta: Mapping[str, Any], key: str | None, wanted: str | None) -> bool:
    return not (key and wanted) or wanted in (meta.get(key) or [])


def _is_wanted_file(name: str, i: Mapping[str, Any]) -> bool:
    ends = tuple(i.get("key_end") or ())
    return (
        name.endswith((".json", ".yaml"))
        and not name.startswith("_")
        and name.startswith(str(i.get("key") or ""))
        and (not ends or name.endswith(ends))
    )


def _fits(meta: Mapping[str, Any], prune: Mapping[str, Any]) -> bool:
    uid = meta.get("uid", "")
    if prune.get("uid") and uid != prune["uid"]:
        return False
    if prune.get("list") and uid not in prune["list"]:
        return False
    key, wanted = prune.get("key"), prune.get("key_uid")
    return not (key and wanted) or meta.get(key) == wanted


_ACTIONS: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
    "compare_versions": compare_versions,
    "detect_tags_in_artifact": detect_tags_in_artifact,
    "download_file": download_file,
    "get_host_os_info": get_host_os_info,
    "list_files_recursively": list_files_recursively,
    "prune_input": prune_input,
    "system": system,
    "uid": uid,
    "unzip_file": unzip_file,
}
