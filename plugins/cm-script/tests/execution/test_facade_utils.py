from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script.facade import cm_utils, engine_utils, mlc_utils, values


def test_text_files_in_both_manners(work):
    (work / "a.txt").write_text("one\ntwo 2.0\n")
    cm = cm_utils.load_txt("a.txt", split=True, match_text=r"two (\S+)")
    assert (cm["return"], cm["list"]) == (0, ["one", "two 2.0", ""])
    assert cm["match"].group(1) == "2.0"
    mlc = mlc_utils.load_txt(file_name="a.txt", split=True, match_text="none")
    assert mlc["list"] == ["one", "two 2.0"]
    assert "match" not in mlc
    assert cm_utils.load_txt("a.txt", match_text="none")["match"] is None
    for load in (cm_utils.load_txt, mlc_utils.load_txt):
        answer = load("a.txt", match_text="none", fail_if_no_match="not there")
        assert (answer["return"], answer["error"]) == (1, "not there")
    assert cm_utils.load_txt("gone", check_if_exists=True)["return"] == 16
    assert mlc_utils.load_txt("gone", check_if_exists=True)["return"] == 1
    assert mlc_utils.load_txt("a.txt", remove_after_read=True)["return"] == 0
    assert not (work / "a.txt").exists()


def test_json_files_in_both_manners(work):
    data = {"b": 1, "a": [2]}
    assert cm_utils.save_json("c.json", data) == {"return": 0}
    assert (work / "c.json").read_text() == '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n'
    assert mlc_utils.save_json("m.json", data)["return"] == 0
    assert list(json.loads((work / "m.json").read_text())) == ["b", "a"]
    for load in (cm_utils.load_json, mlc_utils.load_json):
        assert load("c.json") == {"return": 0, "meta": {"a": [2], "b": 1}}
    (work / "bad.json").write_text("{")
    assert cm_utils.load_json("bad.json")["return"] == 4
    assert mlc_utils.load_json("bad.json")["return"] == 1
    assert cm_utils.load_json("gone.json")["return"] == 16
    assert cm_utils.safe_load_json(str(work), "gone.json") == {"return": 0, "meta": {}}
    assert cm_utils.safe_load_json(str(work), "c.json")["meta"]["b"] == 1
    assert cm_utils.save_json("/not/there/x", {})["return"] == 1
    assert cm_utils.save_json("x.json", {"k": object()})["return"] == 1


def test_yaml_files(work):
    assert cm_utils.save_yaml("x.yaml", {"b": "é", "a": [1]})["return"] == 0
    (work / "x.json").write_text('{"b": 2}')
    assert cm_utils.load_yaml("x.yaml")["meta"] == {"b": "é", "a": [1]}
    assert cm_utils.load_yaml_and_json("x")["meta"] == {"b": 2, "a": [1]}
    assert cm_utils.load_yaml_and_json("gone")["return"] == 16
    assert cm_utils.is_file_json_or_yaml("x")["path"] == "x.yaml"
    assert mlc_utils.read_yaml("gone") is None
    (work / "bad.yaml").write_text("a: [")
    assert cm_utils.load_yaml("bad.yaml")["return"] == 4


def merged(function, first, second, **how):
    return function({"dict1": first, "dict2": second, **how})["dict1"]


def test_merging_in_both_manners():
    first = {"s": 1, "l": ["x", "x"], "d": {"l": [1], "k": 1}}
    second = {"s": 2, "l": ["y", "x"], "d": {"l": [1, 2]}, "n": ["z", "z"]}
    how = {"append_lists": True, "append_unique": True}
    assert merged(cm_utils.merge_dicts, json.loads(json.dumps(first)), second, **how) == {
        "s": 2,
        "l": ["x", "x", "y"],
        "d": {"l": [1, 1, 2], "k": 1},
        "n": ["z"],
    }
    assert merged(mlc_utils.merge_dicts, json.loads(json.dumps(first)), second, **how) == {
        "s": 2,
        "l": ["x", "y"],
        "d": {"l": [1, 2], "k": 1},
        "n": ["z", "z"],
    }
    for function in (cm_utils.merge_dicts, mlc_utils.merge_dicts):
        plain = merged(function, {"l": [1]}, {"l": [2]})
        assert plain == {"l": [2]}
    original = {"a": 1}
    mlc_utils.merge_dicts({"dict1": original, "dict2": {"b": 2}}, in_place=False)
    assert original == {"a": 1}


