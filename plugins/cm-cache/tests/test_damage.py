"""Damaged, missing and unwritable files: one sentence, everything else goes on."""

import os
import resource
import shutil
import signal
import sqlite3

import pytest

from cm_cache import layout, opened, schema
from cm_cache.index import Index
from cmcore.errors import StorageError
from cmcore.types import Reservation


def emptied(path):
    with open(path, "w"):
        pass


def truncated(path):
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)


def null(path):
    with open(path, "w") as file:
        file.write("null")


def not_utf8(path):
    with open(path, "wb") as file:
        file.write(b'{"uid": "\xff\xfe"}')


def other_json(path):
    with open(path, "w") as file:
        file.write('{"tags": 3, "new_env": [], "uid": {}}')


def nested(path):
    with open(path, "w") as file:
        file.write("[" * 100_000)


def noise(path):
    with open(path, "wb") as file:
        file.write(bytes(range(256)) * 40)


def removed(path):
    os.unlink(path)


def unreadable(path):
    # A folder in its place cannot be read by root either.
    os.unlink(path)
    os.mkdir(path)


DAMAGES = [
    emptied, truncated, null, not_utf8, other_json, nested, noise, removed, unreadable,
]  # fmt: skip


@pytest.mark.parametrize("indexed", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [layout.META, layout.STATE])
def test_damaged_entry_is_named_and_not_served(cache, name, damage, indexed):
    good = cache.build("get", "good")
    bad = cache.build("get", "bad")
    damage(os.path.join(bad.path, name))
    cache.restart()
    if not indexed:
        shutil.rmtree(os.path.join(cache.root, layout.INDEX))
    for _ in range(2):
        assert cache.find("get") == [good]
        assert cache.find("bad") == []
    naming = {text for text in cache.said if bad.uid in text}
    # Without its meta file it is simply not finished.
    assert len(naming) == (0 if (name, damage) == (layout.META, removed) else 1)
    assert all("\n" not in text for text in cache.said)
    if name == layout.STATE:
        with pytest.raises(StorageError, match=bad.uid):
            cache.state(bad)
    reservation = cache.reserve(cache.ask("get", "bad"))
    assert isinstance(reservation, Reservation)
    new = cache.publish(reservation)
    assert cache.find("bad") == [new]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_note_of_an_unfinished_entry_is_left_alone(cache, damage):
    left = cache.reserve(cache.ask("a"))
    cache.release(left)
    damage(os.path.join(left.path, layout.BUILDING))
    cache.restart()
    assert cache.find("a") == []
    reservation = cache.reserve(cache.ask("a"))
    assert reservation.path != left.path
    cache.publish(reservation)
    assert len(cache.find("a")) == 1


def test_entry_folder_that_leads_in_a_circle_is_named(cache):
    good, bad = cache.build("a", "good"), cache.build("a", "bad")
    os.unlink(os.path.join(bad.path, layout.META))
    os.symlink(layout.META, os.path.join(bad.path, layout.META))
    assert cache.find("a") == [good]
    assert any(bad.uid in text for text in cache.said)


def test_entry_restored_by_hand_is_served_again(cache):
    entry = cache.build("a")
    path = os.path.join(entry.path, layout.STATE)
    os.rename(path, path + ".away")
    assert cache.find("a") == []
    os.rename(path + ".away", path)
    assert cache.find("a") == [entry]


def test_folders_copied_renamed_and_removed_by_hand(cache):
    first, second, third = (cache.build("a", str(n)) for n in range(3))
    shutil.copytree(first.path, os.path.join(cache.root, "0123456789abcdef"))
    shutil.copytree(first.path, os.path.join(cache.root, "my copy"))
    os.rename(second.path, second.path + "-old")
    shutil.rmtree(third.path)
    with open(os.path.join(cache.root, "a file"), "w") as file:
        file.write("x")
    os.mkdir(os.path.join(cache.root, "\xe4"))
    assert cache.find("a") == [first]
    assert len([text for text in cache.said if "by hand" in text]) == 3
    os.rename(second.path + "-old", second.path)
    assert cache.find("a") == [first, second]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_damaged_index_is_made_anew(cache, damage, suffix):
    entries = [cache.build("a", str(n)) for n in range(3)]
    folder = os.path.join(cache.root, layout.INDEX)
    shutil.copytree(folder, folder + "-copy")
    opened.reset()  # which tidies up; put back what a process that was killed leaves
    shutil.rmtree(folder)
    os.rename(folder + "-copy", folder)
    path = schema.index_path(cache.root, 1) + suffix
    damage(path)
    cache.said.clear()
    assert cache.find("a") == entries
    assert len(cache.said) <= 1
    opened.reset()
    cache.said.clear()
    assert cache.find("a") == entries
    assert cache.find("a", "1") == [entries[1]]
    newer = cache.build("a", "3")
    opened.reset()
    assert cache.find("a") == [*entries, newer]


def test_index_made_anew_while_another_process_has_it_open(cache):
    one = cache.build("a", "1")
    opened.reset()
    theirs = Index(cache.root, 1)
    noise(schema.index_path(cache.root, 1))
    assert cache.find("a") == [one]
    assert schema.generation(cache.root) == 2
    assert [text for text in cache.said if "made anew" not in text] == []
    theirs.close()
    opened.reset()
    cache.said.clear()
    two = cache.build("a", "2")
    assert cache.find("a") == [one, two]
    assert cache.said == []


@pytest.mark.parametrize("how", ["file", "locked"])
def test_useless_index_is_done_without(cache, monkeypatch, how):
    one = cache.build("a", "1")
    opened.reset()
    other = None
    if how == "file":
        shutil.rmtree(os.path.join(cache.root, layout.INDEX))
        emptied(os.path.join(cache.root, layout.INDEX))
    else:
        monkeypatch.setattr(schema, "PATIENCE", 0.05)
        other = sqlite3.connect(schema.index_path(cache.root, 1), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
    two = cache.build("a", "2")
    assert cache.find("a") == [one, two]
    assert len(set(cache.said)) == 1
    assert "only slower" in cache.said[0]
    if other:
        other.execute("ROLLBACK")
        other.close()
    opened.reset()
    three = cache.build("a", "3")
    assert cache.find("a") == [one, two, three]


@pytest.mark.parametrize("limit", [0, 40, 400])
def test_full_disk_fails_in_a_sentence_and_is_overcome(cache, limit):
    kept = cache.build("a", "kept")
    assert cache.find("a") == [kept]
    reservation = cache.reserve(cache.ask("a"))
    with open(os.path.join(reservation.path, "half"), "w") as file:
        file.write("half")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises((StorageError, OSError)):
            cache.publish(reservation, "x" * 1000)
        assert cache.release(reservation, "no space") is True
        assert cache.find("a") == [kept]
        with pytest.raises(StorageError):
            cache.reserve(cache.ask("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    cache.restart()
    assert cache.find("a") == [kept]
    again = cache.reserve(cache.ask("a"))
    if isinstance(again, Reservation):
        assert again.path == reservation.path
        cache.publish(again)
    assert len(cache.find("a")) == 2
    cache.publish(cache.reserve(cache.ask("b")))
    assert len(cache.find("b")) == 1
