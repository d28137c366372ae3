"""Which recipe folders a request means: by path, name or tags, or all of them.

Folders are read, not the index, because a recipe whose meta cannot be parsed is in no index.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmcore.artifacts import META_FILES
from cmcore.errors import NotFoundError
from cmcore.types import Request

if TYPE_CHECKING:
    from cmcore.context import Context


def folders(ctx: Context, request: Request) -> list[str]:
    """Absolute recipe folders, each once, in order.

    Raises:
        NotFoundError: a word is neither a path with recipes, nor a name, nor tags of one.
    """
    if not request.artifacts and not request.flags.get("tags"):
        found = [f for c in ctx.collections.all() for f in below(os.path.join(c.root, "script"))]
        return list(dict.fromkeys(found))
    found = []
    named = []
    for word in request.artifacts:
        some = _at(word) if os.sep in word or word in (os.curdir, os.pardir) else []
        found += some
        if not some:
            named.append(word)
    if named or not request.artifacts:
        for word in named or [""]:
            found += _selected(ctx, request._replace(artifacts=(word,) if word else ()), word)
    return list(dict.fromkeys(found))


def _selected(ctx: Context, request: Request, word: str) -> list[str]:
    from cmcore import actions

    flags = {key: value for key, value in request.flags.items() if key == "tags"}
    try:
        found = actions.show(ctx, request._replace(flags=flags)).data["list"]
    except NotFoundError:
        if word and (some := _at(word)):
            return some
        raise
    return [str(item["path"]) for item in found]


def _at(path: str) -> list[str]:
    """Recipes at a path: one, or those of a `script` folder or of a collection."""
    path = os.path.abspath(path)
    if os.path.isfile(path):
        path = os.path.dirname(path)
    if not os.path.isdir(path):
        return []
    if _has_meta(path) and not os.path.isdir(os.path.join(path, "script")):
        return [path]
    found = below(path) if os.path.basename(path) == "script" else []
    for folder in (path, *(entry for entry in _subfolders(path))):
        found += below(os.path.join(folder, "script"))
    return found


def below(folder: str) -> list[str]:
    """The recipes in a `script` folder."""
    return [path for path in _subfolders(folder) if _has_meta(path)]


def _subfolders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(e.path for e in entries if e.is_dir() and not e.name.startswith("."))
    except OSError:
        return []


def _has_meta(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in META_FILES)
