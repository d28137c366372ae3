"""The SQLite file behind the index: opening, mending, writing.

The file is a memory of what was read, shared by all processes; whatever is wrong with it, the
answer comes from the artifacts themselves, only later.
"""

from __future__ import annotations

import os

from cmcore import sqlite
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Iterator, Sequence
from cmcore.index.freshness import EMPTY, Snapshot

if TYPE_CHECKING:
    from cmcore.index.reading import Record

_FORM = 1
_BUSY_SECONDS = 5.0
_SQLITE_BUSY, _SQLITE_LOCKED = 5, 6

_SCHEMA = """
CREATE TABLE scope (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, automation TEXT NOT NULL, version INTEGER NOT NULL,
    listing INTEGER NOT NULL, names TEXT NOT NULL, masks BLOB NOT NULL, prints BLOB NOT NULL,
    racy TEXT NOT NULL, UNIQUE (root, automation));
CREATE TABLE artifact (
    id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, folder TEXT NOT NULL, alias TEXT NOT NULL,
    lower TEXT NOT NULL, uid TEXT NOT NULL, tags TEXT NOT NULL, form TEXT NOT NULL,
    automation_uid TEXT NOT NULL, base TEXT NOT NULL, meta TEXT NOT NULL, remarks TEXT NOT NULL,
    problem TEXT NOT NULL, digest BLOB NOT NULL, UNIQUE (scope, folder));
CREATE INDEX artifact_alias ON artifact (scope, lower);
CREATE INDEX artifact_uid ON artifact (scope, uid);
CREATE INDEX artifact_base ON artifact (scope) WHERE base <> '';
CREATE INDEX artifact_problem ON artifact (scope) WHERE problem <> '';
CREATE TABLE tag (
    scope INTEGER NOT NULL, tag TEXT NOT NULL, artifact INTEGER NOT NULL,
    PRIMARY KEY (scope, tag, artifact)) WITHOUT ROWID;
CREATE INDEX tag_artifact ON tag (artifact);
"""


class Conflict(Exception):
    """Another process changed the same scope first."""


class Scope:
    """An automation's folder in a collection, as stored: identity, version and snapshot.

    `plain` is set once a search found that nothing in this version is hidden, and nothing inherits.
    """

    __slots__ = ("id", "plain", "snapshot", "version")

    def __init__(self, number: int, version: int, snapshot: Snapshot) -> None:
        self.id = number
        self.version = version
        self.snapshot = snapshot
        self.plain = False


