"""Collections of recipes that are copied into an image, without what does not belong there."""

from __future__ import annotations

import os

from cmcore.hints import Any, Iterable, Iterator, Mapping, NamedTuple

#: Folders that are made from others, or belong to tools of the author.
ASIDE = frozenset(
    (
        *("__pycache__", ".git", ".hg", ".svn", ".tox", ".nox", ".venv", ".mypy_cache"),
        *(".ruff_cache", ".pytest_cache", ".cache", ".idea", ".vscode", "node_modules"),
    )
)


class Copied(NamedTuple):
    """One collection in an image.

    Attributes:
        name: its folder below `collections`, or "" for the local one, which has its own place.
        target: absolute folder in the image.
        files: path in the collection -> absolute path on the host.
        hidden: folders of private artifacts that were left out, relative to the collection.
        entry: what the image's list of collections says of it; empty for the local one.
        source: absolute folder on the host.
    """

    name: str
    target: str
    files: Mapping[str, str]
    hidden: tuple[str, ...]
    entry: Mapping[str, str]
    source: str


def copied(
    rows: Iterable[Mapping[str, Any]], home: str, *, private: bool, folder: str
) -> list[Copied]:
    """The collections of a plan's recipes, as they are to be in an image, in the plan's order.

    Args:
        rows: records of collections: `name`, `uid`, `path`, `kind`.
        home: CM_HOME in the image.
        private: whether private artifacts are to be copied, too.
        folder: absolute folder in the image for all but the local one.
    """
    found: dict[str, Copied] = {}
    names: set[str] = set()
    for row in rows:
        path = os.path.abspath(str(row.get("path") or ""))
        if path in found or not os.path.isdir(path):
            continue
        files, hidden = listed(path, private=private)
        if row.get("kind") == "local":
            found[path] = Copied("", f"{home}/local", files, hidden, {}, path)
            continue
        name = _free(str(row.get("name") or os.path.basename(path)), names)
        target = f"{folder}/{name}"
        found[path] = Copied(name, target, files, hidden, entry(row, target, name), path)
    return list(found.values())


def entry(row: Mapping[str, Any], target: str, name: str) -> dict[str, str]:
    """What a list of collections says of one that lies at `target`; `name` if it has none."""
    uid = {"uid": str(row["uid"])} if row.get("uid") else {}
    return {"path": target, "name": str(row.get("name") or name), **uid}


def listed(path: str, *, private: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """Files of a collection, and the folders of private artifacts among them that are left out.

    A link to a file becomes the file; links to folders are left out, as they may lead anywhere.
    """
    files: dict[str, str] = {}
    hidden: list[str] = []
    for top, folders, names in os.walk(path):
        if not private and top != path and is_private(top, names):
            hidden.append(os.path.relpath(top, path))
            folders[:] = []
            continue
        folders[:] = sorted(n for n in folders if n not in ASIDE and not n.startswith(".cm-"))
        for name in sorted(names):
            source = os.path.join(top, name)
            if not name.endswith((".pyc", ".pyo")) and os.path.isfile(source):
                files[os.path.relpath(source, path)] = source
    return files, tuple(sorted(hidden))


def is_private(folder: str, names: Iterable[str]) -> bool:
    """Whether the artifact in a folder says `private: true` in its meta.

    A meta that cannot be read but speaks of `private` counts as private.
    """
    return any(_marked(os.path.join(folder, name)) for name in _metas(names))


def _metas(names: Iterable[str]) -> Iterator[str]:
    from cmcore.artifacts import META_FILES

    present = set(names)
    return (name for name in META_FILES if name in present)


def _marked(path: str) -> bool:
    from cmcore.errors import StorageError
    from cmcore.storage import read_bytes
    from cmcore.yamlio import parse_yaml

    try:
        content = read_bytes(path)
        if b"private" not in content:
            return False
        parsed = parse_yaml(content, path)[0]
    except StorageError:
        return True
    return bool(parsed.get("private")) if isinstance(parsed, dict) else False


def _free(name: str, taken: set[str]) -> str:
    """A folder name that every tool can stand, and that no other collection has."""
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "-_.@") else "-" for c in name)
    base = clean.strip(".-") or "collection"
    chosen, number = base, 2
    while chosen in taken:
        chosen, number = f"{base}-{number}", number + 1
    taken.add(chosen)
    return chosen
