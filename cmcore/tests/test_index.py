import contextlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import corpora
import pytest
from artifact_kit import in_child, put, uid
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmcore.artifacts import META_FILES, identity, read_meta
from cmcore.collections import Collections
from cmcore.errors import NotFoundError, StorageError, UsageError
from cmcore.index import Index
from cmcore.naming import matches, parse_name
from cmcore.paths import Paths


class World:
    """A home with two registered collections, and an index on it."""

    def __init__(self, tmp_path):
        self.paths = Paths(str(tmp_path / "home"))
        self.roots = []
        self.collections = Collections(self.paths)
        for name in ("first", "second"):
            root = tmp_path / name
            root.mkdir()
            (root / "cmr.yaml").write_text(f"alias: {name}\n")
            self.collections.add(str(root))
            self.roots.append(str(root))
        self.index = self.again()

    def again(self):
        """What another process would have: an index of its own on the same files."""
        return Index(self.paths, Collections(self.paths))

    def names(self, *args, **kwargs):
        return [a.alias for a in self.index.search("thing", *args, **kwargs)]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def open_world():
    """One that other users can look into; every start of pytest closes the parents of tmp_path."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield World(pathlib.Path(folder))


def same_times(path, info):
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def test_search_by_all_forms_of_names(world):
    first, second = world.roots
    put(second, "thing", "b", {"alias": "Get-B", "uid": uid(11), "tags": ["x", "y"]})
    put(first, "thing", "z", {"alias": "get-z", "uid": uid(10), "tags": ["x"]})
    put(first, "thing", "c", {"alias": "get-b", "uid": uid(12)}, "meta.json")
    assert world.names() == ["get-b", "get-z", "Get-B"]
    assert world.names("GET-B") == ["get-b", "Get-B"]
    assert world.names("second:get-b") == ["Get-B"]
    assert world.names("sec*:") == ["Get-B"]
    assert world.names("get-b", collection="second") == ["Get-B"]
    assert world.names("get-?") == ["get-b", "get-z", "Get-B"]
    assert world.names("g[e]t-*") == []
    assert world.names(uid(11)) == ["Get-B"]
    assert world.names(f"wrong,{uid(11)}") == ["Get-B"]
    assert world.names(f"{uid(10)},get-b") == ["get-z"]
    assert world.names("", "x") == ["get-z", "Get-B"]
    assert world.names("", "x,-y") == ["get-z"]
    assert world.names("", ["x", "y"]) == ["Get-B"]
    assert world.names("", "-x") == ["get-b"]
    assert world.names("", "nothing,x") == []
    assert world.names("nothing") == []
    found = world.index.search("thing", "get-z")[0]
    assert (found.form, found.tags, found.collection.name) == ("cm", ("x",), "first")
    assert found.meta == {"alias": "get-z", "uid": uid(10), "tags": ["x"]}
    with pytest.raises(UsageError):
        world.names("a:b:c")


def test_automations_by_name_uid_and_wildcard(world):
    root = world.roots[0]
    put(root, "thing", "a", {"alias": "a", "automation_uid": uid(100)})
    put(root, "other", "b", {"alias": "b"})
    search = world.index.search
    assert [a.alias for a in search(f"thing,{uid(100)}")] == ["a"]
    assert [a.alias for a in search(uid(100))] == ["a"]
    assert [a.alias for a in search("*")] == ["b", "a"]
    assert search("nothing") == []
    assert search(uid(101)) == []


def test_here(world, monkeypatch):
    path = put(world.roots[0], "thing", "a", {"alias": "a"})
    put(world.roots[1], "thing", "b", {"alias": "b"})
    os.mkdir(os.path.join(path, "sub"))
    monkeypatch.chdir(os.path.join(path, "sub"))
    assert [a.alias for a in world.index.search("thing", ".")] == ["a"]
    assert [a.alias for a in world.index.search(".", "*")] == ["a", "b"]
    assert world.names(".:") == ["a"]
    assert world.names(".:b") == []
    monkeypatch.chdir(world.roots[0])
    with pytest.raises(NotFoundError, match="in none"):
        world.names(".")
    monkeypatch.chdir("/")
    with pytest.raises(NotFoundError):
        world.names(".:b")


def test_get_by_path(world, tmp_path):
    path = put(world.roots[0], "thing", "folder", {"alias": "a"})
    assert world.index.get(path).alias == "a"
    assert world.index.get(path + os.sep).alias == "a"
    assert world.index.get(os.path.dirname(path)) is None
    assert world.index.get(str(tmp_path)) is None


@pytest.mark.parametrize("name", META_FILES)
def test_a_change_of_the_same_size_at_the_same_time_is_seen(world, name):
    path = put(world.roots[0], "thing", "a", {"alias": "a", "tags": ["one"]}, name)
    assert world.names("", "one") == ["a"]
    file = os.path.join(path, name)
    before = os.stat(file)
    with open(file, "r+") as handle:
        text = handle.read()
        handle.seek(0)
        handle.write(text.replace("one", "two"))
    same_times(file, before)
    assert world.names("", "one") == []
    assert world.names("", "two") == ["a"]


def test_a_change_within_one_tick_of_the_clock_is_seen(world, monkeypatch):
    """A file system with coarse times, played by the only place where times are looked at."""
    import cmcore.index.freshness as freshness

    class Coarse:
        def __init__(self, real):
            self.st_mode, self.st_ino, self.st_size = real.st_mode, real.st_ino, real.st_size
            self.st_mtime_ns = real.st_mtime_ns // 10**9 * 10**9
            self.st_ctime_ns = real.st_ctime_ns // 10**9 * 10**9

    class System:
        sep = os.sep
        path = os.path
        scandir = staticmethod(os.scandir)

        @staticmethod
        def stat(path):
            return Coarse(os.stat(path))

    monkeypatch.setattr(freshness, "os", System)
    path = os.path.join(
        put(world.roots[0], "thing", "a", "tags: [aaa]\n", "meta.yaml"), "meta.yaml"
    )
    for number in range(100, 140):
        with open(path, "r+") as handle:
            handle.write(f"tags: [{number}]\n")
        assert world.names("", str(number)) == ["a"]


def test_old_files_are_not_opened_again(world, monkeypatch):
    path = put(world.roots[0], "thing", "a", {"alias": "a"})
    put(world.roots[0], "thing", "b", {"alias": "b"})
    world.names()
    time.sleep(2.1)
    world.names()
    opened = []
    import cmcore.index.reading as reading

    real = reading.read_contents
    monkeypatch.setattr(
        reading, "read_contents", lambda *args: opened.append(args[0]) or real(*args)
    )
    assert world.names() == ["a", "b"]
    assert opened == []
    put(world.roots[0], "thing", "a", {"alias": "c"})
    assert world.names() == ["c", "b"]
    assert opened == [path]


def test_added_removed_renamed_and_replaced_folders(world):
    root = world.roots[0]
    path = put(root, "thing", "a", {"alias": "a"})
    assert world.names() == ["a"]
    os.rename(path, os.path.join(root, "thing", "b"))
    assert [x.path for x in world.index.search("thing")] == [os.path.join(root, "thing", "b")]
    put(root, "thing", "c", {"alias": "c"})
    assert world.names() == ["a", "c"]
    shutil.rmtree(os.path.join(root, "thing", "b"))
    assert world.names() == ["c"]
    with open(os.path.join(root, "thing", "b"), "w") as file:
        file.write("now a file")
    assert world.names() == ["c"]
    shutil.rmtree(os.path.join(root, "thing"))
    assert world.names() == []
    put(root, "thing", "d", {"alias": "d"})
    assert world.names() == ["d"]


def test_meta_files_that_come_and_go(world):
    root = world.roots[0]
    os.makedirs(os.path.join(root, "thing", "a"))
    assert world.names() == []
    path = put(root, "thing", "a", "alias: mlc\n", "meta.yaml")
    assert world.names() == ["mlc"]
    put(root, "thing", "a", "alias: cm\n", "_cm.yaml")
    assert world.names() == ["cm"]
    put(root, "thing", "a", {"alias": "json"})
    assert world.names() == ["json"]
    os.unlink(os.path.join(path, "_cm.json"))
    os.unlink(os.path.join(path, "_cm.yaml"))
    assert world.names() == ["mlc"]
    os.unlink(os.path.join(path, "meta.yaml"))
    assert world.names() == []


def test_links_to_artifacts(world, tmp_path):
    target = tmp_path / "elsewhere"
    os.makedirs(os.path.join(world.roots[0], "thing"))
    os.symlink(target, os.path.join(world.roots[0], "thing", "link"))
    assert world.names() == []
    time.sleep(2.1)
    assert world.names() == []
    put(tmp_path, ".", "elsewhere", {"alias": "a"})
    assert world.names() == ["a"]
    put(tmp_path, ".", "elsewhere", {"alias": "b"})
    assert world.names() == ["b"]
    shutil.rmtree(target)
    assert world.names() == []


def test_hidden_and_odd_folders_are_left_out(world):
    root = world.roots[0]
    put(root, "thing", ".cm-new-1", {"alias": "hidden"})
    os.makedirs(os.path.join(root.encode(), b"thing", b"\xff\xfe"))
    with open(os.path.join(root.encode(), b"thing", b"\xff\xfe", b"_cm.json"), "w") as file:
        file.write("{}")
    put(root, "thing", "ü [x] 'y'", {"alias": "fine"})
    assert world.names() == ["fine"]


def test_broken_metas_hide_only_themselves_and_are_said_once(world):
    put(world.roots[0], "thing", "good", {"alias": "good"})
    path = put(world.roots[0], "thing", "bad", "alias: [", "_cm.yaml")
    put(world.roots[0], "other", "bad", "{", "_cm.json")
    assert world.names() == ["good"]
    (warning,) = world.index.warnings()
    assert os.path.join(path, "_cm.yaml") in warning
    assert world.names() == ["good"]
    assert world.index.warnings() == []
    other = world.again()
    other.search("thing")
    assert other.warnings() == [warning]
    put(world.roots[0], "thing", "bad", "alias: bad", "_cm.yaml")
    assert world.names() == ["bad", "good"]


def test_remarks_name_the_files(world):
    root = world.roots[0]
    put(root, "thing", "a", "alias: a\ntags: [2024]\nx: 1\nx: 2\n", "_cm.yaml")
    put(root, "thing", "b", {"alias": "b", "uid": uid(10)})
    put(root, "thing", "c", {"alias": "c", "uid": uid(10)})
    put(root, "thing", "d", "[", "_cm.yaml")
    collection = world.collections.get("first")
    remarks = world.index.remarks(collection)
    for part in (
        "a/_cm.yaml:4",
        "2024",
        "no 'uid'",
        f"b and c have the same UID {uid(10)}",
        "d/_cm",
    ):
        assert any(part in text for text in remarks), part
    assert world.index.refresh(collection) == {"thing": 3}
    (artifact,) = world.index.search("thing", "b")
    assert world.index.remarks_on(artifact) == []
    assert world.names("", "2024") == ["a"]
    assert world.names(uid(10)) == ["b", "c"]


def test_suggestions_and_completions(world):
    put(world.roots[0], "thing", "a", {"alias": "Get-Python", "tags": ["python3", "get"]})
    put(world.roots[1], "thing", "b", {"alias": "b", "tags": ["gcc"]})
    assert world.index.all_tags("thing") == ["gcc", "get", "python3"]
    assert world.index.completions("thing", "get-p") == ["Get-Python"]
    assert world.index.completions("thing", "*") == []
    assert world.index.completions("thing") == ["Get-Python", "b"]
    assert world.index.nearest("thing", ["pyton3", "get"])[0] == "python3"
    assert world.index.nearest("thing", ["get-pyton"])[0] == "Get-Python"
    assert world.index.nearest("thing", []) == []


def test_inheritance(world):
    first, second = world.roots
    base = {"alias": "base", "uid": uid(10), "tags": ["b"], "l": [1], "d": {"x": 1, "y": 1}}
    put(first, "kind", "base", base)
    put(
        second,
        "thing",
        "heir",
        {"_base": "kind::base", "alias": "heir", "tags": ["h"], "l": [2], "d": {"y": 2}},
    )
    put(second, "thing", "grandchild", {"_base": "heir", "alias": "g", "tags": ["g"]})
    (heir,) = world.index.search("thing", "", "b,h,-g")
    assert heir.meta == {
        "alias": "heir",
        "uid": uid(10),
        "tags": ["b", "h"],
        "l": [1, 2],
        "d": {"x": 1, "y": 2},
    }
    assert world.names("", "b") == ["g", "heir"]
    put(first, "kind", "base", {**base, "tags": ["changed"]})
    assert world.names("", "b") == []
    assert world.names("", "changed,g") == ["g"]


@pytest.mark.parametrize(
    ("base", "reason"),
    [("nothing", "no 'thing::nothing'"), ("a", "more than 10"), ("twin", "several")],
)
def test_inheritance_that_cannot_be_resolved_hides_only_the_heir(world, base, reason):
    root = world.roots[0]
    for name in ("twin", "tw"):
        put(root, "thing", name, {"alias": "twin"})
    put(root, "thing", "a", {"alias": "a", "_base": base})
    assert world.names() == ["twin", "twin"]
    (warning,) = world.index.warnings()
    assert reason in warning
    assert os.path.join(root, "thing", "a") in warning


def test_holding_looks_once_until_told(world):
    put(world.roots[0], "thing", "a", {"alias": "a"})
    with world.index.hold():
        assert world.names() == ["a"]
        put(world.roots[0], "thing", "b", {"alias": "b"})
        assert world.names() == ["a"]
        world.index.changed()
        assert world.names() == ["a", "b"]
        put(world.roots[0], "thing", "c", {"alias": "c"})
    assert world.names() == ["a", "b", "c"]


def test_a_registered_collection_is_searched_at_once(world, tmp_path):
    assert world.names() == []
    put(tmp_path / "third", "thing", "a", {"alias": "a"})
    world.collections.add(str(tmp_path / "third"))
    assert world.names() == ["a"]
    world.collections.remove("third")
    assert world.names() == []


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
    for _ in range(2):
        index = world.again()
        assert [a.alias for a in index.search("thing", "", "t7")] == ["a7"]
        assert len(index.search("thing", "", "all")) == 200
        assert index.search("thing", "", "none") == []
        index.close()


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


def naive(world, name, wanted, excluded):
    """What a search must answer, by reading everything."""
    found = []
    for root in world.roots:
        folder = os.path.join(root, "thing")
        for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            path = os.path.join(folder, entry)
            with contextlib.suppress(StorageError):
                meta = read_meta(path)
                alias, number, tags, _ = identity(path, meta.data)
                if (
                    matches(parse_name(name), alias, number)
                    and set(wanted) <= set(tags)
                    and not set(excluded) & set(tags)
                ):
                    found.append((path, alias, number, tags, meta.form, meta.data))
    return found


edits = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "write", "overwrite", "break", "drop", "rename", "unlink", "nap"]
        ),
        st.integers(0, 1),
        st.integers(0, 3),
        st.sampled_from(META_FILES),
        st.integers(0, 9),
    ),
    max_size=15,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits)
def test_whatever_is_done_to_files_the_answers_are_those_of_a_scan(tmp_path_factory, steps):
    world = World(tmp_path_factory.mktemp("w"))
    other = world.again()
    for number, (step, side, place, name, value) in enumerate(steps):
        root = world.roots[side]
        path = os.path.join(root, "thing", f"f{place}")
        meta = {"alias": f"a{value % 4}", "uid": uid(16 + value), "tags": [f"t{value % 3}", "t"]}
        if step == "write":
            put(root, "thing", f"f{place}", meta, name)
        elif step == "overwrite" and os.path.isfile(os.path.join(path, name)):
            info = os.stat(os.path.join(path, name))
            put(root, "thing", f"f{place}", meta, name)
            same_times(os.path.join(path, name), info)
        elif step == "break":
            put(root, "thing", f"f{place}", "[", name)
        elif step == "drop":
            shutil.rmtree(path, ignore_errors=True)
        elif step == "rename" and os.path.isdir(path):
            target = os.path.join(world.roots[1 - side], "thing", f"f{place}-{number}")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(path, target)
        elif step == "unlink":
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(path, name))
        elif step == "nap":
            time.sleep(0.02)
        asked = [
            ("", (), ()),
            ("", ("t", f"t{value % 3}"), ()),
            ("", ("t",), ("t1",)),
            (f"a{value % 4}", (), ()),
            ("a?", (), ("t2",)),
            (uid(16 + value), (), ()),
        ]
        searcher = (world.index, other)[number % 2]
        for word, wanted, excluded in asked:
            tags = [*wanted, *(f"-{tag}" for tag in excluded)]
            got = [
                (a.path, a.alias, a.uid, a.tags, a.form, a.meta)
                for a in searcher.search("thing", word, tags)
            ]
            assert got == naive(world, word, wanted, excluded)
    world.index.close()
    other.close()


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
    for number in range(60):
        put(world.roots[0], "thing", f"f{number}", {"alias": f"a{number}", "tags": ["all"]})
    dice = random.Random(2)
    for _ in range(12):
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


def test_sqlite_and_yaml_are_imported_late():
    code = (
        "import sys, cmcore.index, cmcore.actions, cmcore.collections_commands, cmcore.config;"
        "heavy = {'sqlite3', 'yaml', 'filelock', 'hashlib', 'pathlib', 'subprocess', 'click',"
        " 'dataclasses', 'pluggy', 'platformdirs', 'logging', 'tempfile', 'shutil'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stderr


@pytest.mark.network
def test_published_corpora(world):
    world.collections.add(str(corpora.cm_root()))
    world.collections.add(str(corpora.mlc_root()))
    found = world.index.search("script", "", "detect,os")
    assert [(a.alias, a.form) for a in found] == [("detect-os", "cm"), ("detect-os", "mlc")]
    assert world.index.warnings() == []
    everything = world.index.search("script")
    assert len(everything) == 305 + 488
    assert [a.alias for a in world.index.search("challenge", "", "2024")] != []
    for artifact in everything[:: len(everything) // 20]:
        assert artifact.meta == read_meta(artifact.path).data
