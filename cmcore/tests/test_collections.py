import json
import os
import sys

import corpora
import pytest

from cmcore import collections_commands as commands
from cmcore.collection_import import import_home
from cmcore.collection_meta import package_collections
from cmcore.collections import Collections
from cmcore.errors import AmbiguousError, ExistsError, NotFoundError, StorageError, UsageError
from cmcore.paths import Paths
from cmcore.types import Collection

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import context, in_child, killed_at, put, request, uid


@pytest.fixture
def paths(tmp_path):
    return Paths(str(tmp_path / "home"))


@pytest.fixture
def known(paths):
    return Collections(paths)


def folder(tmp_path, name, meta="", file="cmr.yaml"):
    path = tmp_path / name
    path.mkdir(parents=True, exist_ok=True)
    if meta:
        (path / file).write_text(meta)
    return str(path)


def test_order_and_kinds(tmp_path, paths):
    package = Collection("pack", "", "/p", "/p", "package", "", False, "pack 1.0")
    known = Collections(paths, [package])
    known.add(folder(tmp_path, "b", f"alias: bb\nuid: '{uid(1)}'\n"))
    known.add(folder(tmp_path, "a", f"alias: aa\nuid: {uid(2)}\n", "meta.yaml"))
    assert [(c.name, c.kind, c.form, c.writable) for c in known.all()] == [
        ("local", "local", "cm", True),
        ("bb", "folder", "cm", True),
        ("aa", "folder", "mlc", True),
        ("pack", "package", "", False),
    ]
    assert not os.path.exists(paths.local)
    assert os.path.isfile(os.path.join(known.ensure_local().path, "cmr.yaml"))


def test_other_processes_registrations_are_seen_at_once(tmp_path, known, paths):
    assert len(known.all()) == 1
    path = folder(tmp_path, "x", "alias: x\n")
    assert in_child(lambda: Collections(paths).add(path)) == 0
    assert [c.name for c in known.all()] == ["local", "x"]
    (tmp_path / "x" / "cmr.yaml").write_text("alias: y\n")
    assert [c.name for c in known.all()] == ["local", "y"]


def test_registering_again_changes_nothing(tmp_path, known):
    path = folder(tmp_path, "x", "alias: x\n")
    (tmp_path / "link").symlink_to(path)
    first = known.add(path)
    assert known.add(path + os.sep) == first
    assert known.add(str(tmp_path / "link")) == first
    assert len(known.registered()) == 1
    with pytest.raises(ExistsError, match="already, as 'x'"):
        known.add(path, "other")
    assert known.add(path, "x") == first


def test_equal_alias_or_uid_is_refused(tmp_path, known):
    known.add(folder(tmp_path, "x", f"alias: Same\nuid: {uid(10)}\n"))
    with pytest.raises(ExistsError, match="'Same'") as caught:
        known.add(folder(tmp_path, "y", "alias: same\n"))
    assert "--name" in caught.value.hint
    with pytest.raises(ExistsError, match=uid(10)):
        known.add(folder(tmp_path, "z", f"alias: z\nuid: {uid(10)}\n"))
    with pytest.raises(ExistsError, match="'local'"):
        known.add(str(tmp_path / "y"), "local")
    assert known.add(str(tmp_path / "y"), "other").name == "other"


def test_a_declared_conflict_is_refused(tmp_path, known):
    known.add(folder(tmp_path, "old", f"alias: old\nuid: {uid(10)}\n"))
    meta = f"alias: new\ndeps:\n- alias: any\n- uid: {uid(10)}\n  conflict: true\n"
    with pytest.raises(ExistsError, match="conflict with the registered 'old'"):
        known.add(folder(tmp_path, "new", meta))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "no such folder"),
        (lambda p: p.mkdir(), "neither cmr.yaml nor meta.yaml"),
        (
            lambda p: put(p.parent, ".", p.name, "alias: a\nautomation_alias: x\n", "meta.yaml"),
            "an artifact",
        ),
    ],
)
def test_what_is_no_collection_is_refused(tmp_path, known, make, message):
    make(tmp_path / "x")
    with pytest.raises(UsageError, match=message):
        known.add(str(tmp_path / "x"))
    assert known.registered() == []


