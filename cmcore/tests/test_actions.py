import json
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmcore import actions
from cmcore.artifacts import read_meta
from cmcore.errors import AmbiguousError, ExistsError, NotFoundError, StorageError, UsageError
from cmcore.naming import is_uid
from cmcore.types import Collection

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import context, in_child, put, request, uid


@pytest.fixture
def ctx(tmp_path):
    return home(tmp_path)


def home(tmp_path, answers=(), **environ):
    """A home with a registered collection `box`."""
    made = context(tmp_path / "home", answers, **environ)
    box = tmp_path / "box"
    box.mkdir(exist_ok=True)
    (box / "cmr.yaml").write_text("alias: box\n")
    made.collections.add(str(box))
    return made


def box(tmp_path, alias, **meta):
    return put(tmp_path / "box", "thing", alias, {"alias": alias, **meta})


def names(ctx, *words, **flags):
    return [
        a["alias"] for a in actions.search(ctx, request("search", *words, **flags)).data["list"]
    ]


def test_search_by_names_and_tags(ctx, tmp_path):
    box(tmp_path, "a", uid=uid(10), tags=["x", "y"])
    box(tmp_path, "b", tags=["x"])
    assert names(ctx) == ["a", "b"]
    assert names(ctx, "b", "a", "a") == ["b", "a"]
    assert names(ctx, tags="x,-y") == ["b"]
    assert names(ctx, tags=["x", "y"]) == ["a"]
    assert names(ctx, "x y") == ["a"]
    assert names(ctx, "x -y") == ["b"]
    assert names(ctx, "nothing") == []
    result = actions.search(ctx, request("search", "a"))
    assert result.data["list"][0]["meta"]["tags"] == ["x", "y"]
    assert result.view.rows[0][result.view.plain] == str(tmp_path / "box" / "thing" / "a")
    shown = actions.search(ctx, request("search", "a")._replace(console=True))
    assert "meta" not in shown.data["list"][0]
    with pytest.raises(UsageError) as caught:
        names(ctx, "get,x")
    assert "--tags=get,x" in caught.value.hint


def test_search_says_what_is_hidden(ctx, tmp_path):
    path = put(tmp_path / "box", "thing", "bad", "[", "_cm.yaml")
    (warning,) = actions.search(ctx, request("search")).warnings
    assert path in warning


def test_add_goes_to_the_local_collection(ctx):
    result = actions.add(ctx, request("add", "new", tags="b, a", meta={"n": 1, "d": {"x": "y"}}))
    path = os.path.join(ctx.paths.local, "thing", "new")
    assert result.data["path"] == path
    assert os.listdir(path) == ["_cm.yaml"]
    meta = read_meta(path).data
    assert is_uid(meta["uid"])
    assert meta == {
        "alias": "new",
        "uid": meta["uid"],
        "automation_alias": "thing",
        "tags": ["b", "a"],
        "n": 1,
        "d": {"x": "y"},
    }
    assert names(ctx, "local:new") == ["new"]


def test_add_elsewhere_in_other_forms_and_without_a_name(ctx, tmp_path, monkeypatch):
    actions.add(ctx, request("add", f"box:one,{uid(10)}", form="mlc"))
    assert read_meta(str(tmp_path / "box" / "thing" / "one")).form == "mlc"
    assert names(ctx, uid(10)) == ["one"]
    actions.add(ctx, request("add", "box:two", json=True))
    assert os.listdir(tmp_path / "box" / "thing" / "two") == ["_cm.json"]
    nameless = actions.add(ctx, request("add")).data
    assert os.path.basename(nameless["path"]) == nameless["uid"]
    monkeypatch.chdir(tmp_path / "box")
    actions.add(ctx, request("add", ".:here"))
    assert names(ctx, "box:here") == ["here"]
    (tmp_path / "mlc").mkdir()
    (tmp_path / "mlc" / "meta.yaml").write_text("alias: mlc\n")
    ctx.collections.add(str(tmp_path / "mlc"))
    added = actions.add(ctx, request("add", "mlc:x"))
    assert os.listdir(added.data["path"]) == ["meta.yaml"]
    with pytest.raises(UsageError, match="xml"):
        actions.add(ctx, request("add", "x", form="xml"))


