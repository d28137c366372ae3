"""What the files of a data entry held when it was published, and whether they still do.

The list lies in the entry's folder, in `layout.DIGESTS`; the entry's meta holds its SHA-256, so
that neither can change without the other. Each file stands in it with its digest, size and
modification time: a check that believes unchanged sizes and times costs one `stat` per file.
"""

from __future__ import annotations

import os
import time

from cm_cache import host, layout, records, trees
from cmcore import storage
from cmcore.errors import StorageError
from cmcore.hints import Any, Callable, Mapping

#: Key of an entry's meta that sums the list up.
DIGESTS = "digests"

#: Hashing less than this many bytes takes no time that anybody notices.
QUICK = 500_000_000

_BLOCK = 1 << 20


def record(
    folder: str, known: Mapping[str, Any] | None = None, say: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """List the files in `folder` with their digests, durably.

    Args:
        known: digests that need not be computed, by path relative to `folder`.
        say: gets a sentence when it will take a while.

    Returns:
        what belongs into the entry's meta: `files`, `size` in bytes, `sha256` of the list, and
        when and since which start of the machine it is true (`time`, `boot`).

    Raises:
        StorageError: the list cannot be written.
    """
    files: dict[str, list[Any]] = {}
    links: dict[str, str] = {}
    found = [(rel, entry) for rel, entry in trees.walk(folder) if belongs(rel)]
    total = sum(entry.stat(follow_symlinks=False).st_size for _, entry in found)
    if say and total > QUICK:
        from cm_cache.measures import size_text

        say(f"computing the SHA-256 digests of {len(found)} files, {size_text(total)}, in {folder}")
    for rel, entry in found:
        if entry.is_symlink():
            links[rel] = os.readlink(entry.path)
        elif entry.is_file(follow_symlinks=False):
            stat = entry.stat(follow_symlinks=False)
            given = (known or {}).get(rel)
            usable = isinstance(given, str) and len(given) == 64
            digest = str(given).lower() if usable else file_digest(entry.path)
            files[rel] = [digest, stat.st_size, stat.st_mtime_ns]
    return write(folder, files, links)


def write(folder: str, files: dict[str, list[Any]], links: dict[str, str]) -> dict[str, Any]:
    """Keep a list; see `record`.

    Raises:
        StorageError: it cannot be written.
    """
    import hashlib
    import json

    text = json.dumps({"files": files, "links": links}, indent=0, sort_keys=True) + "\n"
    storage.write_atomic(os.path.join(folder, layout.DIGESTS), text)
    return {
        "files": len(files),
        "size": sum(item[1] for item in files.values()),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "time": time.time(),
        "boot": host.boot_id(),
    }


def belongs(relative: str) -> bool:
    """Whether a file is the entry's own content: not the cache's and not the engine's scratch."""
    if os.sep in relative:
        return True
    return relative not in layout.OWN and not relative.startswith((layout.HIDDEN, "tmp-"))


def read(folder: str, summary: Mapping[str, Any]) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The list of the entry in `folder`: files and links.

    Raises:
        StorageError: it is gone or is not the one that `summary` belongs to.
    """
    import hashlib

    path = os.path.join(folder, layout.DIGESTS)
    content = storage.read_bytes(path)
    if hashlib.sha256(content).hexdigest() != summary.get("sha256"):
        raise StorageError(f"{layout.DIGESTS} has been changed", where=path)
    data = records.load_object(path)
    return data["files"], data["links"]


def check(folder: str, meta: Mapping[str, Any], *, deep: bool) -> list[str]:
    """What is not as it was when the entry was published, one clause each; nothing is changed.

    Args:
        deep: compute every digest; otherwise only those of files whose time changed.
    """
    summary = meta.get(DIGESTS)
    if not isinstance(summary, Mapping):
        return []
    try:
        files, links = read(folder, summary)
    except StorageError as error:
        return [error.message]
    except (KeyError, TypeError):
        return [f"{layout.DIGESTS} is not a list of files"]
    problems = [_file_flaw(folder, rel, kept, deep) for rel, kept in files.items()]
    problems += [_link_flaw(folder, rel, target) for rel, target in links.items()]
    return [problem for problem in problems if problem]


def _file_flaw(folder: str, rel: str, kept: list[Any], deep: bool) -> str:
    path = os.path.join(folder, rel)
    try:
        found = os.lstat(path)
        if found.st_size != kept[1]:
            return f"{rel} has {found.st_size} bytes instead of {kept[1]}"
        if (deep or found.st_mtime_ns != kept[2]) and file_digest(path) != kept[0]:
            return f"{rel} has other content than when it was stored (SHA-256 differs)"
    except FileNotFoundError:
        return f"{rel} is gone"
    except OSError as error:
        return f"{rel} cannot be read: {error.strerror}"
    return ""


def _link_flaw(folder: str, rel: str, target: str) -> str:
    try:
        same = os.readlink(os.path.join(folder, rel)) == target
    except OSError:
        return f"the link {rel} is gone"
    return "" if same else f"the link {rel} leads elsewhere"


def file_digest(path: str) -> str:
    """SHA-256 of a file as 64 hexadecimal characters.

    Raises:
        OSError: it cannot be read.
    """
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        block = bytearray(_BLOCK)
        view = memoryview(block)
        while count := file.readinto(block):
            digest.update(view[:count])
    return digest.hexdigest()


def anew(summary: Mapping[str, Any]) -> dict[str, Any]:
    """`summary` for files that were written and found right just now."""
    return {**summary, "time": time.time(), "boot": host.boot_id()}
