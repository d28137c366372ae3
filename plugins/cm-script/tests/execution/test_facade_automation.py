from __future__ import annotations

import copy
import os

import pytest

from cm_script.dialects import CM, MLC
from cm_script.facade import utils_actions


@pytest.fixture
def facade(recipe):
    def make(files=None, dialect=CM, **meta):
        run = recipe(files, dialect, **meta)
        return run, run.hook_input()["automation"]

    return make


def version(text, **more):
    env: dict[str, object] = {}
    ask = {"match_text": text, "group_number": 1, "env_key": "V", "which_env": env, **more}
    return env, ask


def test_a_version_is_parsed_into_the_environment(facade, work, dialect):
    _, automation = facade(dialect=dialect)
    (work / "tmp-ver.out").write_text("tool 1.2.3 (build 7)\n")
    env, ask = version(r"tool\s([\d.]+)(?: \(build (\d+)\))?", group_number_extra=2)
    answer = automation.parse_version(ask)
    assert (answer["return"], answer["version"]) == (0, "1.2.3-7")
    assert env == {"V": "1.2.3-7", dialect.key("DETECTED_VERSION"): "1.2.3-7"}
    assert answer["string"].startswith("tool")
    (work / "other").write_text("tool 9")
    answer = automation.parse_version({**ask, "file_name": "other", "group_join_string": "+"})
    assert answer["version"] == "9"


@pytest.mark.parametrize(("which", "code"), [(CM, 16), (MLC, 1)])
def test_a_version_file_that_is_not_there(facade, work, which, code):
    _, automation = facade(dialect=which)
    assert automation.parse_version(version("x")[1])["return"] == code


def test_text_without_a_version_is_told(facade, work):
    _, automation = facade()
    (work / "tmp-ver.out").write_text("command not found\n")
    env, ask = version(r"(\d+)")
    answer = automation.parse_version(ask)
    assert answer["return"] == 1
    assert "command not found" in answer["error"]
    assert automation.parse_version({**ask, "match_text": "command"})["return"] == 1
    assert automation.parse_version({**ask, "match_text": "("})["return"] == 1
    assert env == {}


def test_another_native_script_runs_and_the_state_stays_attached(facade, console):
    files = {
        "run.sh": "echo run",
        "other.sh": "echo other $T_A\necho T_B=2 > tmp-run-env.out\n"
        "echo '{\"S\": 1}' > tmp-run-state.json",
    }
    run, automation = facade(files)
    env, live = {"T_A": "1"}, run.rsi["env"]
    ask = {"run_script_input": run.rsi, "env": env, "script_name": "other"}
    answer = automation.run_native_script(ask)
    assert answer["return"] == 0
    assert (env["T_B"], answer["env_tmp"]["T_B"]) == ("2", "2")
    assert answer["env_tmp"] is not env
    assert run.rsi["env"] is live
    assert run.rsi["script_name"] == ""
    assert run.rsi["state"] is run.scope.state
    assert run.scope.state == {"S": 1}
    assert run.ran == []
    assert console.children() == "other 1\n"


def test_a_native_script_that_fails_is_an_answer_that_knows_why(facade):
    run, automation = facade({"other.sh": "echo reason; exit 4"})
    ask = {"run_script_input": run.rsi, "env": {"T_A": "1"}, "script_name": "other"}
    answer = automation.run_native_script(ask)
    assert answer["return"] == 2
    assert "exit code 4" in answer["error"]
    assert answer.cause.lines == ["reason"]
    assert answer["env_tmp"]["T_A"] == "1"


def test_dependencies_are_changed_by_name(facade, dialect):
    _, automation = facade(dialect=dialect)
    deps = [{"tags": "get,python", "names": ["python", "python3"]}, {"tags": "get,x"}]
    change = {"python": {"version": "3.11", "tags": "_custom"}, "unknown": {"version": "1"}}
    assert automation.update_deps({"deps": deps, "update_deps": change}) == {"return": 0}
    assert deps == [
        {"tags": "get,python,_custom", "names": ["python", "python3"], "version": "3.11"},
        {"tags": "get,x"},
    ]


