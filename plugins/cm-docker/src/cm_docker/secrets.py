"""A private folder for what a container may know and nobody else: gone when the command ends.

A command that is killed cannot remove its folder; the next one of the same user does.
"""

from __future__ import annotations

import os

from cm_docker.engines import marks
from cmcore.errors import StorageError
from cmcore.hints import Any, Mapping

_NAME = "cm-docker-"


class Private:
    """Context manager: a folder that only its owner may enter, in memory where there is such.

    The files in it can be read by anybody who gets there, because a container's user may be
    another one; the folder keeps everybody else out.

    Attributes:
        folder: absolute path.

    Raises:
        StorageError: (on entry, and by the writers) no place for it can be had.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.folder = ""
        self._environ = environ

    def __enter__(self) -> Private:
        problem = ""
        for base in _bases(self._environ):
            clear(base)
            name = f"{_NAME}{os.getpid()}-{_born(os.getpid())}-{os.urandom(4).hex()}"
            try:
                os.mkdir(os.path.join(base, name), 0o700)
            except OSError as error:
                problem = f"{base}: {error.strerror}"
                continue
            self.folder = os.path.join(base, name)
            return self
        raise StorageError("no private folder can be made", where=problem)

    def __exit__(self, *_: object) -> None:
        _remove(self.folder)

    def write(self, name: str, text: str) -> str:
        """Write one file; its absolute path. The text is data: no line break is added."""
        path = os.path.join(self.folder, name)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(path, flags, 0o444), "wb") as file:
                file.write(text.encode("utf-8", "surrogateescape"))
            os.chmod(path, 0o444)
        except OSError as error:
            raise StorageError(
                f"a secret cannot be handed over: {error.strerror}", where=self.folder
            ) from None
        return path

    def write_json(self, name: str, data: Mapping[str, Any]) -> str:
        """Write one file with JSON."""
        import json

        return self.write(name, json.dumps(data))

    def subfolder(self, name: str, mode: int = 0o700) -> str:
        """Make a folder in it."""
        path = os.path.join(self.folder, name)
        try:
            os.mkdir(path)
            os.chmod(path, mode)
        except OSError as error:
            raise StorageError(
                f"a private folder cannot be made: {error.strerror}", where=path
            ) from None
        return path


def clear(base: str) -> list[str]:
    """Remove the folders of this user's commands that are no more; which ones."""
    gone = []
    try:
        names = os.listdir(base)
    except OSError:
        return []
    for name in names:
        if not name.startswith(_NAME):
            continue
        path = os.path.join(base, name)
        try:
            mine = os.lstat(path).st_uid == os.getuid() and not os.path.islink(path)
        except OSError:
            continue
        pid, _, born = name[len(_NAME) :].rpartition("-")[0].partition("-")
        if mine and not (pid.isdigit() and _born(int(pid)) == born):
            _remove(path)
            gone.append(path)
    return gone


def _bases(environ: Mapping[str, str]) -> list[str]:
    """Where it may lie, the best first: in memory, and the user's own."""
    import tempfile

    found = []
    for base in (environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm", tempfile.gettempdir()):
        if base and os.path.isabs(base) and os.path.isdir(base) and os.access(base, os.W_OK):
            found.append(base)
    return found


def _born(pid: int) -> str:
    """What names one process together with its number; "0" where nothing tells its beginning."""
    return marks.start(pid) or ("0" if marks.answers(pid) else "")


def _remove(folder: str) -> None:
    """Remove a folder and all in it; what another user left in there is taken if it can be."""
    if not folder:
        return
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
