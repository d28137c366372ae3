"""A tree as one file: the same bytes for the same tree, wherever and whenever it is packed."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    import tarfile


def pack(tree: str, target: str) -> int:
    """Write `target` (.tar.gz) with the files of a tree below its own name; gives back its size.

    Order, owners, permissions and times do not depend on the machine: names are sorted, owner is
    0, files are 0644 and folders 0755, every time is 1980-01-01.

    Raises:
        StorageError: the tree cannot be read or the file cannot be written.
    """
    import gzip
    import tarfile

    from cmcore import storage

    part = f"{target}.{os.getpid()}.part"
    top = os.path.basename(os.path.abspath(tree))
    try:
        with (
            open(part, "wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
        ):
            for name in _entries(tree):
                path = os.path.join(tree, name) if name else tree
                entry = archive.gettarinfo(path, f"{top}/{name}" if name else top)
                _neutral(entry)
                if entry.isreg():
                    with open(path, "rb") as file:
                        archive.addfile(entry, file)
                else:
                    archive.addfile(entry)
        os.replace(part, target)
        return os.path.getsize(target)
    except OSError as error:
        raise storage.storage_error(error, target, "write the file") from error
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _entries(tree: str) -> list[str]:
    found = [""]
    for folder, folders, files in os.walk(tree):
        at = os.path.relpath(folder, tree)
        for name in [*folders, *files]:
            found.append(name if at == "." else f"{at.replace(os.sep, '/')}/{name}")
    return sorted(found)


def _neutral(entry: tarfile.TarInfo) -> None:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 315532800
    entry.mode = 0o755 if entry.isdir() else 0o644
