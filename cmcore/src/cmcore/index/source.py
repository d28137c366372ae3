"""Access to the index database that never fails for the database's sake."""

from __future__ import annotations

import os
from _thread import RLock  # as `threading` gives it, whose import costs 1 ms

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Callable, TypeVar

if TYPE_CHECKING:
    from cmcore import sqlite
    from cmcore.index.database import Database, Scope

_T = TypeVar("_T")


class Hold:
    """See `Source.hold`."""

    __slots__ = ("_source",)

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        self._source.begin_hold()

    def __exit__(self, *_: object) -> None:
        self._source.end_hold()


class Source:
    """Answers questions about one folder after bringing it up to date.

    A damaged file is made anew. One that cannot be read or written is replaced, for this process,
    by a copy in memory.

    Args:
        path: the index file.

    Attributes:
        lock: held during a question; hold it around several that belong together.
    """

    def __init__(self, path: str) -> None:
        self.lock = RLock()
        self._path = path
        self._database: Database | None = None
        self._orphans: list[Database] = []
        self._mended = False
        self._scopes: dict[tuple[str, str], Scope | None] = {}
        self._checked: set[tuple[str, str]] = set()
        self._holds = 0
        self._warnings: dict[str, None] = {}
        self._said: set[str] = set()

    def ask(
        self, root: str, noun: str, question: Callable[[Database, Scope], _T], nothing: _T
    ) -> _T:
        """What `question` answers about `<root>/<noun>`; `nothing` when there is no such folder."""
        from cmcore import sqlite

        if not noun or noun.startswith(".") or os.sep in noun:
            return nothing
        with self.lock:
            # Once more after the file was mended, and once after it was given up.
            for last in (False, False, True):
                try:
                    database = self._open()
                    scope = self._fresh(database, root, noun)
                    return nothing if scope is None else question(database, scope)
                except sqlite.Error as error:
                    if last:
                        raise
                    self._recover(error)
        return nothing

    def hold(self) -> Hold:
        """Within: compare each folder with its files only once."""
        return Hold(self)

    def begin_hold(self) -> None:
        """What `Hold` does at its beginning."""
        with self.lock:
            if not self._holds:
                self._checked.clear()
            self._holds += 1

    def end_hold(self) -> None:
        """What `Hold` does at its end."""
        with self.lock:
            self._holds -= 1

    @property
    def held(self) -> bool:
        """Whether a `hold` is on."""
        return self._holds > 0

    def changed(self) -> None:
        """Compare again even within `hold`."""
        with self.lock:
            self._checked.clear()

    def warn(self, text: str) -> None:
        """Have `warnings` tell it."""
        self._warnings.setdefault(text)

    def warnings(self) -> list[str]:
        """What was not told before."""
        with self.lock:
            new = [text for text in self._warnings if text not in self._said]
            self._said.update(new)
        return new

    def close(self) -> None:
        """Give the file back."""
        with self.lock:
            if self._database is not None and self._database.pid == os.getpid():
                self._database.close()
            self._database = None
            self._scopes.clear()
            self._checked.clear()

    def _open(self) -> Database:
        from cmcore.index.database import Database

        found = self._database
        if found is not None and found.pid != os.getpid():
            # SQLite forbids to use, or to close, a connection of the process we were forked from.
            self._orphans.append(found)
            self._scopes.clear()
            self._checked.clear()
            found = None
        if found is None:
            if not os.path.isdir(os.path.dirname(self._path)):
                from cmcore.storage import make_dir

                try:
                    make_dir(os.path.dirname(self._path))
                except CmError:
                    pass  # opening fails as well then, and says so
            found = Database(self._path)
        self._database = found
        return found

    def _fresh(self, database: Database, root: str, noun: str) -> Scope | None:
        from cmcore.index.updating import update

        key = root, noun
        if self._holds and key in self._checked:
            return self._scopes.get(key)
        updated = update(database, root, noun, self._scopes.get(key))
        if updated.problem:
            self.warn(updated.problem)
        self._scopes[key] = updated.scope
        self._checked.add(key)
        return updated.scope

    def _recover(self, error: sqlite.Error) -> None:
        from cmcore import sqlite
        from cmcore.index.database import Database
        from cmcore.index.mending import inode_of, is_damage, replace_damaged

        reason = str(error)
        broken, self._database = self._database, None
        self._scopes.clear()
        self._checked.clear()
        if is_damage(error) and not self._mended:
            self._mended = True
            inode = broken.inode if broken is not None else inode_of(self._path)
            if broken is not None:
                broken.close()
            try:
                self._database = replace_damaged(self._path, inode)
            except (sqlite.Error, CmError, OSError) as failure:
                reason = str(failure)
            else:
                self.warn(f"the index {self._path} was damaged ({error}) and has been made anew")
                return
        self.warn(
            f"the index {self._path} cannot be used ({reason}); searching takes longer without it"
        )
        usable = broken is not None and not is_damage(error)
        self._database = broken.copy() if broken is not None and usable else Database("")
        if broken is not None:
            broken.close()
