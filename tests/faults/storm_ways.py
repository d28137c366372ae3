"""Ways to damage a file, an entry folder or a home."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path


def half(path: Path) -> None:
    """As after a crash that lost the end."""
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    """As after a crash of a machine whose file system keeps names before contents."""
    os.truncate(path, 0)


def not_utf8(path: Path) -> None:
    """Bytes that are no text."""
    path.write_bytes(b'{"uid": "\xff\xfe"}')


def null(path: Path) -> None:
    """JSON, but nothing."""
    path.write_text("null")


def folder(path: Path) -> None:
    """A folder where a file has to be."""
    path.unlink()
    path.mkdir()


def removed(path: Path) -> None:
    """Gone."""
    path.unlink()


def unreadable(path: Path) -> None:
    """There, and nobody may read it."""
    path.chmod(0)


WAYS = (half, emptied, not_utf8, null, folder, removed, unreadable)


def copied(to: str) -> Callable[[Path], None]:
    """Copied by hand, to this name beside it."""

    def copy(path: Path) -> None:
        shutil.copytree(path, path.with_name(to))

    return copy


def dated(offset: float) -> Callable[[Path], None]:
    """All files have times this far from now, in seconds."""

    def date(home: Path) -> None:
        moment = time.time() + offset
        for path in [*home.rglob("*"), home]:
            os.utime(path, (moment, moment), follow_symlinks=False)

    return date


def made(offset: float) -> Callable[[Path], None]:
    """All entries say that they were made this far from when they were."""

    def make(home: Path) -> None:
        for name in ("_cm.json", ".cm-building.json", ".cm-previous.json"):
            for path in home.glob(f"cache/*/{name}"):
                meta = json.loads(path.read_text())
                for key in ("created", "started"):
                    if key in meta:
                        meta[key] += offset
                path.write_text(json.dumps(meta))

    return make


def newer_version(path: Path) -> None:
    """A database that a later release has changed."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 999")
        database.commit()


def without_tables(path: Path) -> None:
    """A database in which nothing is left."""
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        for name in names:
            try:
                database.execute(f"DROP TABLE IF EXISTS [{name}]")
            except sqlite3.Error:
                continue  # an index, or SQLite's own
        database.commit()
