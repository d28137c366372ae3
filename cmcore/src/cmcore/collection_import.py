"""Take over what an existing CM or MLCFlow home has registered."""

from __future__ import annotations

import os

from cmcore.artifacts import META_FILES
from cmcore.collection_meta import subfolders
from cmcore.collections import Collections
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.hints import Mapping, NamedTuple
from cmcore.types import Collection

#: UID of the collection inside the cmind package: its own engine, of no use to anyone else.
_CM_INTERNAL_UID = "36b263b05174aef9"


class Taken(NamedTuple):
    """What an import did.

    Attributes:
        home: folder it was taken from.
        taken: newly registered collections.
        known: collections that were registered before.
        skipped: (path, reason).
    """

    home: str
    taken: tuple[Collection, ...]
    known: tuple[Collection, ...]
    skipped: tuple[tuple[str, str], ...]


def default_source(kind: str, environ: Mapping[str, str]) -> str:
    """The home of CM (`cm`: $CM_REPOS or ~/CM) or MLCFlow (`mlc`: $MLC_REPOS or ~/MLC/repos).

    Raises:
        UsageError: another kind.
    """
    if kind == "cm":
        return environ.get("CM_REPOS", "").strip() or os.path.expanduser("~/CM")
    if kind == "mlc":
        return environ.get("MLC_REPOS", "").strip() or os.path.expanduser("~/MLC/repos")
    raise UsageError(f"homes of kind '{kind}' are unknown", hint="known are cm and mlc")


def import_home(
    collections: Collections,
    kind: str,
    path: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Taken:
    """Register, in place, every collection that a home has registered, and its local one.

    Local ones are called `cm-local` and `mlc-local` here.

    Args:
        collections: where to register them.
        kind: `cm` or `mlc`.
        path: the home, instead of the one that the environment chooses.
        environ: environment to look in.

    Raises:
        NotFoundError: no such home.
        StorageError: its list is damaged.
    """
    home = os.path.abspath(
        os.path.expanduser(path or default_source(kind, os.environ if environ is None else environ))
    )
    if kind not in ("cm", "mlc"):
        default_source(kind, {})
    local = os.path.join(home, "repos", "local") if kind == "cm" else os.path.join(home, "local")
    listed = _listed(home, kind)
    paths = [p for p in listed if os.path.realpath(p) != os.path.realpath(local)]
    taken: list[Collection] = []
    known: list[Collection] = []
    skipped: list[tuple[str, str]] = []
    for candidate in [*paths, local]:
        reason = _refusal(candidate, candidate == local)
        if reason:
            skipped.append((candidate, reason))
            continue
        before = collections.is_registered(candidate)
        try:
            if candidate == local:
                # Every home's local collection has the same alias and UID.
                collection = collections.add(candidate, f"{kind}-local", uid="")
            else:
                collection = collections.add(candidate)
        except CmError as error:
            skipped.append((candidate, str(error)))
            continue
        (known if before else taken).append(collection)
    return Taken(home, tuple(taken), tuple(known), tuple(skipped))


def _listed(home: str, kind: str) -> list[str]:
    from cmcore.storage import read_json

    path = os.path.join(home, "repos.json")
    if not os.path.isfile(path):
        raise NotFoundError(
            f"no {'CM' if kind == 'cm' else 'MLCFlow'} home: there is no {path}",
            hint="name it with --path=FOLDER",
        )
    data = read_json(path)
    listed = data if isinstance(data, list) else []
    found = [os.path.abspath(os.path.expanduser(p.strip())) for p in listed if _is_path(p)]
    return list(dict.fromkeys(found))


def _is_path(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _refusal(path: str, is_local: bool) -> str:
    from cmcore.collection_meta import Memo

    if not os.path.isdir(path):
        return "the folder is missing"
    if is_local and not any(_artifacts(folder) for folder in subfolders(path)):
        return "it holds no artifacts"
    if Memo("").facts(path).uid == _CM_INTERNAL_UID:
        return "it is a part of CM itself"
    return ""


def _artifacts(folder: str) -> bool:
    return any(
        os.path.isfile(os.path.join(artifact, name))
        for artifact in subfolders(folder)
        for name in META_FILES
    )