class Transaction:
    """Within: what is written is kept as a whole, or not at all; see `Database.transaction`."""

    __slots__ = ("_connection", "_nested")

    def __init__(self, connection: sqlite.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._nested = self._connection.in_transaction
        if not self._nested:
            self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if self._nested:
            return
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            # Still open after a failure, unless SQLite has ended it itself (a full disk).
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


class Database:
    """One connection to the index file, or to a private copy of it in memory.

    Args:
        path: the file; "" for an empty one in memory.

    Raises:
        sqlite.Error: the file cannot be opened, is damaged, or of an unknown form.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.pid = os.getpid()
        self.connection = _connect(path)
        self.inode = os.stat(path).st_ino if path and os.path.exists(path) else 0
        try:
            self._prepare()
        except BaseException:
            self.connection.close()
            raise

    @property
    def private(self) -> bool:
        """True when nobody else sees what is written."""
        return not self.path

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query."""
        return iter(self.connection.execute(sql, values))

    def scope(self, root: str, automation: str, known: Scope | None) -> Scope | None:
        """What is stored of a folder, or None; `known` spares loading what did not change."""
        if known is not None:
            for (version,) in self.rows("SELECT version FROM scope WHERE id = ?", (known.id,)):
                if version == known.version:
                    return known
        for row in self.rows(
            "SELECT id, version, listing, names, masks, prints, racy FROM scope"
            " WHERE root = ? AND automation = ?",
            (root, automation),
        ):
            number, version, listing, names, masks, prints, racy = row
            # As the module `array` would do it, which is one more import.
            numbers = tuple(memoryview(prints).cast("q")) if len(prints) % 8 == 0 else ()
            split = tuple(names.split("/")) if names else ()
            if not len(split) == len(masks) == len(numbers):
                raise sqlite.DatabaseError("the index contradicts itself")
            racy_names = frozenset(racy.split("/")) if racy else frozenset()
            return Scope(number, version, Snapshot(listing, split, masks, numbers, racy_names))
        return None

    def digests(self, scope: Scope | None, names: Iterable[str]) -> dict[str, bytes]:
        """Digests of the known contents of some folders."""
        found: dict[str, bytes] = {}
        if scope is not None:
            for name in names:
                for (digest,) in self.rows(
                    "SELECT digest FROM artifact WHERE scope = ? AND folder = ?", (scope.id, name)
                ):
                    found[name] = digest
        return found

    def store(
        self,
        root: str,
        automation: str,
        old: Scope | None,
        snapshot: Snapshot,
        records: Iterable[Record],
        gone: Iterable[str],
    ) -> Scope:
        """Replace what is known of a folder, within a transaction.

        Raises:
            Conflict: it is no longer `old` that is stored.
            sqlite.Error: it cannot be written.
        """
        number, version = self._store_scope(root, automation, old, snapshot)
        for name in gone:
            self._drop(number, name)
        for record in records:
            self._drop(number, record.folder)
            self._insert(number, record)
        return Scope(number, version, snapshot)

    def transaction(self) -> Transaction:
        """Within: only this process writes, and all of it or nothing. May be nested."""
        return Transaction(self.connection)

    def copy(self) -> Database:
        """A private copy in memory; an empty one when this one cannot be read."""
        private = Database("")

        def stop_when_busy(status: int, remaining: int, total: int) -> None:
            # Without this, sqlite3 would try for ever.
            if status in (_SQLITE_BUSY, _SQLITE_LOCKED):
                raise sqlite.OperationalError("database is locked")

        try:
            self.connection.backup(private.connection, progress=stop_when_busy)
        except sqlite.Error:
            private.close()
            private = Database("")
        return private

    def close(self) -> None:
        """Give the file back; never fails."""
        try:
            self.connection.close()
        except sqlite.Error:
            pass

    def _prepare(self) -> None:
        # A lost write costs a second reading of some files, so no command waits for the disk.
        self.connection.execute("PRAGMA synchronous = NORMAL")
        ((form,),) = self.rows("PRAGMA user_version")
        if form == _FORM:
            return
        if form:
            raise sqlite.DatabaseError(f"unknown form {form}")
        connection = self.connection
        if self.path:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
            except sqlite.OperationalError:
                # Another process is just doing the same; or it works without.
                pass
        with self.transaction():
            ((form,),) = self.rows("PRAGMA user_version")
            if form == 0:
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_FORM}")

    def _store_scope(
        self, root: str, automation: str, old: Scope | None, snapshot: Snapshot
    ) -> tuple[int, int]:
        version = int.from_bytes(os.urandom(7), "big")
        values = (
            version,
            snapshot.listing,
            "/".join(snapshot.names),
            snapshot.masks,
            _packed(snapshot.prints),
            "/".join(sorted(snapshot.racy)),
        )
        if old is None:
            cursor = self.connection.execute(
                "INSERT OR IGNORE INTO scope"
                " (version, listing, names, masks, prints, racy, root, automation)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, root, automation),
            )
            number = cursor.lastrowid
        else:
            cursor = self.connection.execute(
                "UPDATE scope SET version = ?, listing = ?, names = ?, masks = ?, prints = ?,"
                " racy = ? WHERE id = ? AND version = ?",
                (*values, old.id, old.version),
            )
            number = old.id
        if cursor.rowcount != 1 or number is None:
            raise Conflict
        return number, version

    def _drop(self, scope: int, folder: str) -> None:
        for (number,) in self.rows(
            "SELECT id FROM artifact WHERE scope = ? AND folder = ?", (scope, folder)
        ):
            self.connection.execute("DELETE FROM tag WHERE artifact = ?", (number,))
            self.connection.execute("DELETE FROM artifact WHERE id = ?", (number,))
            break

    def _insert(self, scope: int, record: Record) -> None:
        if not record.form and not record.problem:
            return
        cursor = self.connection.execute(
            "INSERT INTO artifact (scope, folder, alias, lower, uid, tags, form, automation_uid,"
            " base, meta, remarks, problem, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                scope,
                record.folder,
                record.alias,
                record.alias.lower(),
                record.uid,
                "\n".join(record.tags),
                record.form,
                record.automation_uid,
                record.base,
                record.meta,
                record.remarks,
                record.problem,
                record.digest,
            ),
        )
        if not record.base:
            self.connection.executemany(
                "INSERT OR IGNORE INTO tag (scope, tag, artifact) VALUES (?, ?, ?)",
                [(scope, tag, cursor.lastrowid) for tag in record.tags],
            )


def _packed(numbers: tuple[int, ...]) -> bytearray:
    """Signed numbers of 64 bits, one after the other."""
    packed = bytearray(8 * len(numbers))
    with memoryview(packed).cast("q") as places:
        for at, number in enumerate(numbers):
            places[at] = number
    return packed


def snapshot_of(scope: Scope | None) -> Snapshot:
    """The stored snapshot, or the empty one."""
    return EMPTY if scope is None else scope.snapshot


def _connect(path: str) -> sqlite.Connection:
    if not path:
        return sqlite.connect(":memory:", isolation_level=None, check_same_thread=False)
    writable = os.access(path if os.path.exists(path) else os.path.dirname(path), os.W_OK)
    # A file in a folder that cannot be written has no room for the logs that WAL needs.
    mode = "" if writable and os.access(os.path.dirname(path), os.W_OK) else "?mode=ro&immutable=1"
    # These three are all that SQLite reads in a URI's path; urllib costs 4 ms to import.
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite.connect(
        f"file:{quoted}{mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
