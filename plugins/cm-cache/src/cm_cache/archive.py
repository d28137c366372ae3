"""One file that holds entries: a tar of their files, and a manifest with the digest of each.

    entries/<uid>/<path>    the files of each entry, regular files only
    manifest.json           last, so that a file that was cut short has none

Folders, links and modification times stand in the manifest. Links are `inner/path` or
`../inner/path` within their entry, or `cache:<uid>/inner/path` into another one.
"""

from __future__ import annotations

import io
import os
import time

from cm_cache import digests, host, layout, records, trees
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any, Collection, Iterable, Mapping

if TYPE_CHECKING:
    import tarfile

    from cm_cache.records import Record
    from cm_cache.shelf import Shelf

FORMAT, VERSION = "cm-cache-archive", 1
MANIFEST = "manifest.json"
ENTRIES = "entries/"
#: How a link into an entry begins in the manifest.
TO_CACHE = "cache:"

_LEFT_OUT = (
    *(layout.USED, layout.DOUBT, layout.VERIFIED, layout.LOCK, layout.LOCK + ".owner"),
    *(layout.BUILDING, layout.PREVIOUS, layout.PREVIOUS_STATE),
)


def write(
    path: str,
    shelf: Shelf,
    found: Iterable[Record],
    *,
    skip_links: bool = False,
) -> dict[str, Any]:
    """Write the entries into the new file `path`; gives back the manifest.

    Args:
        skip_links: leave out links that lead out of the cache, instead of refusing them.

    Raises:
        StorageError: an entry is damaged, changed meanwhile, or cannot be taken along.
        OSError: the file cannot be written.
    """
    import json
    import tarfile

    entries = []
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for record in found:
            entry = _describe(shelf, record, skip_links)
            for rel, about in entry["files"].items():
                about[0] = _add(tar, shelf.folder(record.uid), record.uid, rel, about)
            _compare(shelf, record, entry["files"])
            entries.append(entry)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "created": time.time(),
            "host": host.identity(),
            "entries": entries,
        }
        text = json.dumps(manifest, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mtime = len(text), int(time.time())
        tar.addfile(info, io.BytesIO(text))
    return manifest


def _describe(shelf: Shelf, record: Record, skip_links: bool) -> dict[str, Any]:
    folder = shelf.folder(record.uid)
    files: dict[str, list[Any]] = {}
    links: dict[str, str] = {}
    for rel, found in trees.walk(folder):
        if rel in _LEFT_OUT:
            continue
        stat = found.stat(follow_symlinks=False)
        if found.is_symlink():
            target = portable(shelf.root, record, rel, os.readlink(found.path))
            if target:
                links[rel] = target
            elif not skip_links:
                raise StorageError(
                    f"cache entry {record.uid} holds a link out of the cache:"
                    f" {rel} -> {os.readlink(found.path)}",
                    where=found.path,
                    hint="--skip-links leaves such links out",
                )
        elif found.is_file(follow_symlinks=False):
            files[rel] = ["", stat.st_size, stat.st_mtime_ns, stat.st_mode & 0o777]
    folders = {}
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                folders[os.path.relpath(path, folder)] = os.stat(path).st_mode & 0o777
    meta = record.meta
    return {
        "uid": record.uid,
        "root": records.text(meta.get("root")) or shelf.root,
        "tags": list(record.tags),
        "version": record.version,
        "key_digest": record.digest,
        "depends": records.depends(meta),
        "files": files,
        "folders": folders,
        "links": links,
    }


def portable(root: str, record: Record, rel: str, target: str) -> str:
    """A link's target as the manifest has it; "" when it leads out of the cache."""
    folder = os.path.join(root, record.uid)
    parent = os.path.dirname(os.path.join(folder, rel))
    if not os.path.isabs(target) and inner_target(rel, target):
        return target
    # Where the text of a target says nothing sure, where it leads to decides.
    real = os.path.realpath(os.path.join(parent, target))
    base = os.path.realpath(root)
    if not real.startswith(base + os.sep):
        return ""
    uid, _, rest = real[len(base) + 1 :].partition(os.sep)
    if uid != record.uid and uid not in records.depends(record.meta):
        return ""
    return f"{TO_CACHE}{uid}/{rest}"


def inner_target(rel: str, target: str) -> bool:
    """Whether a relative link at `rel` surely stays within its entry.

    A `..` behind a name could leave it by way of another link, so it may only stand in front.
    """
    parts = target.split("/")
    ups = 0
    while ups < len(parts) and parts[ups] in ("..", "."):
        ups += 1
    climbs = parts[:ups].count("..")
    return bool(target) and ".." not in parts[ups:] and climbs <= rel.count("/") and parts[0] != ""


def _add(tar: tarfile.TarFile, folder: str, uid: str, rel: str, about: list[Any]) -> str:
    import tarfile

    path = os.path.join(folder, rel)
    info = tarfile.TarInfo(f"{ENTRIES}{uid}/{rel}")
    info.size, info.mtime, info.mode = about[1], about[2] // 10**9, about[3]
    try:
        with open(path, "rb") as file:
            reader = Hashing(file)
            tar.addfile(info, reader)
            more = file.read(1)
    except OSError as error:
        raise StorageError(
            f"cannot read a file of cache entry {uid}: {error}", where=path
        ) from error
    if more:
        raise StorageError(f"a file of cache entry {uid} grew while it was read", where=path)
    return reader.digest()


def _compare(shelf: Shelf, record: Record, files: Mapping[str, list[Any]]) -> None:
    summary = record.meta.get(digests.DIGESTS)
    if not isinstance(summary, Mapping):
        return
    try:
        recorded = digests.read(shelf.folder(record.uid), summary)[0]
    except StorageError as error:
        raise StorageError(f"cache entry {record.uid} is damaged: {error.message}") from error
    for rel, kept in recorded.items():
        if rel not in files or files[rel][0] != kept[0]:
            raise StorageError(
                f"cache entry {record.uid} is damaged: {rel} is not what was stored",
                where=shelf.folder(record.uid),
                hint="`cm verify cache --deep` finds everything that is damaged",
            )


class Hashing(io.RawIOBase):
    """A file to read from, that computes the SHA-256 of what was read."""

    def __init__(self, file: Any) -> None:
        import hashlib

        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        block: bytes = self._file.read(size)
        self._digest.update(block)
        return block

    def digest(self) -> str:
        """The digest of everything read so far."""
        return self._digest.hexdigest()


def safe(relative: object, *, known: Collection[str] = ()) -> bool:
    """Whether `relative` names something below an entry's folder, whoever wrote it."""
    if not isinstance(relative, str) or not relative or "\0" in relative or "\\" in relative:
        return False
    parts = relative.split("/")
    return not any(part in ("", ".", "..") for part in parts) and relative not in known
