import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import World, in_child, put, uid


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def open_world():
    """One that other users can look into; every start of pytest closes the parents of tmp_path."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield World(pathlib.Path(folder))


def damage_file(paths, how):
    path = paths.index_file
    size = os.path.getsize(path)
    if how == "empty":
        os.truncate(path, 0)
    elif how.startswith("cut"):
        os.truncate(path, size * int(how[3:]) // 100)
    elif how == "garbage":
        with open(path, "wb") as file:
            file.write(os.urandom(size))
    elif how == "holes":
        with open(path, "r+b") as file:
            for start in range(4096, size, 8192):
                file.seek(start)
                file.write(os.urandom(4096))
    elif how == "other":
        os.unlink(path)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 999")
            database.execute("CREATE TABLE x (y)")
            database.commit()
    elif how == "tables":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("DROP TABLE tag")
            database.commit()
    elif how == "folder":
        os.unlink(path)
        os.mkdir(path)


@pytest.mark.parametrize(
    "how",
    ["empty", "cut1", "cut30", "cut60", "cut99", "garbage", "holes", "other", "tables", "folder"],
)
def test_a_damaged_index_gives_right_answers(world, how):
    for number in range(200):
        meta = {"alias": f"a{number}", "uid": uid(number), "tags": [f"t{number}", "all"]}
        put(world.roots[number % 2], "thing", f"f{number}", meta)
    assert len(world.names()) == 200
    world.index.close()
    damage_file(world.paths, how)
    told = []
    for _ in range(2):
        index = world.again()
        assert [a.alias for a in index.search("thing", "", "t7")] == ["a7"]
        assert len(index.search("thing", "", "all")) == 200
        assert index.search("thing", "", "none") == []
        index.close()
        told.append(index.warnings())
    if how == "folder":
        assert all("cannot be used" in texts[0] for texts in told)
    else:
        assert told[1] == []


def test_a_full_disk(world):
    put(world.roots[0], "thing", "a", {"alias": "a"})
    assert world.names() == ["a"]
    for number in range(50):
        put(world.roots[0], "thing", f"f{number}", {"alias": f"x{number}", "text": "y" * 1000})

    def without_space():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        index = world.again()
        assert len(index.search("thing")) == 51
        assert "cannot be used" in index.warnings()[0]

    assert in_child(without_space) == 0
    assert len(world.names()) == 51
    assert world.index.warnings() == []


def test_damage_under_a_running_process(world):
    put(world.roots[0], "thing", "a", {"alias": "a"})
    assert world.names() == ["a"]
    damage_file(world.paths, "garbage")
    put(world.roots[0], "thing", "b", {"alias": "b"})
    assert world.names() == ["a", "b"]
    assert [a.alias for a in world.again().search("thing")] == ["a", "b"]


def test_an_index_locked_by_another_process(world, monkeypatch):
    put(world.roots[0], "thing", "a", {"alias": "a"})
    assert world.names() == ["a"]
    import cmcore.index.database as database

    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    with contextlib.closing(sqlite3.connect(world.paths.index_file)) as other:
        other.execute("BEGIN IMMEDIATE")
        index = world.again()
        assert [a.alias for a in index.search("thing")] == ["a"]
        put(world.roots[0], "thing", "b", {"alias": "b"})
        assert [a.alias for a in index.search("thing")] == ["a", "b"]
        assert "locked" in index.warnings()[0]
        put(world.roots[0], "thing", "c", {"alias": "c"})
        assert [a.alias for a in index.search("thing")] == ["a", "b", "c"]
        other.rollback()
        index.close()
        world.index.close()
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        index = world.again()
        assert [a.alias for a in index.search("thing")] == ["a", "b", "c"]
    assert world.names() == ["a", "b", "c"]


@pytest.mark.skipif(os.geteuid() != 0, reason="drops its privileges in a child")
@pytest.mark.parametrize("indexed", [True, False])
def test_a_home_that_cannot_be_written(open_world, indexed):
    world = open_world
    put(world.roots[0], "thing", "a", {"alias": "a"})
    if indexed:
        assert world.names() == ["a"]
    world.index.close()

    def as_nobody():
        os.setuid(65534)
        index = world.again()
        assert [a.alias for a in index.search("thing")] == ["a"]
        assert bool(index.warnings()) is not indexed
        assert index.search("thing", "", "none") == []

    assert in_child(as_nobody) == 0
    put(world.roots[0], "thing", "b", {"alias": "b"})

    def later():
        os.setuid(65534)
        index = world.again()
        assert [a.alias for a in index.search("thing")] == ["a", "b"]
        assert index.warnings()

    assert in_child(later) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="drops its privileges in a child")
def test_folders_and_files_that_cannot_be_read(open_world):
    world = open_world
    put(world.roots[0], "thing", "a", {"alias": "a"})
    closed = put(world.roots[0], "thing", "closed", {"alias": "closed"})
    shut = put(world.roots[1], "thing", "b", {"alias": "b"})
    os.chmod(os.path.join(closed, "_cm.json"), 0)
    os.chmod(os.path.dirname(shut), 0)
    os.makedirs(world.paths.home, exist_ok=True)
    for folder, _, files in os.walk(world.paths.home):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chmod(path, 0o777)

    def as_nobody():
        os.setuid(65534)
        index = world.again()
        assert [a.alias for a in index.search("thing")] == ["a"]
        told = index.warnings()
        assert any("closed" in text for text in told)
        assert any(os.path.dirname(shut) in text for text in told)

    assert in_child(as_nobody) == 0


def test_a_forked_child_opens_its_own_connection(world):
    put(world.roots[0], "thing", "a", {"alias": "a"})
    assert world.names() == ["a"]

    def child():
        put(world.roots[0], "thing", "b", {"alias": "b"})
        assert world.names() == ["a", "b"]

    assert in_child(child) == 0
    assert world.names() == ["a", "b"]


def test_many_processes_search_while_one_changes_files(world, tmp_path):
    """Every answer fits a state that the files had during the question."""
    root = world.roots[0]
    for number in range(30):
        put(root, "thing", f"f{number}", {"alias": f"a{number}", "tags": ["all", "old"]})
    stop = tmp_path / "stop"

    def searcher():
        index = world.again()
        rounds = 0
        while not stop.exists():
            for artifact in index.search("thing", "", "all,new"):
                assert artifact.meta["tags"] == ["all", "new"]
                assert set(artifact.tags) == {"all", "new"}
            assert index.search("thing", "", "all,none") == []
            assert 25 <= len(index.search("thing", "", "all")) <= 40
            rounds += 1
        assert rounds > 3
        assert not index.warnings()

    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            os._exit(in_child(searcher))
        pids.append(pid)
    dice = random.Random(1)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        number = dice.randrange(30)
        path = os.path.join(root, "thing", f"f{number}")
        step = dice.randrange(3)
        if step == 0:
            scratch = os.path.join(root, "thing", f".scratch{number}")
            meta = {"alias": f"a{number}", "tags": ["all", dice.choice(["old", "new"])]}
            put(root, "thing", f".scratch{number}", meta)
            if os.path.isdir(path):
                os.replace(os.path.join(scratch, "_cm.json"), os.path.join(path, "_cm.json"))
                os.rmdir(scratch)
            else:
                os.rename(scratch, path)
        elif step == 1 and os.path.isdir(path):
            os.rename(path, os.path.join(root, "thing", f".away{number}"))
            shutil.rmtree(os.path.join(root, "thing", f".away{number}"))
            put(root, "thing", f".scratch{number}", {"alias": "x", "tags": ["all"]})
            os.rename(os.path.join(root, "thing", f".scratch{number}"), path)
        time.sleep(0.005)
    stop.write_text("")
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert sorted(world.names("", "all")) == sorted(a.alias for a in world.again().search("thing"))


def test_processes_killed_while_indexing_do_no_harm(world):
    dice = random.Random(2)
    for _ in range(12):
        # Anew each time: what an earlier kill emptied must not add up.
        for number in range(60):
            put(world.roots[0], "thing", f"f{number}", {"alias": f"a{number}", "tags": ["all"]})
        pid = os.fork()
        if pid == 0:
            index = world.again()
            while True:
                index.search("thing", "", "all")
                put(world.roots[0], "thing", f"f{dice.randrange(60)}", {"tags": ["all"]})
        time.sleep(0.03 + dice.random() * 0.1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        # Killed while it wrote a meta file in place, too: that one may be empty.
        assert len(world.names("", "all")) >= 59
    assert world.again().warnings() == []


def test_a_home_with_any_characters_in_its_path_works(tmp_path):
    odd = tmp_path / "a%20b?c#d ü"
    odd.mkdir()
    world = World(odd)
    put(world.roots[0], "thing", "one", {"alias": "one", "uid": uid(1)})
    assert world.names() == ["one"]
    assert os.path.isfile(world.paths.index_file)
