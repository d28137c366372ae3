"""`cmind.utils` as recipe code knows it: the functions, with CM's names and answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from cm_script.dialects import CM
from cm_script.facade.cm_more import (
    assemble_cm_object1,
    assemble_cm_object2,
    convert_dictionary,
    dump_safe_json,
    filter_tags,
    find_api,
    find_file_in_current_directory_or_above,
    get_disk_use,
    get_list_from_cli,
    get_memory_use,
    get_set,
    list_all_files,
    match_objects,
    test_input,
    update_dict_if_empty,
    update_yaml,
)
from cm_script.facade.files import (
    Answer,
    check_and_create_dir,
    find_file_in_dir_and_above,
    gen_tmp_file,
    is_file_json_or_yaml,
    load_bin,
    load_json,
    load_json_or_yaml,
    load_yaml,
    load_yaml_and_json,
    read_text,
    safe_load_json,
    save_json,
    save_json_or_yaml,
    save_txt,
    save_yaml,
)
from cm_script.facade.files import match_text as _match
from cm_script.facade.text_actions import copy_to_clipboard
from cm_script.facade.values import (
    assemble_cm_object,
    convert_tags_to_list,
    decompose_cm_obj,
    digits,
    flatten_dict,
    gen_uid,
    get_current_date_time,
    get_value_from_dict_with_flat_key,
    is_cm_uid,
    parse_cm_object,
    path2,
    safe_float,
    safe_int,
    sub_input,
    substitute_template,
    tags_matched,
    update_dict_with_flat_key,
)
from cmcore.hints import Any

__all__ = [
    "assemble_cm_object",
    "assemble_cm_object1",
    "assemble_cm_object2",
    "check_and_create_dir",
    "check_if_none_false_no_off",
    "check_if_true_yes_on",
    "compare_versions",
    "convert_dictionary",
    "convert_env_to_dict",
    "convert_tags_to_list",
    "copy_to_clipboard",
    "debug_here",
    "decompose_cm_obj",
    "digits",
    "dump_safe_json",
    "filter_tags",
    "find_api",
    "find_file_in_current_directory_or_above",
    "find_file_in_dir_and_above",
    "flatten_dict",
    "gen_tmp_file",
    "gen_uid",
    "get_current_date_time",
    "get_disk_use",
    "get_list_from_cli",
    "get_memory_use",
    "get_set",
    "get_value_from_dict_with_flat_key",
    "is_cm_uid",
    "is_file_json_or_yaml",
    "list_all_files",
    "load_bin",
    "load_json",
    "load_json_or_yaml",
    "load_txt",
    "load_yaml",
    "load_yaml_and_json",
    "match_objects",
    "merge_dicts",
    "parse_cm_object",
    "path2",
    "rm_read_only",
    "safe_float",
    "safe_int",
    "safe_load_json",
    "save_json",
    "save_json_or_yaml",
    "save_txt",
    "save_yaml",
    "sub_input",
    "substitute_template",
    "tags_matched",
    "test_input",
    "update_dict_if_empty",
    "update_dict_with_flat_key",
    "update_yaml",
]


def load_txt(
    file_name: str,
    encoding: str = "utf8",
    remove_after_read: bool = False,
    check_if_exists: bool = False,
    split: bool = False,
    match_text: str = "",
    fail_if_no_match: str = "",
    debug: bool = False,
) -> Answer:
    """`string`, with `split` also `list`, with `match_text` also `match`; 16: no such file."""
    answer = read_text(file_name, encoding)
    if answer["return"]:
        return answer
    if remove_after_read:
        os.remove(file_name)
    if split:
        answer["list"] = answer["string"].split("\n")
    return _match(answer, match_text, fail_if_no_match) if match_text else answer


def merge_dicts(i: Mapping[str, Any]) -> Answer:
    """Merge `dict2` into `dict1` in place (`append_lists`, `append_unique`, `ignore_keys`)."""
    _merge(
        i["dict1"],
        i["dict2"],
        append=bool(i.get("append_lists")),
        unique=bool(i.get("append_unique")),
        ignored=i.get("ignore_keys") or (),
    )
    return {"return": 0, "dict1": i["dict1"]}


def _merge(
    into: dict[str, Any],
    other: Mapping[str, Any],
    *,
    append: bool,
    unique: bool,
    ignored: Iterable[str] = (),
) -> None:
    for key, value in other.items():
        if key in ignored:
            continue
        old = into.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            # CM does not look for repetitions further down; recipes see the lists that result.
            _merge(old, value, append=append, unique=False)
        elif isinstance(value, list):
            kept: list[Any] = old if append and isinstance(old, list) else []
            for item in list(value):
                if not (unique and item in kept):
                    kept.append(item)
            into[key] = kept
        else:
            into[key] = value


def compare_versions(version1: object, version2: object) -> int:
    """-1, 0 or 1 as the first version is older than, equal to or newer than the second."""
    from cm_script.versions import compare

    return compare(version1, version2, CM)


def convert_env_to_dict(s: str) -> Answer:
    """`dict`: variables from lines `NAME=value`."""
    from cm_script.outputs import parse_env

    return {"return": 0, "dict": parse_env(s, CM)}


def check_if_true_yes_on(env: Mapping[str, Any], key: str) -> bool:
    """Whether a variable is true, yes or on."""
    return str(env.get(key, "")).lower() in ("true", "yes", "on")


def check_if_none_false_no_off(env: Mapping[str, Any], key: str) -> bool:
    """Whether a variable is none, false, no or off."""
    return str(env.get(key, "")).lower() in ("none", "false", "no", "off")


def rm_read_only(function: Callable[[str], object], path: str, error: object) -> None:
    """For `shutil.rmtree(onerror=...)`: make a read-only entry writable and try again."""
    os.chmod(path, 0o777)
    function(path)


def debug_here(
    module_path: str,
    host: str = "localhost",
    port: int = 5678,
    text: str = "",
    env: Mapping[str, Any] | None = None,
    env_debug_uid: str = "",
) -> Any:
    """Wait for a debugger when `--debug_uid` names this place; something with `.breakpoint()`."""
    wanted = str((env or os.environ).get(CM.key("TMP_DEBUG_UID")) or "").strip().lower()
    if env_debug_uid and wanted != env_debug_uid.lower():
        return _NoDebugger()
    import importlib

    debugpy = importlib.import_module("debugpy")
    debugpy.listen((host, port))
    print(f"{text or module_path}: waiting for a debugger at {host}:{port}", flush=True)  # noqa: T201 - a debugging aid talks to the person at the terminal
    debugpy.wait_for_client()
    return debugpy


class _NoDebugger:
    def breakpoint(self) -> None:
        """Nothing is to be debugged here."""
