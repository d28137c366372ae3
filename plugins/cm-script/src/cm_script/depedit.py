"""Editing dependency lists: appending entries and changing entries by name.

Entries carry `names`; `ad` and `adr` change all entries with a name. Added tags keep the order in
which they were written, and one `ad` may name entries of different lists: it is wrong only when
a name is in none of them.
"""

from __future__ import annotations

from cm_script import conditions, placeholders
from cm_script.merge import copied, merge, split_tags
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.scope import Dep, Env


def append(live: list[Dep], new: Iterable[Any]) -> None:
    """Add entries to a dependency list.

    An entry takes the place of one with the same set of names or, when it has no names, of one
    with the same set of tags. The very dictionaries of `new` join the list.
    """
    for dep in new:
        if not isinstance(dep, dict):
            continue
        place = _place(live, dep)
        if place is None:
            live.append(dep)
        else:
            live[place] = dep


def _place(live: list[Dep], dep: Dep) -> int | None:
    key = "names" if dep.get("names") else "tags"
    wanted = _words(dep, key)
    if not wanted:
        return None
    return next((at for at, known in enumerate(live) if _words(known, key) == wanted), None)


def _words(dep: Dep, key: str) -> set[str]:
    value = dep.get(key)
    if key == "names" and isinstance(value, str):
        return {value}
    return set(split_tags(value))


def is_named(dep: Dep, name: str) -> bool:
    """Whether `name` is one of a dependency's names; in names given as one text, a part of it."""
    return name in (dep.get("names") or ())


def edit(
    lists: Iterable[list[Dep]], edits: Mapping[str, Any], env: Env, dialect: Dialect
) -> list[str]:
    """Apply edits by name to all lists; returns the names that no entry has.

    An edit may carry conditions of its own. Its placeholders are resolved for good when it is
    first applied, because shared edits travel on to recipes that see less of the environment.
    """
    everything = [dep for live in lists for dep in live]
    missing = []
    for name, change in edits.items():
        if not isinstance(change, dict) or conditions.skip_reason(change, env, dialect):
            continue
        found = [dep for dep in everything if is_named(dep, name)]
        if found:
            placeholders.fill_nested(change, env)
        else:
            missing.append(name)
        for dep in found:
            change_one(dep, change, dialect)
    return missing


def edit_or_fail(
    lists: list[list[Dep]], edits: Mapping[str, Any], env: Env, dialect: Dialect
) -> None:
    """The same for edits that must find an entry.

    Raises:
        CmError: a name is in none of the lists.
    """
    missing = edit(lists, edits, env, dialect)
    if missing:
        from cm_script.hints import nearest

        names = [name for live in lists for dep in live for name in sorted(_words(dep, "names"))]
        raise CmError(
            f"no dependency is called '{missing[0]}'",
            hint=nearest(missing[0], names, "named dependencies"),
        )


def change_one(dep: Dep, change: Mapping[str, Any], dialect: Dialect) -> None:
    """Merge one edit into one dependency: tags are added, lists extended, values replaced."""
    for key, value in change.items():
        if key == "tags":
            tags = split_tags(dep.get("tags"))
            new = [tag for tag in split_tags(value) if "<<<" not in tag]
            dep["tags"] = ",".join([*tags, *(t for t in dict.fromkeys(new) if t not in tags)])
        elif "enable_if_" in key or "skip_if_" in key:
            continue
        elif isinstance(value, Mapping):
            if isinstance(dep.setdefault(key, {}), dict):
                merge(dep[key], value, dialect)
        elif isinstance(value, list):
            if isinstance(dep.setdefault(key, []), list):
                dep[key] += [item for item in copied(value) if item not in dep[key]]
        else:
            dep[key] = value
