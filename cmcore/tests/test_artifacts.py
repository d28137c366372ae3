import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmcore.artifacts import identity, json_form, merge, meta_files, read_meta, rewrite_meta
from cmcore.errors import StorageError, UsageError

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import killed_at, put

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=8,
)
metas = st.dictionaries(st.sampled_from("abcde"), values, max_size=4)


@pytest.mark.parametrize(
    ("present", "form", "files"),
    [
        ({"_cm.yaml"}, "cm", ("_cm.yaml",)),
        ({"_cm.json", "_cm.yaml"}, "cm", ("_cm.yaml", "_cm.json")),
        ({"meta.yaml", "_cm.json"}, "cm", ("_cm.json",)),
        ({"meta.yaml", "meta.json"}, "mlc", ("meta.yaml",)),
        ({"meta.json"}, "mlc", ("meta.json",)),
        (set(), "", ()),
    ],
)
def test_which_files_count(present, form, files):
    assert meta_files(present) == (form, files)


def test_json_replaces_whole_keys_of_yaml(tmp_path):
    path = put(tmp_path, "thing", "a", "l: [9]\nk: 1\nd: {x: 1}\nsame: 1\n", "_cm.yaml")
    put(tmp_path, "thing", "a", {"l": [2], "d": {"y": 2}, "same": 1})
    meta = read_meta(path)
    assert meta.data == {"l": [2], "k": 1, "d": {"y": 2}, "same": 1}
    assert (meta.form, meta.files) == ("cm", ("_cm.yaml", "_cm.json"))
    assert len(meta.warnings) == 2
    assert all(os.path.join(path, "_cm.json") in text for text in meta.warnings)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("_cm.yaml", "a: [", ":"),
        ("_cm.yaml", "- a\n", ""),
        ("_cm.json", '{"a": 1,}', ":1:9"),
        ("meta.json", "[]", ""),
        ("meta.yaml", "text", ""),
    ],
)
def test_broken_metas_name_their_file(tmp_path, name, text, where):
    path = put(tmp_path, "thing", "a", text, name)
    with pytest.raises(StorageError) as caught:
        read_meta(path)
    assert caught.value.where.startswith(os.path.join(path, name) + where)


def test_a_folder_without_meta_is_no_artifact(tmp_path):
    with pytest.raises(StorageError, match="no meta file"):
        read_meta(str(tmp_path))


def test_repeated_keys_and_marks_in_json_are_tolerated(tmp_path):
    path = put(tmp_path, "thing", "a", '\ufeff{"a": 1, "a": 2, "n": NaN}')
    meta = read_meta(path)
    assert meta.data == {"a": 2, "n": "NaN"}
    assert "repeated keys a" in meta.warnings[0]


def test_identity_is_tolerant():
    assert identity("/x/paper", {"tags": ["a", 2024, True, None, "b, a"]})[:3] == (
        "paper",
        "",
        ("a", "2024", "true", "b"),
    )
    assert identity("/x/y", {"alias": "y", "uid": "0123456789ABCDEF", "tags": "a,b"}) == (
        "y",
        "0123456789abcdef",
        ("a", "b"),
        [],
    )
    alias, uid, tags, warnings = identity("/x/dir", {"alias": "other", "uid": "zz", "tags": 5})
    assert (alias, uid, tags) == ("other", "zz", ("5",))
    assert len(warnings) == 3
    assert all(text.startswith("/x/dir: ") for text in warnings)
    assert identity("/x/0123456789abcdef", {"uid": "0123456789abcdef"})[0] == ""


@pytest.mark.parametrize("name", ["_cm.yaml", "_cm.json", "meta.yaml", "meta.json"])
@given(old=metas, new=metas)
def test_rewriting_gives_what_was_asked_in_the_same_file(tmp_path_factory, name, old, new):
    folder = put(tmp_path_factory.mktemp("x"), "thing", "a", old, name)
    written = rewrite_meta(folder, new)
    assert read_meta(folder).data == new
    assert written == ((name,) if old != new else ())
    assert os.listdir(folder) == [name]


@given(yaml=metas, json_part=metas, new=metas)
def test_rewriting_two_files(tmp_path_factory, yaml, json_part, new):
    folder = put(tmp_path_factory.mktemp("x"), "thing", "a", yaml, "_cm.yaml")
    put(os.path.dirname(os.path.dirname(folder)), "thing", "a", json_part)
    rewrite_meta(folder, new)
    assert read_meta(folder).data == new


def test_rewriting_keeps_comments(tmp_path):
    folder = put(tmp_path, "thing", "a", "# mine\nalias: a\n# tags\ntags: [x]\n", "_cm.yaml")
    rewrite_meta(folder, {"alias": "b", "tags": ["x"]})
    with open(os.path.join(folder, "_cm.yaml")) as file:
        assert file.read() == "# mine\nalias: b\n# tags\ntags: [x]\n"


def test_a_kill_while_rewriting_leaves_a_readable_meta(tmp_path):
    old, new = {"alias": "a", "n": 1}, {"alias": "b", "n": 2}
    for number in range(1, 40):
        folder = put(tmp_path, "thing", "a", "alias: a\nn: 1\n", "_cm.yaml")
        died = killed_at(number, lambda: rewrite_meta(str(tmp_path / "thing" / "a"), new))
        assert read_meta(folder).data in (old, new)
        if not died:
            assert read_meta(folder).data == new
            return
    raise AssertionError("never through")


def test_merging():
    base = {"d": {"a": 1, "l": [1]}, "l": [1, 2], "s": "x"}
    merge(base, {"d": {"b": 2, "l": [1, 3]}, "l": [2, 3], "s": {"now": 1}})
    assert base == {"d": {"a": 1, "b": 2, "l": [1, 1, 3]}, "l": [1, 2, 2, 3], "s": {"now": 1}}
    for how, wanted in (("union", [1, 2, 3]), ("replace", [2, 3])):
        base = {"l": [1, 2]}
        merge(base, {"l": [2, 3]}, lists=how)
        assert base == {"l": wanted}


def test_json_form():
    assert json_form({"a": (1, 2)}, "x") == {"a": [1, 2]}
    for bad in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises(UsageError, match="--meta"):
            json_form(bad, "--meta")