def test_a_folder_with_artifacts_needs_no_meta(tmp_path, known):
    put(tmp_path / "plain", "thing", "a", {"alias": "a"})
    found = known.add(str(tmp_path / "plain"))
    assert (found.name, found.uid, found.form, found.root) == (
        "plain",
        "",
        "",
        str(tmp_path / "plain"),
    )


def test_prefix_is_honoured_unless_it_leads_out(tmp_path, known):
    inside = known.add(folder(tmp_path, "x", "alias: x\nprefix: sub/dir\n"))
    assert inside.root == str(tmp_path / "x" / "sub" / "dir")
    outside = known.add(folder(tmp_path, "y", "alias: y\nprefix: ../x\n"))
    assert outside.root == outside.path
    assert "../x" in known.warnings()[0]
    assert known.warnings() == []


def test_missing_folders_are_a_warning_and_stay_registered(tmp_path, known):
    known.add(folder(tmp_path, "x", "alias: x\n"))
    os.rename(tmp_path / "x", tmp_path / "away")
    assert known.registered() == []
    assert str(tmp_path / "x") in known.warnings()[0]
    os.rename(tmp_path / "away", tmp_path / "x")
    assert [c.name for c in known.registered()] == ["x"]
    os.rename(tmp_path / "x", tmp_path / "away")
    known.remove(str(tmp_path / "x"))
    os.rename(tmp_path / "away", tmp_path / "x")
    assert known.registered() == []


def test_a_meta_that_breaks_later_keeps_its_last_good_state(tmp_path, known, paths):
    path = folder(tmp_path, "x", f"alias: xx\nuid: {uid(10)}\nprefix: p\n")
    known.add(path)
    (tmp_path / "x" / "cmr.yaml").write_text("alias: [")
    again = Collections(paths)
    (found,) = again.registered()
    assert (found.name, found.uid, found.root) == ("xx", uid(10), os.path.join(path, "p"))
    assert "cmr.yaml" in again.warnings()[0]


@pytest.mark.parametrize("text", ["{", "[]", '{"collections": 3}', "\0\0", "null"])
def test_a_damaged_list_is_kept_aside(tmp_path, paths, text):
    os.makedirs(paths.home)
    with open(paths.collections_file, "w") as file:
        file.write(text)
    known = Collections(paths)
    assert [c.name for c in known.all()] == ["local"]
    assert paths.collections_file in known.warnings()[0]
    known.add(folder(tmp_path, "x", "alias: x\n"))
    assert [c.name for c in Collections(paths).all()] == ["local", "x"]
    (aside,) = [n for n in os.listdir(paths.home) if "damaged" in n]
    with open(os.path.join(paths.home, aside)) as file:
        assert file.read() == text


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "\xff", None, "folder"])
def test_a_damaged_list_is_known_from_its_copy(tmp_path, paths, text):
    Collections(paths).add(folder(tmp_path, "a", "alias: one\n"))
    Collections(paths).add(folder(tmp_path, "b", "alias: two\n"))
    os.unlink(paths.collections_file)
    if text == "folder":
        os.mkdir(paths.collections_file)
    elif text is not None:
        with open(paths.collections_file, "w", encoding="latin-1") as file:
            file.write(text)
    again = Collections(paths)
    assert [c.name for c in again.registered()] == ["one", "two"]
    assert [c.name for c in again.registered()] == ["one", "two"]
    told = [w for w in again.warnings() if paths.collections_file in w and "copy" in w]
    assert told
    if text != "folder":
        again.add(folder(tmp_path, "c", "alias: three\n"))
        mended = Collections(paths)
        assert [c.name for c in mended.registered()] == ["one", "two", "three"]
        assert not mended.warnings()


def test_who_takes_all_collections_away_gets_none_back(tmp_path, paths):
    known = Collections(paths)
    known.add(folder(tmp_path, "a", "alias: one\n"))
    known.remove("one")
    os.unlink(paths.collections_file)
    assert Collections(paths).registered() == []


def test_single_bad_entries_spoil_no_others(tmp_path, paths):
    path = folder(tmp_path, "x", "alias: x\n")
    os.makedirs(paths.home)
    with open(paths.collections_file, "w") as file:
        json.dump({"collections": [3, {"path": 1}, {"path": path}]}, file)
    known = Collections(paths)
    assert [c.name for c in known.registered()] == ["x"]
    assert known.warnings()