def test_the_form_setting(tmp_path):
    ctx = home(tmp_path, CM_SETTING_CORE_FORM="mlc")
    assert os.listdir(actions.add(ctx, request("add", "x")).data["path"]) == ["meta.yaml"]


def test_add_refuses_what_exists_or_could_not_be_found(ctx, tmp_path):
    actions.add(ctx, request("add", f"new,{uid(10)}"))
    with pytest.raises(ExistsError, match="'new'"):
        actions.add(ctx, request("add", "NEW"))
    with pytest.raises(ExistsError, match=uid(10)):
        actions.add(ctx, request("add", f"box:other,{uid(10)}"))
    os.makedirs(os.path.join(ctx.paths.local, "thing", "taken", "x"))
    with pytest.raises(ExistsError, match="taken"):
        actions.add(ctx, request("add", "taken"))
    for bad in ("a*", ".hidden", "a/b"):
        with pytest.raises(UsageError):
            actions.add(ctx, request("add", bad))
    with pytest.raises(UsageError):
        actions.add(ctx, request("add", "a", "b"))
    with pytest.raises(UsageError, match="--meta"):
        actions.add(ctx, request("add", "m", meta="x"))
    with pytest.raises(NotFoundError, match="nowhere"):
        actions.add(ctx, request("add", "nowhere:a"))
    assert names(ctx) == ["new"]
    assert actions.add(ctx, request("add", "box:new")).data["collection"] == "box"


def test_load(ctx, tmp_path):
    put(tmp_path / "box", "thing", "base", {"alias": "base", "l": [1]})
    path = box(tmp_path, "a", _base="thing::base", l=[2], tags=[5])
    result = actions.load(ctx, request("load", "a"))
    assert result.data["meta"]["l"] == [1, 2]
    assert result.data["original_meta"]["l"] == [2]
    assert result.data["path"] == path
    assert json.loads(result.view) == result.data["meta"]
    assert any("not text" in text for text in result.warnings)
    assert "alias: base" in actions.load(ctx, request("load", "base", yaml=True)).view


def test_one_is_needed(ctx, tmp_path):
    box(tmp_path, "get-python", tags=["python3"])
    box(tmp_path, "get-gcc")
    with pytest.raises(AmbiguousError, match=r"box:get-gcc, box:get-python"):
        actions.load(ctx, request("load", "get-*"))
    with pytest.raises(NotFoundError, match="'get-pyton'") as caught:
        actions.load(ctx, request("load", "get-pyton"))
    assert "get-python" in caught.value.hint
    with pytest.raises(NotFoundError, match="pyton3") as caught:
        actions.load(ctx, request("load", tags="pyton3"))
    assert "python3" in caught.value.hint
    put(tmp_path / "box", "thing", "bad", "[", "_cm.yaml")
    with pytest.raises(NotFoundError) as caught:
        actions.load(ctx, request("load", "bad"))
    assert os.path.join("bad", "_cm.yaml") in caught.value.hint


def test_show(ctx, tmp_path):
    box(tmp_path, "a", uid=uid(10), tags=["x"])
    result = actions.show(ctx, request("show", "a"))
    assert result.data["list"][0]["cid"] == f"thing::a,{uid(10)}"
    assert result.data["list"][0]["files"] == ["_cm.json"]
    for part in (f"a,{uid(10)}", "collection: box", "tags: x", "_cm.json"):
        assert part in result.view[0]
    with pytest.raises(NotFoundError):
        actions.show(ctx, request("show", "b"))


