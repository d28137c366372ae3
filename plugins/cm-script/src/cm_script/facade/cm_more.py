"""The less usual half of `cmind.utils`: object names, file trees, dictionaries, the host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from cm_script.facade.files import NOT_FOUND, Answer, read_text, save_txt
from cm_script.facade.values import assemble_cm_object
from cmcore.hints import Any

_GIB = 1 << 30
_GB = 10**9


def assemble_cm_object1(cm_dict: Mapping[str, str]) -> str:
    """`alias,uid` from a dictionary with these keys."""
    return assemble_cm_object(cm_dict["alias"], cm_dict["uid"])


def assemble_cm_object2(cm_obj: Sequence[str]) -> str:
    """`alias,uid` from a pair."""
    return assemble_cm_object(cm_obj[0], cm_obj[1])


def match_objects(
    uid: str | None,
    alias: str | None,
    uid2: str | None,
    alias2: str | None,
    more_strict: bool = False,
) -> Answer:
    """`match`: whether an object is the one asked for (`uid2`, `alias2` with wildcards).

    Two UIDs decide. Otherwise the aliases do; with `more_strict` an alias alone does not fit a
    UID alone.
    """
    from fnmatch import fnmatch

    first, second = (uid or "").lower(), (uid2 or "").lower()
    name, wanted = (alias or "").lower(), (alias2 or "").lower()
    if first and second:
        match = first == second
    elif more_strict and not first and second and not wanted:
        match = False
    elif "*" in wanted or "?" in wanted:
        match = fnmatch(name, wanted)
    else:
        match = wanted in ("", name)
    return {"return": 0, "match": match}


def get_list_from_cli(i: Mapping[str, Any], key: str) -> list[Any]:
    """The value under `key` as a list: comma separated text is split."""
    value = i.get(key, [])
    return value if isinstance(value, list) else [part.strip() for part in value.split(",")]


def filter_tags(tags: Iterable[str]) -> list[str]:
    """The tags without those that begin with a minus."""
    return [tag for tag in tags if not tag.startswith("-")]


def list_all_files(i: Mapping[str, Any]) -> Answer:
    """`list`: files below folder `path` -> `{"size": bytes}`, with `add_path` also `path`.

    Only with `all` = `yes`, as in CM. `file_name` and `pattern` choose among the files,
    `ignore_names` leaves names out, `ignore_symb_dirs` = `yes` does not follow links to folders,
    `limit` ends the search. `number` is their count as text.
    """
    found: dict[str, Any] = {}
    if i.get("all") == "yes":
        limit = int(i.get("limit") or -1)
        _collect_files(i, str(i.get("path") or ""), str(i.get("path_ext") or ""), limit, found)
    return {"return": 0, "list": found, "number": str(len(found))}


def _collect_files(
    i: Mapping[str, Any], folder: str, below: str, limit: int, found: dict[str, Any]
) -> None:
    from fnmatch import fnmatch

    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if 0 <= limit <= len(found):
            return
        path, short = os.path.join(folder, name), os.path.join(below, name)
        if name in (i.get("ignore_names") or ()):
            continue
        if os.path.isdir(path):
            if i.get("ignore_symb_dirs") != "yes" or os.path.realpath(path) == path:
                _collect_files(i, path, short, limit, found)
            continue
        wanted = i.get("file_name") in (None, "", name)
        if wanted and fnmatch(name, i.get("pattern") or "*") and os.path.isfile(path):
            found[short] = {"size": os.path.getsize(path)}
            if i.get("add_path") == "yes":
                found[short]["path"] = folder


def find_file_in_current_directory_or_above(
    file_names: Iterable[str],
    path_to_start: str | None = None,
    reverse: bool = False,
    path_to_stop: str | None = None,
) -> Answer:
    """`found`, `path_to_file`, `path`, `found_in_current_path`: the nearest of some files.

    With `reverse` each first visible folder below is searched instead of those above.
    """
    names = list(file_names)
    start = folder = os.getcwd() if path_to_start is None else path_to_start
    while True:
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return {
                    "return": 0,
                    "found": True,
                    "path_to_file": path,
                    "path": os.path.dirname(path),
                    "found_in_current_path": folder == start,
                }
        following = _first_below(folder) if reverse else os.path.dirname(folder)
        if following in ("", folder) or (not reverse and following == path_to_stop):
            return {"return": 0, "found": False}
        folder = following


def _first_below(folder: str) -> str:
    paths = [os.path.join(folder, n) for n in sorted(os.listdir(folder)) if n[:1] != "."]
    return next((path for path in paths if os.path.isdir(path)), "")


def find_api(file_name: str, func: str) -> Answer:
    """`api`: the head and the docstring of a function in a Python file; 16 when it has none."""
    answer = read_text(file_name)
    if answer["return"]:
        return answer
    text = answer["string"]
    start = text.find(f"def {func}(")
    if start < 0:
        return {"return": NOT_FOUND, "error": f"{file_name} has no function {func}"}
    opened = text.find('"""', start)
    closed = text.find('"""', opened + 3) if opened >= 0 else -1
    if closed < 0:
        return {"return": 1, "error": f"{func} in {file_name} has no docstring"}
    return {"return": 0, "api": text[text.rfind("\n", 0, start) + 1 : closed + 3]}