def test_files_below_and_above(facade, tmp_path):
    _, automation = facade()
    for name in ("a/x/cl.exe", "a/y/cl.exe", "a/y/z/other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    ask = {"paths": [str(tmp_path / "a"), "/not/there"], "file_name": "cl.exe"}
    expected = [str(tmp_path / "a/x"), str(tmp_path / "a/y")]
    assert automation.find_file_deep(ask)["found_paths"] == expected
    assert automation.find_file_deep({**ask, "restrict_paths": ["/y"]})["found_paths"] == [
        expected[1]
    ]
    back = {"path": str(tmp_path / "a/y/z"), "file_name": "cl.exe"}
    assert automation.find_file_back(back)["found_path"] == expected[1]
    assert automation.find_file_back({**back, "file_name": "no-such"})["found_path"] == ""


def test_small_helpers(facade, work, dialect, monkeypatch):
    run, automation = facade(dialect=dialect)
    monkeypatch.setenv("SOME_PATH", "/a:/b")
    ask = {"default_path_env_key": "SOME_PATH", "os_info": run.os_info}
    assert automation.get_default_path_list(ask) == ["/a", "/b"]
    assert automation.get_default_path_list({"os_info": run.os_info}) == []
    (work / "tmp-state.json").touch()
    (work / "tmp-run.sh").touch()
    key = dialect.key("TMP_CURRENT_SCRIPT_WORK_PATH")
    assert automation.clean_some_tmp_files({"env": {key: str(work)}})["return"] == 0
    assert os.listdir(work) == ["tmp-run.sh"]
    answer = automation._available_variations(
        {"meta": {"alias": "lib", "variations": {"b": 1, "a": 1}}}
    )
    assert answer["return"] == 1
    assert "_a _b" in answer["error"]


def test_nested_calls_and_loggers_go_to_the_engine(facade, engine, console):
    _, automation = facade()
    for caller in (automation.cmind, automation.action_object, automation.cache_action):
        caller.access({"action": "x"})
    automation.run({"tags": "detect,os"})
    assert len(engine.asked) == 4
    assert engine.asked[-1] == {"tags": "detect,os", "action": "run", "automation": "script"}
    assert automation.action_object.repos == []
    automation.logger.info("%s of %d", "one", 2)
    automation.action_object.logger.info({"any": "object"})
    automation.cmind.logger.warning("careful")
    automation.logger.error("100% broken")
    automation.logger.debug("unseen")
    assert console.said == ["one of 2", "{'any': 'object'}"]
    assert console.warnings == ["careful"]
    assert console.errors == ["100% broken"]
    engine.silent = True
    automation.logger.info("unseen")
    engine.verbose = True
    automation.logger.debug("seen")
    assert console.said[2:] == ["seen"]


def test_hook_input_can_be_copied_deeply(recipe):
    run = recipe()
    copied = copy.deepcopy(run.hook_input())
    assert copied["automation"].cmind.access({})["return"] == 0


def test_actions_of_the_utils_automation(engine, work):
    def call(action, **i):
        return utils_actions.call(action, i, engine)

    assert call("compare_versions", version1="3.10", version2="3.9")["comparison"] == 1
    assert call("compare_versions", version1="3.9", version2="3.9.0")["comparison"] == 0
    answer = call(
        "prune_input",
        input={"tags": "x", "out": "con", "docker_it": 1, "cmd": []},
        extra_keys_starts_with=["docker_"],
    )
    assert answer["new_input"] == {"tags": "x"}
    request = {"artifact": "get python", "parsed_artifact": []}
    call("detect_tags_in_artifact", input=request)
    assert request == {"tags": "get,python"}
    assert call("get_host_os_info")["info"]["bits"] in ("32", "64")
    assert len(call("uid")["uid"]) == 16
    assert call("system")["return"] == 1
    assert call("prune_input")["return"] == 1
    assert call("no_such_action")["return"] == 4
    (work / "sub").mkdir()
    answer = call(
        "system", cmd="pwd; echo oops >&2; exit 3", path=str(work / "sub"), stdout="o.txt"
    )
    assert (answer["return"], answer["ret"]) == (0, 3)
    assert (answer["stdout"], answer["stderr"]) == (str(work / "sub"), "oops")
    assert answer["std"] == f"{work / 'sub'}\noops"
    assert (work / "sub" / "o.txt").read_text() == f"{work / 'sub'}\n"


def test_configurations_are_loaded(engine, tmp_path, monkeypatch):
    from types import SimpleNamespace

    folder = tmp_path / "cfg"
    folder.mkdir()
    (folder / "run-a.json").write_text('{"uid": "1", "kind": "x"}')
    (folder / "run-b.yaml").write_text("uid: '2'\nkind: y\n")
    (folder / "_cm.json").write_text("{}")
    (folder / "other.json").write_text("{}")
    found = SimpleNamespace(path=str(folder), meta={"tags": ["t"]})
    monkeypatch.setattr(engine, "access", lambda i: {"return": 0, "list": [found]})

    def load(**i):
        answer = utils_actions.call("load_cfg", {"tags": "t", **i}, engine)
        return [row.get("uid") for row in answer["selection"]]

    assert load(key="run-") == ["1", "2"]
    assert load(key="run-", key_end=["-b.yaml"]) == ["2"]
    assert load(key="run-", prune={"uid": "1"}) == ["1"]
    assert load(key="run-", prune={"key": "kind", "key_uid": "y"}) == ["2"]
    assert load(key="run-", prune={"meta_key": "tags", "meta_key_uid": "u"}) == []