def test_removing(tmp_path, paths):
    package = Collection("pack", "", "/p", "/p", "package", "", False, "pack 1.0")
    known = Collections(paths, [package])
    path = folder(tmp_path, "x", f"alias: x\nuid: {uid(10)}\n")
    known.add(path)
    assert known.remove(uid(10)).name == "x"
    assert os.path.exists(os.path.join(path, "cmr.yaml"))
    with pytest.raises(NotFoundError):
        known.remove("x")
    with pytest.raises(UsageError, match=r"pack 1\.0"):
        known.remove("pack")
    with pytest.raises(UsageError, match="stays"):
        known.remove("local")


def test_looking_up(tmp_path, known):
    known.add(folder(tmp_path, "a", "alias: aa\n"))
    known.add(folder(tmp_path, "b", "alias: ab\n"))
    assert known.get("AA").name == "aa"
    with pytest.raises(AmbiguousError, match=r"aa.*ab"):
        known.get("a*")
    with pytest.raises(NotFoundError) as caught:
        known.get("locl")
    assert "local" in caught.value.hint


def test_here(tmp_path, known, monkeypatch):
    path = folder(tmp_path, "x", "alias: x\nprefix: repo\n")
    deep = put(tmp_path / "x" / "repo", "thing", "a", {})
    os.makedirs(os.path.join(deep, "sub", "dir"))
    known.add(path)
    monkeypatch.chdir(os.path.join(deep, "sub", "dir"))
    here = known.here()
    assert (here.collection.name, here.automation, here.folder) == ("x", "thing", deep)
    assert known.get(".").name == "x"
    assert known.here(os.path.dirname(deep))[1:] == ("thing", "")
    assert known.here(path)[1:] == ("", "")
    with pytest.raises(NotFoundError, match="in none"):
        known.here(str(tmp_path))
    (tmp_path / "inner").symlink_to(deep)
    assert known.here(str(tmp_path / "inner")).folder == deep


def test_the_innermost_collection_counts(tmp_path, known):
    known.add(folder(tmp_path, "outer", "alias: outer\n"))
    known.add(folder(tmp_path, "outer/thing", "alias: inner\n"))
    assert known.here(str(tmp_path / "outer" / "thing")).collection.name == "inner"


def test_package_collections_are_read_only_and_named_after_the_package(tmp_path, paths):
    plain = folder(tmp_path, "p1/recipes")
    named = folder(tmp_path, "p2", "alias: nice\nprefix: repo\n")
    first, second = package_collections(
        [(plain, "dist-one 1.0"), (named, "dist-two 2.0")], paths.collection_memo
    )
    assert (first.name, first.kind, first.writable) == ("dist-one", "package", False)
    assert (second.name, second.root, second.distribution) == (
        "nice",
        os.path.join(named, "repo"),
        "dist-two 2.0",
    )


def test_known_metas_cost_no_yaml(tmp_path, paths):
    path = folder(tmp_path, "x", "alias: x\n")
    Collections(paths).add(path)

    def look():
        sys.modules["yaml"] = None
        assert [c.name for c in Collections(paths).all()] == ["local", "x"]

    assert in_child(look) == 0


def test_a_kill_while_registering_leaves_a_good_list(tmp_path, paths):
    first, second = folder(tmp_path, "x", "alias: x\n"), folder(tmp_path, "y", "alias: y\n")
    for number in range(1, 60):
        known = Collections(paths)
        known.add(first)
        died = killed_at(number, lambda: Collections(paths).add(second))
        names = [c.name for c in known.registered()]
        assert names in (["x"], ["x", "y"])
        assert known.warnings() == []
        if not died:
            assert names == ["x", "y"]
            return
        if len(names) == 2:
            known.remove("y")
    raise AssertionError("never through")


def test_many_processes_register_at_once(tmp_path, paths):
    pids = []
    for number in range(4):
        path = folder(tmp_path, f"c{number}", f"alias: c{number}\n")
        pid = os.fork()
        if pid == 0:
            os._exit(in_child(lambda p=path: Collections(paths).add(p)))
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert sorted(c.name for c in Collections(paths).registered()) == ["c0", "c1", "c2", "c3"]


def cm_home(tmp_path, listed, below="repos"):
    home = tmp_path / "cmhome"
    (home / below / "local").mkdir(parents=True)
    (home / "repos.json").write_text(json.dumps(listed))
    return str(home)


