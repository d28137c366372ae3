"""What is marked as private: recipes, collections, and the packages that carry them.

Private parts enter nothing that is meant for others, such as published images and readmes, unless
somebody asks for it.
"""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmcore.types import Artifact, Collection

#: Meta files of collections, in the order in which they count.
_FILES = ("cmr.yaml", "cmr.json", "meta.yaml", "meta.json")


def recipe(artifact: Artifact) -> bool:
    """Whether a recipe, or what it comes from, is private."""
    return bool(artifact.meta.get("private")) or collection(artifact.collection)


def collection(place: Collection) -> bool:
    """Whether a collection is private: by its meta, or as the package that carries it."""
    name = place.distribution.partition(" ")[0]
    try:
        meta = collection_meta(place.path)
    except CmError:
        meta = {}
    return bool(meta.get("private")) or (bool(name) and distribution(name))


def collection_meta(folder: str) -> dict[str, Any]:
    """What a collection says about itself; {} when it has no meta file, or one without keys.

    Raises:
        StorageError: the file cannot be read.
    """
    from cmcore.storage import read_json
    from cmcore.yamlio import load_yaml

    for name in _FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            data = load_yaml(path)[0] if name.endswith(".yaml") else read_json(path)
            return data if isinstance(data, dict) else {}
    return {}


def distribution(name: str) -> bool:
    """Whether an installed distribution is private.

    It says so with a classifier that begins with `Private ::`, which package indexes refuse.
    """
    from importlib import metadata

    try:
        found = metadata.metadata(name).get_all("Classifier") or []
    except metadata.PackageNotFoundError:
        return False
    return any(str(classifier).startswith("Private ::") for classifier in found)
