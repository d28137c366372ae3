"""Merging of dictionaries and lists, the way recipes rely on.

Lists grow: items not there yet are added at the end, so what came first stays first. A PATH list,
for example, is led by whoever exported it first. Nothing merged in is shared with its source,
and a value that does not fit (a list over a string) replaces what is there.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect


def copied(value: Any) -> Any:
    """A deep copy of JSON-like data."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def unique(items: Iterable[Any]) -> list[Any]:
    """The items in order, each once; items need not be hashable."""
    kept: list[Any] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept


def merge(into: dict[str, Any], other: Mapping[str, Any], dialect: Dialect) -> None:
    """Merge `other` into `into`, in place: dictionaries by key, lists by appending what is new."""
    _merge(into, other, dialect, keep_unique=True)


def _merge(
    into: dict[str, Any], other: Mapping[str, Any], dialect: Dialect, *, keep_unique: bool
) -> None:
    if into == other:
        _taken(into, other)
        return
    nested_unique = keep_unique and dialect.unique_nested_lists
    for key, value in other.items():
        present = into.get(key)
        if isinstance(value, Mapping) and isinstance(present, dict):
            _merge(present, value, dialect, keep_unique=nested_unique)
        elif isinstance(value, list) and (isinstance(present, list) or key not in into):
            into[key] = _joined(present or [], value, dialect, keep_unique=keep_unique)
        else:
            into[key] = copied(value)


def _taken(mine: Any, theirs: Any) -> Any:
    """An equal value that has the texts of `theirs`: by them it is known who set it last.

    See `inheritance`.
    """
    if isinstance(mine, str) and isinstance(theirs, str):
        return theirs
    if isinstance(mine, list):
        return [*map(_taken, mine, theirs)]
    if isinstance(mine, dict):
        for key in mine:
            mine[key] = _taken(mine[key], theirs[key])
    return mine


def _joined(first: list[Any], more: list[Any], dialect: Dialect, *, keep_unique: bool) -> list[Any]:
    newer = {item: item for item in more if type(item) is str}
    if newer:  # equal ones; see `_taken`
        first = [newer.get(item, item) if type(item) is str else item for item in first]
    if not keep_unique:
        return [*first, *copied(more)]
    if dialect.unique_nested_lists:
        return unique([*first, *copied(more)]) if first else list(copied(more))
    return first + [item for item in unique(copied(more)) if item not in first]


def merge_env(env: dict[str, Any], block: Mapping[str, Any], dialect: Dialect) -> None:
    """Apply the `env` of a meta block: values replace; lists extend where the dialect says so."""
    if dialect.append_env_lists:
        merge(env, block, dialect)
    else:
        env.update(copied(dict(block)))


def merge_edits(into: dict[str, Any], other: Mapping[str, Any], dialect: Dialect) -> None:
    """Merge dependency edits by name (`adr`): like `merge`, but `tags` are united.

    Entries that are not dictionaries are typing slips in published recipes; they say nothing.
    """
    for name, edit in other.items():
        if not isinstance(edit, Mapping):
            continue
        known = into.get(name)
        if not isinstance(known, dict):
            into[name] = copied(dict(edit))
            continue
        tags = unique([*split_tags(known.get("tags")), *split_tags(edit.get("tags"))])
        merge(known, edit, dialect)
        if tags:
            known["tags"] = ",".join(tags)


def split_tags(value: object) -> list[str]:
    """Tags of a comma separated text or a list, without blanks and empty parts."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [text for part in parts if (text := str(part).strip())]