def test_update_keeps_yaml_and_its_comments(ctx, tmp_path):
    text = "# mine\nalias: a\ntags: [x] # kept\nenv:\n  A: 1\nl:\n- 1\n"
    path = put(tmp_path / "box", "thing", "a", text, "_cm.yaml")
    meta = {"env": {"B": 2}, "l": [1, 2]}
    result = actions.update(ctx, request("update", "a", meta=meta))
    assert os.listdir(path) == ["_cm.yaml"]
    assert result.data["meta"] == read_meta(path).data
    with open(os.path.join(path, "_cm.yaml")) as file:
        written = file.read()
    assert "# mine" in written
    assert "# kept" in written
    assert read_meta(path).data == {
        "alias": "a",
        "tags": ["x"],
        "env": {"A": 1, "B": 2},
        "l": [1, 2],
    }


def test_update_flags(ctx, tmp_path):
    path = box(tmp_path, "a", uid=uid(10), tags=["x"], l=[1], d={"k": 1})
    actions.update(ctx, request("update", "a", meta={"l": [2]}, replace_lists=True, tags="y,z"))
    assert read_meta(path).data == {
        "alias": "a",
        "uid": uid(10),
        "tags": ["y", "z"],
        "l": [2],
        "d": {"k": 1},
    }
    actions.update(ctx, request("update", search_tags="y", meta={"n": 1}, replace=True))
    assert read_meta(path).data == {"alias": "a", "uid": uid(10), "n": 1}
    with pytest.raises(UsageError, match="alias"):
        actions.update(ctx, request("update", "a", meta={"alias": "b"}))
    with pytest.raises(UsageError, match="uid"):
        actions.update(ctx, request("update", "a", meta={"uid": uid(11)}))


def test_update_adds_one_that_is_not_there(ctx):
    actions.update(ctx, request("update", "new", meta={"n": 1}))
    assert names(ctx) == ["new"]
    for bad in (request("update", "no*"), request("update", search_tags="q")):
        with pytest.raises(NotFoundError):
            actions.update(ctx, bad)
    with pytest.raises(UsageError, match="nothing says"):
        actions.update(ctx, request("update", meta={"n": 1}))


def test_update_of_several_needs_force_or_a_yes(ctx, tmp_path):
    paths = [box(tmp_path, name, tags=["x"]) for name in ("a", "b")]
    several = request("update", search_tags="x", meta={"n": 1})
    with pytest.raises(AmbiguousError, match="box:a, box:b") as caught:
        actions.update(ctx, several)
    assert "--force" in caught.value.hint
    assert ["n" in read_meta(path).data for path in paths] == [False, False]
    actions.update(home(tmp_path, [True, False]), several)
    assert ["n" in read_meta(path).data for path in paths] == [True, False]
    actions.update(ctx, several._replace(flags={**several.flags, "force": True}))
    assert ["n" in read_meta(path).data for path in paths] == [True, True]


def test_remove_asks_and_without_a_terminal_refuses(ctx, tmp_path):
    for name in ("a", "b", "c"):
        box(tmp_path, name, tags=["x"])
    with pytest.raises(AmbiguousError) as caught:
        actions.remove(ctx, request("remove", "a"))
    assert "--force" in caught.value.hint
    assert names(ctx) == ["a", "b", "c"]
    asking = home(tmp_path, [True, False, True])
    removed = actions.remove(asking, request("remove", tags="x")).data["removed"]
    assert [a["alias"] for a in removed] == ["a", "c"]
    assert len(asking.console.questions) == 3
    assert str(tmp_path / "box" / "thing" / "a") in asking.console.questions[0]
    assert actions.remove(ctx, request("remove", "b", f=True)).data["removed"][0]["alias"] == "b"
    assert os.listdir(tmp_path / "box" / "thing") == []
    with pytest.raises(NotFoundError):
        actions.remove(ctx, request("remove", "b", force=True))
    with pytest.raises(UsageError, match="nothing says"):
        actions.remove(ctx, request("remove", force=True))


