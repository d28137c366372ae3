"""The output folder: written beside its place, locked, and put there whole at the end."""

from __future__ import annotations

from cmcore.hints import Any

#: The file that only a finished run has; a folder with it may be replaced by a new run.
FACTS = "harness.json"


class Folder:
    """`path` in the making: everything is written to `path` + ".tmp".

    Raises:
        CmError: with exit code 2: another process writes there, or something else is in the way.
        StorageError: the folder cannot be made.
    """

    def __init__(self, path: str) -> None:
        import fcntl
        import os

        from cmcore import storage
        from cmcore.errors import CmError

        self.path = os.path.abspath(path)
        self.tmp = self.path + ".tmp"
        if os.path.lexists(self.path) and not _ours(self.path):
            raise CmError(
                f"{self.path} exists and is no result of this harness",
                hint="name another output folder, or remove it",
                code=2,
            )
        storage.make_dir(os.path.dirname(self.path))
        while True:
            storage.make_dir(self.tmp)
            self._handle = os.open(self.tmp, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._handle)
                raise CmError(
                    f"another process is writing {self.path}",
                    hint="wait for it or name another output folder",
                    code=2,
                ) from None
            # Its maker may have moved it away between our two calls.
            if _same(self._handle, self.tmp):
                break
            os.close(self._handle)
        # What is in there, a process left behind that was killed.
        for entry in os.scandir(self.tmp):
            if entry.is_dir(follow_symlinks=False):
                storage.remove_tree(entry.path)
            else:
                os.unlink(entry.path)

    def file(self, name: str) -> str:
        """Where to write a file of this name now."""
        import os

        return os.path.join(self.tmp, name)

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the facts and put the folder in its place, replacing an older result.

        Raises:
            StorageError: a file cannot be written or the folder cannot be moved.
        """
        import json
        import os

        from cmcore import storage

        storage.write_atomic(self.file(FACTS), json.dumps(facts, indent=2) + "\n")
        old = f"{self.path}.old-{os.getpid()}"
        if os.path.lexists(self.path):
            storage.rename(self.path, old)
        storage.rename(self.tmp, self.path)
        if os.path.lexists(old):
            storage.remove_tree(old)

    def discard(self) -> None:
        """Remove what was written; an older result stays."""
        import shutil

        shutil.rmtree(self.tmp, ignore_errors=True)


def _ours(path: str) -> bool:
    import os

    if os.path.islink(path) or not os.path.isdir(path):
        return False
    return not os.listdir(path) or os.path.isfile(os.path.join(path, FACTS))


def _same(handle: int, path: str) -> bool:
    import os

    try:
        here = os.stat(path)
    except FileNotFoundError:
        return False
    there = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
