"""What `cm dockerfile script` leaves: a folder to build an image from, without cm."""

from __future__ import annotations

import os

from cmcore.errors import CmError, StorageError
from cmcore.hints import TYPE_CHECKING
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_docker.image import Prepared
    from cm_docker.options import Wishes

_FOLDER = "cm-container"


def write(wishes: Wishes, prepared: Prepared, command: tuple[str, ...], form: str) -> Result:
    """Write the build folder, all of it or nothing, and say how to build from it.

    Args:
        wishes: `file` and `folder` say where.
        prepared: what is written.
        command: the recipe's command inside; the image's own when nobody names another.
        form: `containerfile` or `definition`.

    Raises:
        CmError: the folder holds something else.
        StorageError: it cannot be written.
    """
    from shlex import quote

    folder = os.path.abspath(os.path.expanduser(wishes.folder or _FOLDER))
    name = os.path.basename(prepared.file)
    text = with_command(prepared.text, command) if form == "containerfile" else prepared.text
    if os.path.lexists(folder) and not _ours(folder, name):
        raise CmError(
            "this folder holds something else",
            where=folder,
            hint="name another one: --docker.folder=FOLDER",
        )
    file = os.path.abspath(os.path.expanduser(wishes.file)) if wishes.file else ""
    try:
        _replace(prepared.folder, folder, name, text)
        if file and file != os.path.join(folder, name):
            from cmcore.storage import write_atomic

            write_atomic(file, text)
    except OSError as error:
        raise StorageError(
            f"it cannot be written: {error.strerror}", where=str(error.filename or folder)
        ) from None
    file = file or os.path.join(folder, name)
    if form == "definition":
        build = f"apptainer build --fakeroot image.sif {quote(file)}"
    else:
        build = f"podman build -t {quote(prepared.tag)} -f {quote(file)} {quote(folder)}"
    data = {"file": file, "folder": folder, "image": prepared.tag, "command": list(command)}
    return Result({**data, "text": text}, view=f"{file}\nto build it: {build}")


def with_command(text: str, command: tuple[str, ...]) -> str:
    """The Containerfile with the recipe's command as its last line."""
    import json

    lines = [line for line in text.rstrip("\n").split("\n") if not line.startswith("CMD ")]
    return "\n".join([*lines, f"CMD {json.dumps(list(command), ensure_ascii=False)}", ""])


def _ours(folder: str, name: str) -> bool:
    """Whether a folder is empty, or an earlier one of ours, by the file and the folder in it."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return not names or (name in names and "cm" in names)


def _replace(source: str, folder: str, name: str, text: str) -> None:
    import shutil
    import tempfile

    parent = os.path.dirname(folder)
    os.makedirs(parent, exist_ok=True)
    scratch = tempfile.mkdtemp(dir=parent, prefix=f".{os.path.basename(folder)}-")
    try:
        fresh = os.path.join(scratch, "new")
        shutil.copytree(source, fresh, symlinks=True)
        with open(os.path.join(fresh, name), "w", encoding="utf-8") as out:
            out.write(text)
        if os.path.lexists(folder):
            os.rename(folder, os.path.join(scratch, "old"))
        os.rename(fresh, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