def test_move_renames_and_moves(ctx, tmp_path):
    path = put(tmp_path / "box", "thing", "a", f"alias: a # x\nuid: {uid(10)}\n", "_cm.yaml")
    with open(os.path.join(path, "file"), "w") as file:
        file.write("content")
    actions.move(ctx, request("move", "a", "b"))
    assert os.listdir(tmp_path / "box" / "thing") == ["b"]
    actions.move(ctx, request("move", "b", "local:"))
    actions.move(ctx, request("move", uid(10), "box:c"))
    final = tmp_path / "box" / "thing" / "c"
    assert names(ctx) == ["c"]
    assert read_meta(str(final)).data == {"alias": "c", "uid": uid(10)}
    assert (final / "file").read_text() == "content"
    assert actions.move(ctx, request("move", "c", "c")).data["path"] == str(final)


def test_move_refusals(ctx, tmp_path):
    box(tmp_path, "a")
    box(tmp_path, "b")
    os.makedirs(tmp_path / "box" / "thing" / "folder" / "x")
    for target in ("b", "folder"):
        with pytest.raises(ExistsError):
            actions.move(ctx, request("move", "a", target))
    for target in ("a*", f"c,{uid(11)}", "a/b"):
        with pytest.raises(UsageError):
            actions.move(ctx, request("move", "a", target))
    with pytest.raises(UsageError, match="target"):
        actions.move(ctx, request("move", "a"))
    with pytest.raises(NotFoundError):
        actions.move(ctx, request("move", "zz", "y"))
    assert names(ctx) == ["a", "b"]
    assert sorted(os.listdir(tmp_path / "box" / "thing")) == ["a", "b", "folder"]


def test_move_to_another_file_system(ctx, tmp_path, monkeypatch):
    import errno

    path = box(tmp_path, "a")
    real = os.rename

    def rename(source, target):
        if source == path and os.path.basename(target) == "a":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    moved = actions.move(ctx, request("move", "a", "local:")).data["path"]
    assert moved == os.path.join(ctx.paths.local, "thing", "a")
    assert not os.path.exists(path)
    assert names(ctx) == ["a"]


def test_copy_has_its_own_uid(ctx, tmp_path):
    path = box(tmp_path, "a", uid=uid(10), tags=["x"])
    with open(os.path.join(path, "run.sh"), "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(os.path.join(path, "run.sh"), 0o755)
    copied = actions.copy(ctx, request("copy", "a", "local:b", new_tags="y"))
    meta = read_meta(copied.data["path"]).data
    assert meta == {"alias": "b", "uid": copied.data["uid"], "tags": ["y"]}
    assert meta["uid"] != uid(10)
    assert os.access(os.path.join(copied.data["path"], "run.sh"), os.X_OK)
    assert read_meta(actions.copy(ctx, request("copy", "a", "local:")).data["path"]).data[
        "alias"
    ] == ("a")
    with pytest.raises(ExistsError):
        actions.copy(ctx, request("copy", "box:a", "a"))


def test_packages_are_read_only_and_named(tmp_path):
    root = str(tmp_path / "site" / "recipes")
    path = put(root, "thing", "p", {"alias": "p"})
    package = Collection("pack", "", root, root, "package", "cm", False, "dist-name 1.0")
    ctx = home(tmp_path)
    ctx.collections._packages = [package]
    for refused in (
        request("add", "pack:x"),
        request("update", "p", meta={"n": 1}),
        request("remove", "p", force=True),
        request("move", "p", "local:"),
        request("copy", "p", "pack:q"),
    ):
        with pytest.raises(StorageError, match=r"dist-name 1\.0"):
            getattr(actions, refused.action)(ctx, refused)
    assert os.listdir(os.path.dirname(path)) == ["p"]
    assert actions.copy(ctx, request("copy", "p", "local:")).data["collection"] == "local"


def test_every_action_is_listed_with_its_flags():
    from cmcore.grammar import canonical_action

    assert sorted(actions.COMMON) == sorted(
        ["search", "add", "load", "update", "remove", "move", "copy", "show"]
    )
    for name, action in actions.COMMON.items():
        assert action.handler is getattr(actions, name)
        assert canonical_action(name) == name
        assert action.help
        assert action.examples
        assert all(flag.help for flag in action.flags)


def test_many_processes_add_the_same_name_once(ctx):
    def work():
        try:
            actions.add(ctx, request("add", "same"))
        except ExistsError:
            os._exit(8)

    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            os._exit(in_child(work))
        pids.append(pid)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)
    assert codes == [0, 8, 8, 8]
    assert names(ctx) == ["same"]


