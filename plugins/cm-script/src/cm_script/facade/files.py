"""Reading and writing files, with the results as dictionaries that recipe code expects."""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import Any

Answer = dict[str, Any]

NOT_FOUND = 16
_BAD_CONTENT = 4


def failed(error: BaseException | str, code: int = 1) -> Answer:
    """The dictionary that reports a failure."""
    if isinstance(error, OSError) and error.strerror:
        error = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return {"return": code, "error": str(error)}


def read_text(file_name: str, encoding: str = "utf8") -> Answer:
    """`string`: the text of a file; 16 when it is not there."""
    try:
        with open(file_name, encoding=encoding) as file:
            return {"return": 0, "string": file.read()}
    except FileNotFoundError:
        return failed(f"{file_name} was not found", NOT_FOUND)
    except (OSError, UnicodeError) as error:
        return failed(error)


def save_txt(file_name: str, string: str = "", encoding: str = "utf8") -> Answer:
    """Write a text file."""
    try:
        with open(file_name, "w", encoding=encoding, newline="") as file:
            file.write(string)
    except (OSError, UnicodeError) as error:
        return failed(error)
    return {"return": 0}


def load_bin(file_name: str) -> Answer:
    """`bin`: the bytes of a file."""
    try:
        with open(file_name, "rb") as file:
            return {"return": 0, "bin": file.read()}
    except OSError as error:
        return failed(error)


def load_json(file_name: str, check_if_exists: bool = False, encoding: str = "utf8") -> Answer:
    """`meta`: the data of a JSON file; 16 when it is not there, 4 when it is no JSON."""
    import json

    text = read_text(file_name, encoding)
    if text["return"]:
        return text
    try:
        return {"return": 0, "meta": json.loads(text["string"])}
    except ValueError as error:
        return failed(f"{file_name} is no JSON: {error}", _BAD_CONTENT)


def safe_load_json(path: str, file_name: str = "", encoding: str = "utf8") -> Answer:
    """`meta`: the data of a JSON file, {} when it cannot be read."""
    whole = os.path.join(path, file_name) if file_name and path != file_name else path
    return {"return": 0, "meta": load_json(whole, encoding=encoding).get("meta", {})}


def save_json(
    file_name: str,
    meta: Any = None,
    indent: int = 2,
    sort_keys: bool = True,
    encoding: str = "utf8",
) -> Answer:
    """Write data as JSON."""
    import json

    data = {} if meta is None else meta
    try:
        text = json.dumps(data, indent=indent, sort_keys=sort_keys) + "\n"
    except (TypeError, ValueError) as error:
        return failed(f"{file_name} cannot be written: {error}")
    return save_txt(file_name, text, encoding)


def load_yaml(file_name: str, check_if_exists: bool = False, encoding: str = "utf8") -> Answer:
    """`meta`: the data of a YAML file; 16 when it is not there, 4 when it is no YAML."""
    text = read_text(file_name, encoding)
    if text["return"]:
        return text
    from cmcore.yamlio import parse_yaml

    try:
        return {"return": 0, "meta": parse_yaml(text["string"], file_name)[0]}
    except CmError as error:
        return failed(error, _BAD_CONTENT)


def save_yaml(
    file_name: str, meta: Any = None, sort_keys: bool = True, encoding: str = "utf8"
) -> Answer:
    """Write data as YAML."""
    from cmcore.yamlio import dump_yaml

    data = {} if meta is None else meta
    return save_txt(file_name, dump_yaml(_sorted(data) if sort_keys else data), encoding)


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data, key=str)}
    return [_sorted(item) for item in data] if isinstance(data, list) else data


def load_yaml_and_json(
    file_name_without_ext: str, check_if_exists: bool = False, encoding: str = "utf8"
) -> Answer:
    """`meta`: a YAML file's data updated with that of the JSON file of the same name."""
    meta: dict[str, Any] = {}
    found = False
    for load, end in ((load_yaml, ".yaml"), (load_json, ".json")):
        answer = load(file_name_without_ext + end, encoding=encoding)
        if answer["return"] == NOT_FOUND:
            continue
        if answer["return"]:
            return answer
        found = True
        meta.update(answer["meta"] or {})
    if not found:
        return failed(f"neither {file_name_without_ext}.yaml nor .json was found", NOT_FOUND)
    return {"return": 0, "meta": meta}


def load_json_or_yaml(
    file_name: str, check_if_exists: bool = False, encoding: str = "utf8"
) -> Answer:
    """`meta`: the data of a file whose name ends in .json or .yaml."""
    if file_name.endswith(".json"):
        return load_json(file_name, check_if_exists, encoding)
    if file_name.endswith((".yaml", ".yml")):
        return load_yaml(file_name, check_if_exists, encoding)
    return failed(f"{file_name} ends neither in .json nor in .yaml")


def save_json_or_yaml(
    file_name: str, meta: Any, sort_keys: bool = False, encoding: str = "utf8"
) -> Answer:
    """Write data to a file whose name ends in .json or .yaml."""
    if file_name.endswith(".json"):
        return save_json(file_name, meta, sort_keys=sort_keys, encoding=encoding)
    if file_name.endswith((".yaml", ".yml")):
        return save_yaml(file_name, meta, sort_keys, encoding)
    return failed(f"{file_name} ends neither in .json nor in .yaml")


def is_file_json_or_yaml(file_name: str) -> Answer:
    """`is_file` and `path`: whether the name plus .yaml or .json is a file."""
    for end in (".yaml", ".json"):
        if os.path.isfile(file_name + end):
            return {"return": 0, "is_file": True, "path": file_name + end}
    return {"return": 0, "is_file": False}


def check_and_create_dir(path: str) -> Answer:
    """Make a folder when it is not there."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        return failed(error)
    return {"return": 0}


def find_file_in_dir_and_above(filename: str, path: str = "") -> Answer:
    """`path_to_file` and `path`: a file in a folder or the nearest one above it; 16: none."""
    folder = os.path.realpath(path or os.curdir)
    while True:
        found = os.path.join(folder, filename)
        if os.path.isfile(found):
            return {"return": 0, "path_to_file": found, "path": folder}
        above = os.path.dirname(folder)
        if above == folder:
            return failed(f"{filename} was not found in {path or '.'} or above", NOT_FOUND)
        folder = above


def gen_tmp_file(i: dict[str, Any]) -> Answer:
    """`file_name`: a name for a temporary file that does not exist (`suffix`, `prefix`)."""
    import tempfile

    handle, name = tempfile.mkstemp(suffix=i.get("suffix", ""), prefix=i.get("prefix", ""))
    os.close(handle)
    os.remove(name)
    if i.get("remove_dir"):
        name = os.path.basename(name)
    return {"return": 0, "file_name": name}


def match_text(answer: Answer, pattern: str, complaint: str) -> Answer:
    """Add to a read text the first `match` of a regular expression, or fail with `complaint`."""
    import re

    try:
        found = re.search(pattern, answer["string"])
    except re.error as error:
        return failed(f"the regular expression {pattern!r} is wrong: {error}")
    if found is None and complaint:
        return {"return": 1, "error": complaint, "string": answer["string"]}
    answer["match"] = found
    return answer
