"""The file that lists the registered collections."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any, Callable
from cmcore.jsontext import loads

if TYPE_CHECKING:
    from cmcore.locking import Lock

_VERSION = 1
_LOCK_SECONDS = 60.0

#: One registered folder: `path`, and `name` and `uid` where they overrule the folder's own meta.
Entry = dict[str, Any]


class CollectionFile:
    """Entries in the order they were registered; read again whenever the file's text changes.

    Beside it lies a copy, written after it, for the day on which the file is damaged or gone.

    Args:
        path: the file.
        lock_path: lock to hold from `load` to `save`.
        warn: is told about a file that cannot be used.
    """

    def __init__(self, path: str, lock_path: str, warn: Callable[[str], None]) -> None:
        self._path = path
        self._copy_path = f"{path}.copy"
        self._lock_path = lock_path
        self._warn = warn
        self._text: bytes | None = None
        self._entries: list[Entry] = []
        self._damaged = False

    def locked(self) -> Lock:
        """Context manager around a change."""
        from cmcore.storage import lock

        return lock(self._lock_path, what="the list of collections", timeout=_LOCK_SECONDS)

    def load(self) -> list[Entry]:
        """The entries; of a damaged file those that can be read, with a warning."""
        try:
            with open(self._path, "rb") as file:
                text = file.read()
        except FileNotFoundError:
            text = b""
        except OSError as error:
            from cmcore.storage import storage_error

            self._warn(str(storage_error(error, self._path, "read the list of collections")))
            return self._copied("cannot be read")
        if text != self._text:
            self._text = text
            self._entries = self._parse(text)
        return self._entries

    def _copied(self, flaw: str) -> list[Entry]:
        """The entries of the copy; none, in silence, when there is no good one."""
        try:
            with open(self._copy_path, "rb") as file:
                entries = [e for e in loads(file.read())["collections"] if _usable(e)]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return []
        if entries:
            self._warn(
                f"{self._path} {flaw}: {len(entries)} registered collection(s) are known from its"
                " copy; the next registration writes it anew"
            )
        return entries

    def save(self, entries: list[Entry]) -> None:
        """Replace the entries; a damaged file is kept beside the new one.

        Raises:
            StorageError: it cannot be written.
        """
        from cmcore.storage import make_dir, write_atomic

        make_dir(os.path.dirname(self._path))
        if self._damaged and self._text:
            write_atomic(f"{self._path}.damaged-{os.urandom(4).hex()}", self._text)
        import json

        text = json.dumps({"version": _VERSION, "collections": entries}, indent=2) + "\n"
        write_atomic(self._path, text)
        write_atomic(self._copy_path, text)

    def _parse(self, text: bytes) -> list[Entry]:
        self._damaged = False
        if not text:
            return self._copied("is empty or gone")
        entries: list[Entry] = []
        try:
            listed = loads(text)["collections"]
            entries = [e for e in listed if isinstance(e, dict) and _usable(e)]
            self._damaged = len(entries) != len(listed)
        except (ValueError, KeyError, TypeError, RecursionError):
            self._damaged = True
            entries = self._copied("is damaged")
            if entries:
                return entries
        if self._damaged:
            self._warn(
                f"{self._path} is damaged: {len(entries)} registered collection(s) could be read;"
                " the next registration keeps the damaged file beside it"
            )
        return entries


def _usable(entry: Entry) -> bool:
    return bool(entry.get("path")) and all(
        isinstance(entry.get(key, ""), str) for key in ("path", "name", "uid")
    )