def test_taking_over_a_cm_home(tmp_path, known):
    good = folder(tmp_path, "good", f"alias: good\nuid: {uid(10)}\n")
    engine = folder(tmp_path, "engine", 'alias: internal\nuid: "36b263b05174aef9"\n')
    twin = folder(tmp_path, "twin", "alias: good\n")
    gone = str(tmp_path / "gone")
    home = cm_home(tmp_path, [good, engine, twin, gone, "", 3])
    local = os.path.join(home, "repos", "local")
    with open(os.path.join(local, "cmr.yaml"), "w") as file:
        file.write("alias: local\nuid: 9a3280b14a4285c9\n")
    result = import_home(known, "cm", environ={"CM_REPOS": home})
    assert [c.name for c in result.taken] == ["good"]
    reasons = dict(result.skipped)
    assert set(reasons) == {engine, twin, gone, local}
    assert "CM itself" in reasons[engine]
    assert "'good'" in reasons[twin]
    assert "missing" in reasons[gone]
    assert "no artifacts" in reasons[local]
    put(local, "cache", "a", {"alias": "a"})
    again = import_home(known, "cm", home)
    assert ([c.name for c in again.taken], [c.name for c in again.known]) == (
        ["cm-local"],
        ["good"],
    )
    assert again.taken[0].uid == ""


def test_taking_over_an_mlcflow_home(tmp_path, known):
    home = cm_home(tmp_path, [], below=".")
    local = os.path.join(home, "local")
    put(local, "script", "a", "alias: a\n", "meta.yaml")
    repo = folder(tmp_path, "cmhome/some@repo", f"alias: some@repo\nuid: {uid(10)}\n", "meta.yaml")
    with open(os.path.join(home, "repos.json"), "w") as file:
        json.dump([local, repo], file)
    result = import_home(known, "mlc", environ={"MLC_REPOS": home})
    assert [c.name for c in result.taken] == ["some@repo", "mlc-local"]
    assert result.skipped == ()


def test_homes_that_are_not_there_or_damaged(tmp_path, known):
    with pytest.raises(NotFoundError, match=r"repos\.json"):
        import_home(known, "cm", str(tmp_path))
    (tmp_path / "repos.json").write_text("[")
    with pytest.raises(StorageError):
        import_home(known, "mlc", str(tmp_path))
    with pytest.raises(UsageError, match="xyz"):
        import_home(known, "xyz", str(tmp_path))


def test_commands(tmp_path):
    ctx = context(tmp_path / "home")
    put(tmp_path / "x", "thing", "a", {"alias": "a", "tags": [1]})
    put(tmp_path / "x", "thing", "b", "broken: [", "_cm.yaml")
    added = commands.add(ctx, request("add", str(tmp_path / "x"), name="mine"))
    assert added.data["artifacts"] == {"thing": 1}
    assert "1 thing" in added.view
    assert any("_cm.yaml" in text for text in added.warnings)
    found = commands.search(ctx, request("search"))
    assert [c["name"] for c in found.data["list"]] == ["local", "mine"]
    assert found.view.rows[1][found.view.plain] == str(tmp_path / "x")
    shown = commands.show(ctx, request("show", "mine"))
    assert any("broken" in text or "_cm.yaml" in text for text in shown.data["list"][0]["remarks"])
    assert commands.remove(ctx, request("remove", "mine")).data["removed"][0]["name"] == "mine"
    home = cm_home(tmp_path, [str(tmp_path / "x")])
    taken = commands.import_home(ctx, request("import", path=home, **{"from": "cm"}))
    assert [c["name"] for c in taken.data["taken"]] == ["x"]
    for bad in (request("add"), request("remove"), request("import")):
        with pytest.raises(UsageError):
            getattr(commands, {"import": "import_home"}.get(bad.action, bad.action))(ctx, bad)
    with pytest.raises(NotFoundError):
        commands.show(ctx, request("show", "nothing"))


@pytest.mark.network
def test_published_collections_register(known):
    first = known.add(str(corpora.cm_root()))
    second = known.add(str(corpora.mlc_root()))
    assert first.root == os.path.join(first.path, "repo")
    assert (first.name, first.uid, first.form) == ("cmx4mlops", "428611a6db02407f", "cm")
    assert (second.name, second.form) == ("mlcommons@mlperf-automations", "mlc")
