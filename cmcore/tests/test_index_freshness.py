import contextlib
import os
import shutil
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmcore.artifacts import META_FILES, identity, read_meta
from cmcore.collections import Collections
from cmcore.errors import StorageError
from cmcore.index import Index
from cmcore.naming import matches, parse_name
from cmcore.types import Collection

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import World, put, uid


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def same_times(path, info):
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


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
        supports_dir_fd = frozenset()

        @staticmethod
        def stat(path, dir_fd=None):
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


def test_an_upgraded_package_is_seen(world, tmp_path):
    def install(name, alias):
        root = tmp_path / name / "recipes"
        put(root, "thing", "a", {"alias": alias})
        for path in (root / "thing" / "a" / "_cm.json", root / "thing" / "a", root / "thing", root):
            os.utime(path, (1000, 1000))

    site = tmp_path / "site-packages" / "pack"
    root = str(site / "recipes")
    package = Collection("pack", "", root, root, "package", "cm", False, "pack 1.0")
    index = Index(world.paths, Collections(world.paths, [package]))
    site.parent.mkdir()
    install("old", "one")
    install("new", "two")
    os.rename(tmp_path / "old", site)
    assert [a.alias for a in index.search("thing")] == ["one"]
    os.rename(site, tmp_path / "gone")
    assert index.search("thing") == []
    os.rename(tmp_path / "new", site)
    assert [a.alias for a in index.search("thing")] == ["two"]


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
