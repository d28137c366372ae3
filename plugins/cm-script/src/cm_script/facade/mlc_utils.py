"""`mlc.utils` as recipe code knows it: the functions, with MLCFlow's names and answers."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cm_script.dialects import MLC
from cm_script.facade import files
from cm_script.facade.files import Answer
from cm_script.facade.mlc_more import (
    convert_args_to_dictionary,
    extract_file,
    modify_git_url,
    print_formatted_json,
    print_formatted_yaml,
    printd,
)
from cm_script.facade.values import is_cm_uid
from cmcore.hints import Any

# MLCFlow has no such function, but a published recipe calls it.
from cm_script.facade.cm_utils import check_if_true_yes_on  # isort: skip

__all__ = [
    "assemble_object",
    "check_if_true_yes_on",
    "compare_versions",
    "convert_args_to_dictionary",
    "convert_env_to_dict",
    "convert_tags_to_list",
    "extract_file",
    "generate_temp_file",
    "get_new_uid",
    "get_repo_version",
    "is_uid",
    "is_valid_url",
    "load_json",
    "load_txt",
    "merge_dicts",
    "modify_git_url",
    "print_env",
    "print_formatted_json",
    "print_formatted_yaml",
    "printd",
    "read_json",
    "read_yaml",
    "run_system_cmd",
    "save_json",
    "save_txt",
    "save_yaml",
    "sub_input",
]


def load_txt(
    file_name: str,
    check_if_exists: bool = False,
    split: bool = False,
    match_text: str | None = None,
    fail_if_no_match: str | None = None,
    remove_after_read: bool = False,
) -> Answer:
    """`string`, with `split` also `list`, with `match_text` also `match` when it matches."""
    answer = _with_one(files.read_text(file_name))
    if answer["return"]:
        return answer
    if match_text:
        answer = files.match_text(answer, match_text, fail_if_no_match or "")
        if answer["return"]:
            return {"return": 1, "error": answer["error"]}
        if answer["match"] is None:
            del answer["match"]
    if remove_after_read:
        os.remove(file_name)
    if split:
        answer["list"] = answer["string"].splitlines()
    return answer


def load_json(file_name: str, encoding: str | None = None) -> Answer:
    """`meta`: the data of a JSON file; 1 when it cannot be had."""
    return _with_one(files.load_json(file_name, encoding=encoding or "utf8"))


def save_json(file_name: str, meta: Any) -> Answer:
    """Write data as JSON, in the order of its keys."""
    import json

    try:
        text = json.dumps(meta, indent=4)
    except (TypeError, ValueError) as error:
        return {"return": 1, "error": f"{file_name} cannot be written: {error}"}
    return save_txt(file_name, text)


def save_yaml(file_name: str, meta: Any, sort_keys: bool = True) -> Answer:
    """Write data as YAML."""
    return _saved(files.save_yaml(file_name, meta, sort_keys))


def save_txt(file_name: str, string: str) -> Answer:
    """Write a text file."""
    return _saved(files.save_txt(file_name, string))


def _saved(answer: Answer) -> Answer:
    """MLCFlow reports a success with an empty `error`."""
    return {"error": "", **answer}


def _with_one(answer: Answer) -> Answer:
    """MLCFlow reports every failure as 1."""
    if answer["return"]:
        answer["return"] = 1
    return answer


def merge_dicts(params: Mapping[str, Any], in_place: bool = True) -> Answer:
    """Merge `dict2` into `dict1` (`append_lists`, `append_unique`); `merged` is the outcome."""
    into = params.get("dict1", {})
    if not in_place:
        into = dict(into)
    _merge(
        into,
        params.get("dict2", {}),
        append=bool(params.get("append_lists")),
        unique=bool(params.get("append_unique")),
    )
    return {"return": 0, "merged": into, "dict1": into}


def _merge(into: dict[str, Any], other: Mapping[str, Any], *, append: bool, unique: bool) -> None:
    from cm_script.merge import unique as once

    for key, value in other.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            if old is not value:
                _merge(old, value, append=append, unique=unique)
        elif append and isinstance(old, list) and isinstance(value, list):
            into[key] = once([*old, *value]) if unique else old + value
        else:
            into[key] = value


def compare_versions(current_version: object, min_version: object) -> int:
    """-1, 0 or 1 as the first version is older than, equal to or newer than the second."""
    from cm_script.versions import compare

    return compare(current_version, min_version, MLC)


def run_system_cmd(i: Mapping[str, Any]) -> Answer:
    """Run shell command `cmd` in folder `path`: `output` and `error_output`; 1 when it fails."""
    import subprocess

    if not i.get("cmd"):
        return {"return": 1, "error": "no command was given"}
    path = str(i.get("path") or ".")
    if not os.path.isdir(path):
        return {"return": 1, "error": f"folder {path} does not exist"}
    done = subprocess.run(
        str(i["cmd"]), cwd=path, shell=True, capture_output=True, text=True, check=False
    )
    answer: Answer = {"return": 0, "output": done.stdout.strip()}
    if done.returncode:
        answer = {"return": 1, "error": f"'{i['cmd']}' failed with exit code {done.returncode}"}
    answer["error_output"] = done.stderr.strip()
    return answer


def get_repo_version(repo_path: str) -> dict[str, Any]:
    """`source`, `commit`, `branch`, `dirty` of a checkout or an unpacked archive; {}: unknown."""
    if not repo_path:
        return {}
    if os.path.isdir(os.path.join(repo_path, ".git")):
        commit = _git(repo_path, "rev-parse HEAD")
        if commit:
            return {
                "source": "git",
                "commit": commit,
                "branch": _git(repo_path, "rev-parse --abbrev-ref HEAD"),
                "dirty": bool(_git(repo_path, "status --porcelain --untracked-files=no")),
            }
    text = files.read_text(os.path.join(repo_path, "git_commit_hash.txt"))
    commit = text.get("string", "").strip()
    if commit:
        return {"source": "commit_file", "commit": commit, "branch": "", "dirty": False}
    return {}


def _git(path: str, command: str) -> str:
    return str(run_system_cmd({"path": path, "cmd": f"git {command}"}).get("output", ""))


def convert_env_to_dict(env_text: str) -> Answer:
    """`dict`: variables from lines `NAME=value`; other lines are left out."""
    from cm_script.outputs import parse_env

    return {"return": 0, "dict": parse_env(env_text, MLC)}


def generate_temp_file(i: Mapping[str, Any]) -> Answer:
    """`file_name`: a new file in the current folder (`prefix`, `suffix`, text in `string`)."""
    name = f"{i.get('prefix', '')}{os.urandom(16).hex()}{i.get('suffix', '')}"
    answer = files.save_txt(name, i.get("string", ""))
    return answer if answer["return"] else {"return": 0, "file_name": name}


def get_new_uid() -> Answer:
    """`uid`: 16 random hexadecimal characters."""
    return {"return": 0, "uid": os.urandom(8).hex()}


def is_uid(name: object) -> bool:
    """Whether this is an identifier: 16 hexadecimal characters."""
    return is_cm_uid(name)


def is_valid_url(url: str) -> bool:
    """Whether this is an http, https or ftp address with a host."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https", "ftp") and bool(parts.hostname) and " " not in url
    except ValueError:
        return False


def sub_input(i: Mapping[str, Any], keys: list[str], reverse: bool = False) -> Answer:
    """`result`: the entries of `i` named in `keys`, with `reverse` in reverse order."""
    found = {key: i[key] for key in keys if key in i}
    return {"return": 0, "result": dict(reversed(found.items())) if reverse else found}


def assemble_object(alias: str | None, uid: str | None) -> str:
    """`alias, uid`, or the one that is there."""
    return ", ".join(part for part in (alias, uid) if part)


def convert_tags_to_list(tags_string: object) -> Answer:
    """`tags`: comma separated tags as a list."""
    if not isinstance(tags_string, str):
        return {"return": 1, "error": "tags must be text"}
    return {"return": 0, "tags": [t.strip() for t in tags_string.split(",") if t.strip()]}


def read_yaml(filepath: str) -> Any:
    """The data of a YAML file; None when it cannot be had."""
    return files.load_yaml(filepath).get("meta")


def read_json(filepath: str) -> Any:
    """The data of a JSON file; None when it cannot be had."""
    return files.load_json(filepath).get("meta")


#: An older name of `printd`.
print_env = printd
