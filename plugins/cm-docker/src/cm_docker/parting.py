"""In which order recipes get into an image, so that a change of one keeps what others have made.

Before each step that makes something ahead only those recipes are copied that it needs and that are
not there yet. The recipe that was asked for, which its author is perhaps working on, and all others
come last.
"""

from __future__ import annotations

import os

from cm_docker.buildfolder import File, copy_of
from cm_docker.collected import Copied
from cm_docker.containerfile import ROOT
from cmcore.hints import Any, Iterable, Mapping, NamedTuple, Sequence

_Row = Mapping[str, Any]

#: Words in a recipe's code by which it may call recipes that no plan knows of.
_CALLS = (b"access(", b"cm run", b"cmr ", b"mlcr ", b"mlc run")


class Recipes(NamedTuple):
    """Recipes of the collections that are copied.

    Attributes:
        common: files that belong to no recipe: path below `/opt/cm` -> file.
        own: folder on the host -> files of the recipe in it.
        folders: UID -> folder on the host, of the plan's recipes.
        root: folder of the recipe that was asked for, or "".
    """

    common: dict[str, File]
    own: dict[str, dict[str, File]]
    folders: Mapping[str, str]
    root: str


def sorted_out(found: Iterable[Copied], about: _Row) -> Recipes:
    """Which file belongs to which recipe."""
    common: dict[str, File] = {}
    own: dict[str, dict[str, File]] = {}
    for one in found:
        place = one.target.removeprefix(f"{ROOT}/")
        recipes = _folders(one.files)
        for name, path in one.files.items():
            file = copy_of(path, shared=not one.name)
            recipe = _within(name, recipes)
            if recipe:
                folder = os.path.join(one.source, recipe)
                own.setdefault(folder, {})[f"{place}/{name}"] = file
            else:
                common[f"{place}/{name}"] = file
    rows = [row for row in about.get("recipes") or () if row.get("path")]
    folders = {str(row.get("uid")): os.path.abspath(str(row["path"])) for row in rows}
    asked = (about.get("recipe") or {}).get("path")
    return Recipes(common, own, folders, os.path.abspath(str(asked)) if asked else "")


def parts(recipes: Recipes, needs: Sequence[Iterable[str] | None]) -> list[dict[str, File]]:
    """What is copied before the first step, before each further one, and after the last.

    Args:
        recipes: all of them.
        needs: for each step UIDs or folders of the recipes that it runs, None when that is not
            known.

    Returns:
        one dictionary for each step and one more; any of them may be empty.
    """
    left = dict(recipes.own)
    made: list[dict[str, File]] = []
    for number, names in enumerate(needs):
        part = dict(recipes.common) if number == 0 else {}
        for folder in _needed(recipes, names, left):
            part.update(left.pop(folder))
        made.append(part)
    last = {} if made else dict(recipes.common)
    for files in left.values():
        last.update(files)
    return [*made, last]


def _needed(
    recipes: Recipes, names: Iterable[str] | None, left: Mapping[str, Mapping[str, File]]
) -> list[str]:
    folders: list[str] = []
    if names is not None:
        folders = [recipes.folders.get(name, name) for name in names]
        known = all(folder in recipes.own for folder in folders)
        if known and not any(_calls(recipes.own[folder]) for folder in folders):
            return [folder for folder in dict.fromkeys(folders) if folder in left]
    # What was asked for may be among its own tools: a library that asks for pip.
    return [folder for folder in left if folder != recipes.root or folder in folders]


def _calls(files: Mapping[str, File]) -> bool:
    """Whether a recipe's own code may run recipes besides its dependencies."""
    from cmcore.storage import read_bytes

    code = (file.source for name, file in files.items() if name.endswith((".py", ".sh")))
    return any(word in text for text in map(read_bytes, code) for word in _CALLS)


def _folders(files: Iterable[str]) -> set[str]:
    """Folders of recipes: `script/<recipe>` with a meta file in it."""
    from cmcore.artifacts import META_FILES

    found = set()
    for name in files:
        folder, base = os.path.split(name)
        if base in META_FILES and os.path.basename(os.path.dirname(folder)) == "script":
            found.add(folder)
    return found


def _within(name: str, folders: set[str]) -> str:
    folder = os.path.dirname(name)
    while folder:
        if folder in folders:
            return folder
        folder = os.path.dirname(folder)
    return ""