def test_many_processes_update_without_loss(ctx, tmp_path):
    path = box(tmp_path, "a")
    pids = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            work = request("update", "a", meta={"d": {f"k{number}": number}})
            os._exit(in_child(lambda w=work: actions.update(ctx, w)))
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert read_meta(path).data["d"] == {f"k{n}": n for n in range(4)}


keys = st.dictionaries(
    st.sampled_from("abc"), st.integers() | st.text("xy", max_size=2) | st.lists(st.integers())
)


@settings(max_examples=30, deadline=None)
@given(first=keys, second=keys)
def test_an_update_twice_is_as_good_as_once(tmp_path_factory, first, second):
    tmp_path = tmp_path_factory.mktemp("w")
    ctx = home(tmp_path)
    path = box(tmp_path, "x", **first)
    seen = []
    for _ in range(2):
        actions.update(ctx, request("update", "x", meta=second))
        seen.append(read_meta(path).data)
    ctx.index.close()
    assert seen[0].keys() == {"alias", *first, *second}
    for key, value in second.items():
        if not isinstance(value, list):
            assert seen[0][key] == value
            assert seen[1][key] == value
        else:
            assert [item for item in value if item not in seen[1][key]] == []
    assert seen[0] == seen[1]


@pytest.mark.parametrize("words", [(":",), (",",), (" ",), ("a", ""), ("a", ":")])
def test_an_empty_word_is_not_taken_for_everything(ctx, tmp_path, words):
    box(tmp_path, "a")
    box(tmp_path, "b")
    for action in (actions.remove, actions.update):
        with pytest.raises(UsageError, match="nothing says"):
            action(ctx, request("x", *words, force=True))
    with pytest.raises(UsageError, match="nothing says"):
        actions.remove(ctx, request("remove", tags=",", force=True))
    assert names(ctx) == ["a", "b"]


@pytest.mark.parametrize("given", ["../../evil", "short", "g" * 16])
def test_the_uid_of_a_new_artifact_is_one(ctx, tmp_path, given):
    with pytest.raises(UsageError, match="is not a UID"):
        actions.add(ctx, request("add", meta={"uid": given}))
    with pytest.raises(UsageError, match="is not a UID"):
        actions.add(ctx, request("add", "named", meta={"uid": given}))
    assert names(ctx) == []


def test_the_artifact_that_is_hidden_by_an_error_is_the_one_told(ctx, tmp_path):
    for name in ("one", "two"):
        put(tmp_path / "box", "thing", name, "{")
    with pytest.raises(NotFoundError) as caught:
        actions.load(ctx, request("load", "two"))
    assert os.path.join("thing", "two", "_cm.json") in caught.value.hint


def test_a_word_that_is_no_text_fits_nothing(ctx, tmp_path):
    box(tmp_path, "a", tags=["x"])
    assert names(ctx, "\udcff") == names(ctx, tags="\udcff") == []


@pytest.mark.parametrize("tags", [5, True, {"a": 1}])
@pytest.mark.parametrize("action", ["search", "load", "add", "remove", "update"])
def test_tags_that_are_neither_text_nor_a_list_are_refused(ctx, action, tags):
    with pytest.raises(UsageError, match="tags are text or a list"):
        getattr(actions, action)(ctx, request(action, "x", tags=tags))