def dump_safe_json(i: Mapping[str, Any]) -> Answer:
    """Print what JSON can say of a dictionary; `meta` is that part."""
    import json

    meta = {}
    for key, value in i.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            continue
        meta[key] = value
    print(json.dumps(meta, indent=2, sort_keys=True, ensure_ascii=False))  # noqa: T201 - its job
    return {"return": 0, "meta": meta}


def update_yaml(
    file_name: str, meta: Mapping[str, Any] | None = None, encoding: str = "utf8"
) -> Answer:
    """Replace the lines `key: ...` of a YAML file, leaving all others as they are."""
    answer = read_text(file_name, encoding)
    if answer["return"]:
        return answer
    lines = answer["string"].split("\n")
    for key, value in (meta or {}).items():
        lines = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in lines]
    return save_txt(file_name, "\n".join(lines), encoding)


def update_dict_if_empty(d: dict[str, Any], key: str, value: Any) -> Answer:
    """Set a key that is missing, None or the empty text."""
    if d.get(key) in (None, ""):
        d[key] = value
    return {"return": 0}


def convert_dictionary(d: Mapping[str, Any], key: str, sub: bool = True) -> dict[str, Any]:
    """`d` with `key_` before each key, and `sub` for underscores instead of dashes in them."""
    return {f"{key}_{name.replace('-', '_') if sub else name}": d[name] for name in d}


def get_set(meta: Mapping[str, Any], key: str, state: dict[str, Any], keys: Sequence[str]) -> Any:
    """`meta[key]`, which is also put at path `keys` of `state` when nothing is there."""
    value = meta.get(key)
    if value is not None:
        for part in keys[:-1]:
            state = state.setdefault(part, {})
        if state.get(keys[-1]) is None:
            state[keys[-1]] = value
    return value


def test_input(i: Mapping[str, Any]) -> Answer:
    """1 and `unknown_keys` when a request has keys left."""
    if not i:
        return {"return": 0}
    text = ", ".join(i)
    error = f"unknown input key{'s' if len(i) > 1 else ''}: {text}"
    return {"return": 1, "error": error, "unknown_keys": list(i), "unknown_keys_str": text}


def get_disk_use(path: str = "/", console: bool = False) -> Answer:
    """`total`, `used`, `free` of a disk in bytes, and each in GB."""
    import shutil

    sizes = shutil.disk_usage(path)._asdict()
    return _told(sizes, {name: size / _GB for name, size in sizes.items()}, console)


def get_memory_use(console: bool = False) -> Answer:
    """`memory_use` of this process, `available_memory` and `total_memory` in bytes and GiB."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        with open("/proc/self/statm", encoding="ascii") as file:
            own = int(file.read().split()[1]) * page
        with open("/proc/meminfo", encoding="ascii") as file:
            known = {line.split(":")[0]: int(line.split()[1]) << 10 for line in file}
    except (OSError, ValueError, AttributeError) as error:
        return {"return": 1, "error": f"the memory of this host is not known: {error}"}
    sizes = {
        "memory_use": own,
        "available_memory": known["MemAvailable"],
        "total_memory": known["MemTotal"],
    }
    return _told(sizes, {name: size / _GIB for name, size in sizes.items()}, console)


def _told(sizes: Mapping[str, int], large: Mapping[str, float], console: bool) -> Answer:
    if console:
        for name, size in large.items():
            print(f"{name}: {size:.2f} GB")  # noqa: T201 - asked for
    return {"return": 0, **sizes, **{f"{name}_gb": size for name, size in large.items()}}
