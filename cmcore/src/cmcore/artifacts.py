"""Meta files of artifacts, in both forms.

CM keeps `_cm.yaml` and/or `_cm.json`, MLCFlow `meta.yaml` or `meta.json`. When a folder holds both
forms CM's counts.
"""

from __future__ import annotations

import os

from cmcore.errors import StorageError, UsageError
from cmcore.hints import Any, Mapping, NamedTuple
from cmcore.naming import is_uid, split_tags, tag_text

#: Files that make a folder an artifact, in the order they are looked for.
META_FILES = ("_cm.yaml", "_cm.json", "meta.yaml", "meta.json")

#: Keys that say which artifact it is; `update --replace` leaves them alone.
IDENTITY_KEYS = ("alias", "uid", "automation_alias", "automation_uid")

_FORM_FILES = {"cm": META_FILES[:2], "mlc": META_FILES[2:]}


class Meta(NamedTuple):
    """What an artifact's meta files say.

    Attributes:
        data: the meta; equal to its own JSON form. Without inheritance (`_base`).
        files: names of the files it was read from.
        form: `cm` or `mlc`.
        warnings: sentences that name the file.
    """

    data: dict[str, Any]
    files: tuple[str, ...]
    form: str
    warnings: tuple[str, ...] = ()


def meta_files(present: set[str] | frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Of the meta files present in a folder, the form and the ones that count.

    Returns:
        `("", ())` when there is none. MLCFlow reads only one file, CM both.
    """
    cm = tuple(name for name in _FORM_FILES["cm"] if name in present)
    if cm:
        return "cm", cm
    mlc = tuple(name for name in _FORM_FILES["mlc"] if name in present)
    return ("mlc", mlc[:1]) if mlc else ("", ())


def read_meta(folder: str) -> Meta:
    """Read the meta of an artifact folder.

    `_cm.json` replaces whole top-level keys of `_cm.yaml`, as CM does, with a warning where they
    differ.

    Raises:
        StorageError: no meta file, or one that cannot be read or is not a mapping.
    """
    present = {name for name in META_FILES if os.path.isfile(os.path.join(folder, name))}
    form, files = meta_files(present)
    if not files:
        raise StorageError(f"no meta file: none of {', '.join(META_FILES)}", where=folder)
    contents: dict[str, bytes] = {}
    from cmcore.storage import read_bytes

    for name in files:
        contents[name] = read_bytes(os.path.join(folder, name))
    return parse_meta(folder, form, contents)


def parse_meta(folder: str, form: str, contents: Mapping[str, bytes]) -> Meta:
    """The same from contents that were already read, in order.

    Raises:
        StorageError: one of them is not a mapping in its language.
    """
    data: dict[str, Any] = {}
    origin: dict[str, str] = {}
    warnings: list[str] = []
    for name, content in contents.items():
        path = os.path.join(folder, name)
        part = _parse_file(path, content, warnings)
        for key, value in part.items():
            if key in data and data[key] != value:
                warnings.append(
                    f"{path}: key '{key}' replaces the one in {origin[key]}; keep it in one file"
                )
            data[key] = value
            origin[key] = name
    return Meta(data, tuple(contents), form, tuple(warnings))


def identity(folder: str, data: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...], list[str]]:
    """Alias, UID and tags of an artifact, and what is odd about them.

    The folder's name serves as alias where the meta has neither alias nor UID. Tags may be
    numbers or one comma-separated text.
    """
    warnings: list[str] = []
    base = os.path.basename(folder)
    alias = tag_text(data.get("alias")).strip()
    uid = tag_text(data.get("uid")).strip().lower()
    if uid and not is_uid(uid):
        warnings.append(f"{folder}: '{uid}' is not a UID (16 hexadecimal digits)")
    elif not uid:
        warnings.append(f"{folder}: the meta has no 'uid'")
    if not alias and not is_uid(base):
        alias = base
    elif alias and base not in (alias, uid):
        warnings.append(f"{folder}: the folder is not named like the alias '{alias}'")
    tags = data.get("tags")
    if isinstance(tags, (list, str)) or tags is None:
        odd = [tag for tag in tags or [] if not isinstance(tag, str)]
    else:
        odd, tags = [tags], [tags]
    if odd:
        warnings.append(f"{folder}: tags that are not text: {', '.join(map(tag_text, odd))}")
    return alias, uid, tuple(dict.fromkeys(split_tags(tags))), warnings


def dump_meta(name: str, data: Mapping[str, Any]) -> str:
    """The text of a meta file called `name`."""
    if name.endswith(".json"):
        import json

        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    from cmcore.yamlio import dump_yaml

    return dump_yaml(dict(data))


def write_meta(folder: str, data: Mapping[str, Any], form: str, *, json: bool = False) -> str:
    """Write the meta file of a new artifact: `_cm.yaml` or `meta.yaml`, or JSON.

    Returns:
        The file's name.

    Raises:
        StorageError: it cannot be written.
    """
    from cmcore.storage import write_atomic

    name = _FORM_FILES[form][1 if json else 0]
    write_atomic(os.path.join(folder, name), dump_meta(name, data))
    return name


def rewrite_meta(folder: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Make an existing artifact's meta equal to `data`, in the files and form it has.

    Only keys that differ are touched; of a YAML file all other lines and comments stay. A key that
    stands in `_cm.json` is written there, because that is the one that counts.

    Returns:
        Names of the files written; none when nothing differs.

    Raises:
        StorageError: a file cannot be read, parsed or written.
    """
    from cmcore.storage import read_bytes, write_atomic
    from cmcore.yamlio import edit_yaml

    meta = read_meta(folder)
    removed = {key for key in meta.data if key not in data}
    changed = {k: v for k, v in data.items() if k not in meta.data or meta.data[k] != v}
    written: list[str] = []
    for name in reversed(meta.files):
        path = os.path.join(folder, name)
        content = read_bytes(path)
        part = _parse_file(path, content, [])
        last = name == meta.files[0]
        mine = {k: changed.pop(k) for k in list(changed) if last or k in part}
        gone = frozenset(removed & part.keys())
        if not mine and not gone:
            continue
        if name.endswith(".json"):
            part = {k: v for k, v in {**part, **mine}.items() if k not in gone}
            write_atomic(path, dump_meta(name, part))
        else:
            write_atomic(path, edit_yaml(content.decode("utf-8-sig"), mine, gone))
        written.append(name)
    return tuple(written)


def merge(base: dict[str, Any], extra: Mapping[str, Any], *, lists: str = "append") -> None:
    """Merge `extra` into `base` in place, nested mappings key by key.

    Args:
        base: changed in place.
        extra: wins where both have a plain value.
        lists: `append` (all items), `union` (items that are not there yet) or `replace`.
    """
    for key, value in extra.items():
        old = base.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merge(old, value, lists=lists)
        elif isinstance(value, list) and isinstance(old, list) and lists != "replace":
            fresh = value if lists == "append" else [item for item in value if item not in old]
            base[key] = old + fresh
        else:
            base[key] = value


def json_form(value: Any, where: str) -> Any:
    """A value as JSON gives it back.

    Raises:
        UsageError: JSON cannot hold it.
    """
    import json

    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where} holds a value that JSON cannot hold: {error}") from error


def _parse_file(path: str, content: bytes, warnings: list[str]) -> dict[str, Any]:
    if path.endswith(".json"):
        data = _parse_json(path, content, warnings)
    else:
        from cmcore.yamlio import parse_yaml

        data, found = parse_yaml(content, path)
        warnings += found
    if data is None:
        warnings.append(f"{path}: the file is empty")
        return {}
    if not isinstance(data, dict):
        raise StorageError("a meta file must be a mapping of keys to values", where=path)
    return data


def _parse_json(path: str, content: bytes, warnings: list[str]) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            keys = [key for key, _ in items]
            repeated = sorted({key for key in keys if keys.count(key) > 1})
            warnings.append(f"{path}: repeated keys {', '.join(repeated)}; the last one counts")
        return result

    from cmcore.storage import parse_json

    return parse_json(content, path, object_pairs_hook=pairs, parse_constant=lambda word: word)
