"""Build folders: written as a whole, with the same names, modes and times for the same content."""

from __future__ import annotations

import os

from cm_docker import homefolder
from cmcore.hints import TYPE_CHECKING, Mapping, NamedTuple

if TYPE_CHECKING:
    from cmcore.context import Context

#: Time of every file in a build folder: 1980-01-01, the first day that all archives know.
EPOCH = 315532800


class File(NamedTuple):
    """One file of a build folder.

    Attributes:
        content: its bytes, or None for a copy of `source`.
        source: absolute path of the file to copy.
        program: whether it can be executed.
        shared: whether everybody may write it (in folders of which the same is true).
    """

    content: bytes | None = None
    source: str = ""
    program: bool = False
    shared: bool = False

    @property
    def mode(self) -> int:
        """Its permissions."""
        if self.shared:
            return 0o777 if self.program else 0o666
        return 0o755 if self.program else 0o644


Files = Mapping[str, File]


def copy_of(path: str, *, shared: bool = False) -> File:
    """A copy of a file, a program if its owner may execute it."""
    return File(source=path, program=bool(os.stat(path).st_mode & 0o100), shared=shared)


def digest(files: Files, *more: str) -> str:
    """SHA-256 over names, permissions and contents, and more texts.

    Raises:
        StorageError: a file cannot be read.
    """
    import hashlib

    from cmcore.storage import read_bytes

    summed = hashlib.sha256(repr(more).encode("utf-8", "surrogateescape"))
    for name in sorted(files):
        file = files[name]
        content = read_bytes(file.source) if file.content is None else file.content
        row = f"{name}\0{file.mode:o}\0{hashlib.sha256(content).hexdigest()}\n"
        summed.update(row.encode("utf-8", "surrogateescape"))
    return summed.hexdigest()


def write(ctx: Context, name: str, files: Files) -> str:
    """The folder `<home>/containers/<name>` with these files; `name` says what they are.

    A folder that is there with all its files is taken as it is. Otherwise it appears at once, and
    what killed writers have left is removed.

    Raises:
        StorageError: it cannot be written.
    """
    from cmcore.storage import make_dir, remove_tree

    base = homefolder.containers(ctx)
    folder = os.path.join(base, name)
    make_dir(base)
    with homefolder.build_folders(ctx):
        homefolder.clear(base)
        if os.path.isdir(folder):
            if _whole(folder, files):
                return folder
            remove_tree(folder)
        with homefolder.fresh(folder) as hidden:
            fill(hidden, files)
    return folder


def fill(folder: str, files: Files) -> None:
    """Write the files below a folder that does not exist yet.

    Raises:
        StorageError: a file cannot be read or written; what was written stays.
    """
    import shutil

    from cmcore.storage import storage_error

    path = folder
    try:
        shared = {os.path.dirname(name) for name, file in files.items() if file.shared}
        for name in ("", *_folders(files)):
            path = os.path.join(folder, name)
            os.mkdir(path)
            inside = any(name == one or name.startswith(one + "/") for one in shared)
            os.chmod(path, 0o777 if inside else 0o755)
        for name, file in files.items():
            path = os.path.join(folder, name)
            if file.content is None:
                shutil.copyfile(file.source, path)
            else:
                with open(path, "wb") as target:
                    target.write(file.content)
            os.chmod(path, file.mode)
            os.utime(path, (EPOCH, EPOCH))
        # Last, because each file changes the time of its folder.
        for name in reversed(["", *_folders(files)]):
            os.utime(os.path.join(folder, name), (EPOCH, EPOCH))
    except OSError as error:
        raise storage_error(error, path, "write the build folder") from error


def _folders(files: Files) -> list[str]:
    found: set[str] = set()
    for name in files:
        folder = os.path.dirname(name)
        while folder and folder not in found:
            found.add(folder)
            folder = os.path.dirname(folder)
    return sorted(found)


def _whole(folder: str, files: Files) -> bool:
    """Whether nothing is missing and nothing has another size; contents are not read again."""
    try:
        for name, file in files.items():
            size = os.stat(file.source).st_size if file.content is None else len(file.content)
            if os.stat(os.path.join(folder, name)).st_size != size:
                return False
        there = sum(len(names) for _, _, names in os.walk(folder))
    except OSError:
        return False
    return there == len(files)
