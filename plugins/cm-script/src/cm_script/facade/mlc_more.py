"""The less usual half of MLCFlow's `mlc.utils` and `utils`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping

from cm_script.facade.files import Answer
from cmcore.hints import Any

_UNITS = {"m": 60, "h": 3600, "d": 86400}


def printd(
    mydict: Any, yaml: bool = True, sort_keys: bool = True, begin_spaces: int | None = None
) -> None:
    """Print data as YAML, or as JSON."""
    if yaml:
        print_formatted_yaml(mydict, sort_keys, begin_spaces)
    else:
        print_formatted_json(mydict, sort_keys, begin_spaces)


def print_formatted_yaml(
    data: Any, sort_keys: bool = True, begin_spaces: int | None = None
) -> None:
    """Print data as YAML, in the order of its keys."""
    from cmcore.yamlio import dump_yaml

    _print(dump_yaml(data), begin_spaces)


def print_formatted_json(
    data: Any, sort_keys: bool = True, begin_spaces: int | None = None
) -> None:
    """Print data as JSON."""
    import json

    _print(json.dumps(data, indent=4, sort_keys=sort_keys, default=str), begin_spaces)


def _print(text: str, begin_spaces: int | None) -> None:
    spaces = " " * (begin_spaces or 0)
    print("\n".join(spaces + line for line in text.splitlines()))  # noqa: T201 - that is its job


def convert_args_to_dictionary(inp: Iterable[str]) -> Answer:
    """`args_dict`: flags of a command line: `--a=1`, `--l,=x,y`, `--d.k=v`, `--yes`, `-abc`."""
    found: dict[str, Any] = {}
    for word in inp:
        name, equals, value = word.partition("=")
        if not equals:
            if word.startswith("--"):
                found[word.strip("-")] = True
            elif word.startswith("-"):
                found.update(dict.fromkeys(word.lstrip("-"), True))
            continue
        name = name.strip("-")
        if "," in name:
            if name.endswith(","):
                found[name[:-1]] = value.split(",")
        else:
            *outer, last = name.split(".")
            inner = found
            for part in outer:
                if not isinstance(inner.get(part), dict):
                    inner[part] = {}
                inner = inner[part]
            inner[last] = value
    return {"return": 0, "args_dict": found}


def modify_git_url(get_type: str, url: str, params: Mapping[str, Any] | None = None) -> Answer:
    """`url` of a repository for access by `ssh`, or by `pat` with the token in `params`."""
    from cm_script.placeholders import remote_parts

    parts = remote_parts(url)
    if not parts:
        return {"return": 1, "error": f"{url} is no address of a Git repository"}
    host, owner, repo = parts
    if get_type == "ssh":
        return {"return": 0, "url": f"git@{host}:{owner}/{repo}.git"}
    if get_type == "pat":
        token = (params or {}).get("token", "")
        return {"return": 0, "url": f"https://git:{token}@{host}/{owner}/{repo}"}
    return {"return": 1, "error": f"the type of access must be ssh or pat, not {get_type}"}


def extract_file(options: Mapping[str, Any]) -> None:
    """Unpack ZIP or tar archive `filename` into folder `extracted` beside it.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or it is no archive.
    """
    import tarfile
    import zipfile

    from cm_script.facade.archive import unzip_file

    name = str(options.get("filename") or "")
    strip = int(options.get("strip_folders") or 0)
    if not os.path.exists(name):
        raise FileNotFoundError(f"archive {name} was not found")
    target = os.path.join(os.path.dirname(name), "extracted")
    os.makedirs(target, exist_ok=True)
    if zipfile.is_zipfile(name):
        answer = unzip_file({"filename": name, "path": target, "strip_folders": strip})
        if answer["return"]:
            raise ValueError(answer["error"])
    elif tarfile.is_tarfile(name):
        with tarfile.open(name) as archive:
            for member in archive.getmembers():
                left = member.name.split("/")[strip:]
                if left:
                    member.name = "/".join(left)
                    _take(archive, member, target)
    else:
        raise ValueError(f"{name} is neither a ZIP nor a tar archive")


def _take(archive: Any, member: Any, target: str) -> None:
    """Unpack one member; what would land outside the folder is refused."""
    import tarfile

    if hasattr(tarfile, "data_filter"):
        archive.extract(member, target, filter="data")
        return
    place = os.path.realpath(os.path.join(target, member.name))
    if not place.startswith(os.path.realpath(target) + os.sep) or not (
        member.isreg() or member.isdir()
    ):
        raise ValueError(f"member {member.name} would land outside {target}")
    archive.extract(member, target)


def parse_expiration(user_input: str) -> float:
    """The time, in seconds since 1970, that lies `10m`, `2h`, `3d` or `0` ahead.

    Raises:
        ValueError: it is none of these.
    """
    text = user_input.strip()
    if text == "0":
        return time.time()
    unit, number = text[-1:].lower(), text[:-1]
    if unit not in _UNITS or not number.isdigit():
        raise ValueError(f"'{user_input}' is no time: write a number and m, h or d")
    return time.time() + int(number) * _UNITS[unit]


def has_function_in_file(py_file: str, func_name: str) -> bool:
    """Whether a Python file defines a function at its top level; False when it cannot be read."""
    import ast

    try:
        with open(py_file, encoding="utf-8") as file:
            tree = ast.parse(file.read(), filename=py_file)
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(n, ast.FunctionDef) and n.name == func_name for n in tree.body)
