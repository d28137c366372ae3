"""Parts that are private never get into an image: the container sees them when it runs."""

from __future__ import annotations

import os

from cm_docker.collected import Copied, entry
from cm_docker.containerfile import HOME, ROOT
from cm_docker.records import Mount
from cmcore.hints import TYPE_CHECKING, Any, Container, Iterable, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    from cm_docker.distributions import Used
    from cmcore.context import Context

#: Where a container sees them.
FOLDER = f"{ROOT}/private"


class Apart(NamedTuple):
    """What a container is given when it runs.

    Attributes:
        mounts: folders and files of the host.
        env: variables that make them known.
        names: those of them that are known to be needed, for people.
    """

    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    names: tuple[str, ...] = ()


def distributions(ctx: Context, rows: Sequence[tuple[Used, str]]) -> Apart:
    """Private distributions, unpacked on the host, on the container's PYTHONPATH.

    Args:
        ctx: whose home they are unpacked in.
        rows: distributions with their wheels.

    Raises:
        CmError: there is no wheel to unpack.
        StorageError: it cannot be unpacked.
    """
    mounts, names = [], []
    for used, wheel in rows:
        folder = _unpacked(ctx, used, wheel)
        mounts.append(Mount(folder, f"{FOLDER}/lib/{used.name}"))
        names.append(f"package {used.name}")
    path = ":".join(mount.target for mount in mounts)
    return Apart(tuple(mounts), {"PYTHONPATH": path} if path else {}, tuple(names))


def artifacts(found: Iterable[Copied], needed: Container[str]) -> Apart:
    """Private artifacts of collections that are copied without them.

    Args:
        found: the collections.
        needed: folders of the recipes that are known to be run; only these are named, but a recipe
            may call any other by itself.
    """
    mounts, names = [], []
    for collection in found:
        for hidden in collection.hidden:
            source = os.path.join(collection.source, hidden)
            mounts.append(Mount(source, f"{collection.target}/{hidden}"))
            if source in needed:
                names.append(hidden)
    return Apart(tuple(mounts), {}, tuple(names))


def collections(
    ctx: Context, rows: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, str]]
) -> Apart:
    """Private collections, with a list of collections that names them.

    Args:
        ctx: whose home keeps that list.
        rows: records of the private collections.
        known: entries of the list in the image.

    Raises:
        StorageError: the list cannot be written.
    """
    mounts, entries = [], [dict(one) for one in known]
    for number, row in enumerate(rows, 1):
        source = os.path.abspath(str(row.get("path") or ""))
        if row.get("kind") == "local":
            mounts.append(Mount(source, f"{HOME}/local"))
            continue
        target = f"{FOLDER}/collections/{number}"
        entries.append(entry(row, target, os.path.basename(source)))
        mounts.append(Mount(source, target))
    if len(entries) > len(known):
        mounts.append(Mount(_list(ctx, entries), f"{HOME}/collections.json"))
    names = tuple(f"collection {row.get('name')}" for row in rows)
    return Apart(tuple(mounts), {}, names)


def together(*parts: Apart) -> Apart:
    """All of them as one."""
    env = {key: value for part in parts for key, value in part.env.items()}
    return Apart(
        tuple(mount for part in parts for mount in part.mounts),
        env,
        tuple(name for part in parts for name in part.names),
    )


def listed(entries: Sequence[Mapping[str, str]]) -> bytes:
    """The file that lists an image's collections."""
    import json

    text = json.dumps({"version": 1, "collections": list(entries)}, indent=2, sort_keys=True)
    return (text + "\n").encode()


def _list(ctx: Context, entries: Sequence[Mapping[str, str]]) -> str:
    from cm_docker import buildfolder

    files = {"collections.json": buildfolder.File(listed(entries))}
    name = f"list-{buildfolder.digest(files)[:16]}"
    return os.path.join(buildfolder.write(ctx, name, files), "collections.json")


def _unpacked(ctx: Context, used: Used, wheel: str) -> str:
    import zipfile

    from cm_docker import buildfolder
    from cmcore.errors import CmError

    if not wheel:
        raise CmError(
            f"{used.name} is private and was installed from an index, so that a container cannot"
            " be given its files",
            hint="install it from a checkout or a wheel, or allow it in the image with"
            " --docker.include_private",
        )
    with zipfile.ZipFile(wheel) as archive:
        files = {
            entry.filename: buildfolder.File(archive.read(entry))
            for entry in archive.infolist()
            if not entry.is_dir()
        }
    return buildfolder.write(ctx, f"private-{used.name}-{buildfolder.digest(files)[:16]}", files)