def test_merging_never_crashes_on_unlike_things():
    how = {"append_lists": True, "append_unique": True}
    for function in (cm_utils.merge_dicts, mlc_utils.merge_dicts):
        assert merged(function, {"k": "text"}, {"k": [1]}, **how) == {"k": [1]}
        assert merged(function, {"k": [1]}, {"k": {"a": 1}}, **how) == {"k": {"a": 1}}


def test_versions_in_both_manners():
    assert cm_utils.compare_versions("3.10", "3.9") == 1
    assert mlc_utils.compare_versions("1.2.3", "1.10.0") == -1
    compare = engine_utils.compare_versions
    assert compare({"version1": "9.1", "version2": "9"})["comparison"] == 1
    ask = {"version1": "9.1", "version2": "9", "version_minor_skip_okay": True}
    assert compare(ask)["comparison"] == 0


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("1", 1, 0),
        ("TRUE", 1, 0),
        ("on", 1, 0),
        ("Yes", 1, 0),
        (True, 1, 0),
        ("0", 0, 1),
        ("False", 0, 1),
        ("OFF", 0, 1),
        ("no", 0, 1),
        (False, 0, 1),
        ("", 0, 0),
        ("maybe", 0, 0),
        (None, 0, 0),
    ],
)
def test_true_and_false(text, true, false):
    assert (values.is_true(text), values.is_false(text)) == (bool(true), bool(false))


def test_shell_commands(work):
    answer = mlc_utils.run_system_cmd({"path": str(work), "cmd": "pwd; echo warn >&2"})
    assert answer == {"return": 0, "output": str(work), "error_output": "warn"}
    answer = mlc_utils.run_system_cmd({"cmd": "echo why >&2; exit 3"})
    assert (answer["return"], answer["error_output"]) == (1, "why")
    assert "exit code 3" in answer["error"]
    assert mlc_utils.run_system_cmd({})["return"] == 1
    assert mlc_utils.run_system_cmd({"cmd": "x", "path": "/not/there"})["return"] == 1


def test_the_version_of_a_checkout(work, monkeypatch):
    assert mlc_utils.get_repo_version(str(work)) == {}
    (work / "git_commit_hash.txt").write_text("abc\n")
    assert mlc_utils.get_repo_version(str(work))["source"] == "commit_file"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main", "."], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    found = mlc_utils.get_repo_version(str(work))
    assert (found["source"], found["branch"], found["dirty"]) == ("git", "main", False)
    (work / "git_commit_hash.txt").write_text("changed")
    assert mlc_utils.get_repo_version(str(work))["dirty"] is True


def test_names_and_dates():
    uid = cm_utils.gen_uid()["uid"]
    assert cm_utils.is_cm_uid(uid)
    assert mlc_utils.is_uid(uid.upper())
    assert not cm_utils.is_cm_uid("x" * 16)
    assert cm_utils.parse_cm_object("repo:alias," + uid)["cm_object"] == [
        ("alias", uid),
        ("repo", ""),
    ]
    assert cm_utils.parse_cm_object(uid)["cm_object"] == [("", uid)]
    assert cm_utils.assemble_cm_object("a", uid) == f"a,{uid}"
    now = cm_utils.get_current_date_time({})
    assert now["iso_datetime"].startswith(f"{now['array']['date_year']}-")
    assert cm_utils.get_current_date_time({"timezone": "Mars/Base"})["return"] == 1
    assert cm_utils.digits("1.3+xyz") == 1
    assert cm_utils.convert_tags_to_list({"tags": "a, b,,c"}) == ["a", "b", "", "c"]


@given(st.dictionaries(st.text("ab", min_size=1), st.integers(), min_size=1))
def test_flat_keys_there_and_back(d):
    nested: dict = {}
    for key, value in d.items():
        cm_utils.update_dict_with_flat_key(f"x.{key}", value, nested)
    assert all(
        cm_utils.get_value_from_dict_with_flat_key(f"x.{k}", nested) == v for k, v in d.items()
    )
    assert cm_utils.get_value_from_dict_with_flat_key("x.c.d", nested) is None


def test_a_debugger_is_only_waited_for_where_it_was_asked_for():
    assert cm_utils.debug_here(__file__, env={}, env_debug_uid="abc").breakpoint() is None


def test_files_in_folders_above(work):
    (work / "a/b").mkdir(parents=True)
    (work / "mark").touch()
    found = cm_utils.find_file_in_dir_and_above("mark", str(work / "a/b"))
    assert found["path"] == str(work.resolve())
    assert cm_utils.find_file_in_dir_and_above("no-such-mark", str(work))["return"] == 16
