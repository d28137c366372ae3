"""Small helpers for values, names and dates that recipe code calls through `cmind.utils`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cmcore.hints import Any

Answer = dict[str, Any]

_HEX = frozenset("0123456789abcdefABCDEF")


def is_true(val: object) -> bool:
    """1, true, on or yes, in any case."""
    return str(val).lower() in ("1", "true", "on", "yes")


def is_false(val: object) -> bool:
    """0, false, off or no, in any case."""
    return str(val).lower() in ("0", "false", "off", "no")


def gen_uid() -> Answer:
    """`uid`: 16 random hexadecimal characters."""
    import os

    return {"return": 0, "uid": os.urandom(8).hex()}


def is_cm_uid(obj: object) -> bool:
    """Whether this is an identifier: 16 hexadecimal characters."""
    return isinstance(obj, str) and len(obj) == 16 and set(obj) <= _HEX


def parse_cm_object(obj: str, max_length: int = 2, decompose: bool = False) -> Answer:
    """`cm_object`: (alias, uid) pairs of `artifact` or `collection:artifact`, artifact first.

    With `decompose` also `decomposed_object`, and `cm_object` is used up, as in CM.
    """
    parts = obj.split(":")
    if len(parts) > max_length:
        return {"return": 1, "error": f"{obj} has more than {max_length} parts"}
    pairs = []
    for part in reversed(parts):
        first, _, second = part.partition(",")
        if "," in second:
            return {"return": 1, "error": f"{part} is no alias,UID"}
        if is_cm_uid(first) and not is_cm_uid(second):
            first, second = second, first
        pairs.append((first, second))
    answer: Answer = {"return": 0, "cm_object": pairs}
    if decompose:
        answer["decomposed_object"] = decompose_cm_obj(pairs)
    return answer


def decompose_cm_obj(cm_obj: list[tuple[str, str]]) -> dict[str, str]:
    """The pairs of `parse_cm_object` by name: `artifact`, `name*`, `repo*`; uses up the list."""
    pairs = {name: cm_obj.pop(0) if cm_obj else ("", "") for name in ("name", "repo")}
    name, repo = (assemble_cm_object(*pairs[key]) for key in ("name", "repo"))
    return {
        "artifact": f"{repo}:{name}" if repo else name,
        "name": name,
        "name_alias": pairs["name"][0],
        "name_uid": pairs["name"][1],
        "repo": repo,
        "repo_alias": pairs["repo"][0],
        "repo_uid": pairs["repo"][1],
    }


def assemble_cm_object(alias: str | None, uid: str | None) -> str:
    """`alias,uid`, or the one that is there."""
    return ",".join(part for part in (alias, uid) if part)


def convert_tags_to_list(i: Mapping[str, Any]) -> list[str]:
    """The comma separated `tags` of a request as a list."""
    tags = i.get("tags") or []
    return tags if isinstance(tags, list) else [tag.strip() for tag in str(tags).split(",")]


def tags_matched(tags: Iterable[str], and_tags: Iterable[str], no_tags: Iterable[str]) -> bool:
    """Whether `tags` holds all of `and_tags` and none of `no_tags`."""
    there = set(tags)
    return there.issuperset(and_tags) and there.isdisjoint(no_tags)


def get_current_date_time(i: Mapping[str, Any]) -> Answer:
    """`array` of date and time parts and `iso_datetime`, in `timezone` (an IANA name) if given."""
    import datetime

    zone = None
    if str(i.get("timezone") or "").strip():
        import zoneinfo

        try:
            zone = zoneinfo.ZoneInfo(str(i["timezone"]).strip())
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            return {"return": 1, "error": f"time zone {i['timezone']} is not known"}
    now = datetime.datetime.now(zone)
    parts = {
        "date_year": now.year,
        "date_month": now.month,
        "date_day": now.day,
        "time_hour": now.hour,
        "time_minute": now.minute,
        "time_second": now.second,
    }
    return {"return": 0, "array": parts, "iso_datetime": now.isoformat()}


def sub_input(i: Mapping[str, Any], keys: Iterable[str], reverse: bool = False) -> Answer:
    """The entries of `i` named in `keys`, or with `reverse` all others."""
    named = list(keys)
    if reverse:
        return {key: value for key, value in i.items() if key not in named}
    return {key: i[key] for key in named if key in i}


def path2(path: str) -> str:
    """The path in double quotes when it holds a blank."""
    return f'"{path}"' if " " in path and not path.startswith('"') else path


def update_dict_with_flat_key(key: str, value: Any, d: dict[str, Any]) -> Answer:
    """Set `d["a"]["b"]` for the key `a.b`, making what is missing on the way."""
    *outer, last = key.split(".")
    for part in outer:
        d = d.setdefault(part, {})
    d[last] = value
    return {"return": 0}


def get_value_from_dict_with_flat_key(key: str, d: Mapping[str, Any]) -> Any:
    """`d["a"]["b"]` for the key `a.b`; None when it is not there."""
    value: Any = d
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def flatten_dict(d: Mapping[str, Any], fd: dict[str, str], prefix: str = "") -> None:
    """Write every value of nested `d` as text into `fd` under its dotted key."""
    for key, value in d.items():
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0]
        if isinstance(value, dict):
            flatten_dict(value, fd, f"{prefix}{key}.")
        else:
            fd[prefix + key] = str(value)


def safe_int(i: Any, d: Any) -> Any:
    """`i` as an integer, or `d` when it is none."""
    try:
        return int(i)
    except (TypeError, ValueError):
        return d


def safe_float(i: Any, d: Any) -> Any:
    """`i` as a float, or `d` when it is none."""
    try:
        return float(i)
    except (TypeError, ValueError):
        return d


def digits(s: str, first: bool = True) -> int:
    """The first run of digits at the start of a text, or all its digits, as a number."""
    found = ""
    for char in s:
        if char in "0123456789":
            found += char
        elif first:
            break
    return int(found or 0)


def substitute_template(template: str, variables: Mapping[str, Any]) -> str:
    """`template.format(**variables)`; a sentence that names the missing one when one is."""
    try:
        return template.format(**variables)
    except KeyError as error:
        return f"Error: no value for {error.args[0]} in the template."
