import os
import subprocess
import sys

import corpora
import pytest

from cmcore.artifacts import read_meta
from cmcore.errors import NotFoundError, UsageError

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import World, put, uid


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


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
