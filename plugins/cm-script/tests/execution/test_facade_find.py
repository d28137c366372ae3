from __future__ import annotations

import os
from pathlib import Path

import pytest

from cm_script.dialects import CM, MLC

TOOL = "#!/bin/sh\necho tool {version}\n"
FILES = {
    "run.sh": """
        "$T_TOOL" --version > tmp-ver.out || exit 1
        echo "T_RAN=$T_TOOL" > tmp-run-env.out
        """,
    "customize.py": """
        def detect_version(i):
            r = i["automation"].parse_version({"match_text": r"tool\\s*([\\d.]+)",
                "group_number": 1, "env_key": "T_VERSION", "which_env": i["env"]})
            return r if r["return"] else {"return": 0, "version": r["version"]}
        """,
}


@pytest.fixture
def tools(tmp_path):
    """Makes executables: `tools("bin/gcc-12", "12.1")`."""

    def make(name: str, version: str = "1.2.3") -> Path:
        path = tmp_path / "tools" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TOOL.format(version=version))
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def search(recipe):
    """A run of the recipe and its find_artifact."""

    def make(dialect, **env):
        run = recipe(FILES, dialect)
        run.load()
        run.scope.env.update({dialect.key(key): value for key, value in env.items()})

        def find(name="tool", **more):
            return run.hook_input()["automation"].find_artifact(
                {
                    "file_name": name,
                    "env": run.scope.env,
                    "os_info": run.os_info,
                    "default_path_env_key": "PATH",
                    "env_path_key": "T_TOOL",
                    "run_script_input": run.rsi,
                    "recursion_spaces": "",
                    **more,
                }
            )

        return run, find

    return make


def test_a_tool_outside_the_path_is_found_and_its_folder_goes_first(search, tools, dialect):
    path = tools("bin/tool")
    run, find = search(dialect, TMP_PATH=str(path.parent))
    run.scope.env["+PATH"] = ["/other"]
    answer = find()
    assert answer["return"] == 0
    assert answer["found_file_path"] == str(path) == run.scope.env["T_TOOL"]
    assert (answer["found_path"], answer["found_file_name"]) == (str(path.parent), "tool")
    assert run.scope.env["+PATH"] == [str(path.parent), "/other"]
    find()
    assert run.scope.env["+PATH"] == [str(path.parent), "/other"]


def test_a_tool_on_the_path_adds_nothing(search, tools, dialect, monkeypatch):
    path = tools("bin/tool")
    monkeypatch.setenv("PATH", f"/not/there:{path.parent}:{os.environ['PATH']}")
    run, find = search(dialect)
    answer = find()
    assert answer["found_file_path"] == str(path)
    assert answer["default_path_list"][:2] == ["/not/there", str(path.parent)]
    assert "+PATH" not in run.scope.env


def test_nothing_found_is_16_and_wrong_paths_are_errors(search, tools, dialect, tmp_path):
    tools("bin/tool")
    run, find = search(dialect, TMP_PATH=str(tmp_path))
    assert find()["return"] == 16
    run.scope.env[dialect.key("TMP_PATH")] = f"{tmp_path}:/not/there"
    answer = find()
    assert (answer["return"], "/not/there does not exist" in answer["error"]) == (1, True)
    run.scope.env[dialect.key("TMP_PATH_IGNORE_NON_EXISTANT")] = "yes"
    assert find()["return"] == 16
    run.scope.env[dialect.key("INPUT")] = "/not/there"
    assert find()["return"] == 1


def test_input_names_one_file_whatever_it_is_called(search, tools, dialect):
    path = tools("elsewhere/other-name")
    _, find = search(dialect, INPUT=str(path))
    assert find()["found_file_path"] == str(path)


def test_names_with_versions_count_in_order_and_copies_once(search, tools, dialect, tmp_path):
    names = ["tool-12", "tool-9", "tool3.1", "tool11", "tool.1", "toolbox", "tool-9.1", "tool-x"]
    for name in names:
        tools(f"bin/{name}")
    (tmp_path / "tools/bin/tool-99").symlink_to("tool-9")
    (tmp_path / "tools/bin/tool-8").symlink_to("gone")
    (tmp_path / "tools/bin/tool7").mkdir()
    run, _ = search(dialect)
    facade = run.hook_input()["automation"]
    found = facade.find_file_in_paths({"paths": [str(tmp_path / "tools/bin")], "file_name": "tool"})
    seen = [os.path.basename(path) for path in found["found_files"]]
    assert seen == ["tool.1", "tool-9", "tool-12", "tool11", "tool3.1"]
    found = facade.find_file_in_paths(
        {"paths": [str(tmp_path / "tools/bin")], "file_name_re": r"tool-\d+$"}
    )
    assert len(found["found_files"]) == 2


def test_patterns_in_names(search, tools, dialect, tmp_path):
    tools("lib/libx.so.8.1")
    _, find = search(dialect, TMP_PATH=str(tmp_path / "tools"))
    assert find("lib/libx.so.*")["found_file_name"] == "libx.so.8.1"


def test_versions_are_detected_on_a_copy_of_the_environment(search, tools, dialect):
    path = tools("bin/tool")
    run, find = search(dialect, TMP_PATH=str(path.parent), QUIET="yes")
    before = run.rsi["env"]
    assert find(detect_version=True)["return"] == 0
    assert set(run.scope.env) == {
        dialect.key("TMP_PATH"),
        dialect.key("QUIET"),
        "+PATH",
        "T_TOOL",
    }
    assert run.rsi["env"] is before
    assert run.rsi["state"] is run.scope.state


@pytest.mark.parametrize(
    ("request_", "cm", "mlc"),
    [
        ({"VERSION": "1.2.3"}, 0, 0),
        ({"VERSION": "1.2"}, 16, 0),
        ({"VERSION": "9.9"}, 16, 16),
        ({"VERSION_MIN": "1.2"}, 0, 0),
        ({"VERSION_MIN": "1.10"}, 16, 16),
        ({"VERSION_MAX": "1.10.0"}, 0, 0),
        ({"VERSION_MAX": "1.2.2"}, 16, 16),
    ],
)
def test_only_versions_that_fit_are_taken(search, tools, request_, cm, mlc):
    path = tools("bin/tool")
    for dialect, expected in ((CM, cm), (MLC, mlc)):
        _, find = search(dialect, TMP_PATH=str(path.parent), **request_)
        assert find(detect_version=True)["return"] == expected


def test_a_candidate_whose_script_fails_is_left_out_and_one_without_version_is_an_error(
    search, tools, dialect
):
    broken = tools("a/tool")
    broken.write_text("#!/bin/sh\nexit 3\n")
    good = tools("b/tool")
    _, find = search(dialect, TMP_PATH=f"{broken.parent}:{good.parent}")
    assert find(detect_version=True)["found_file_path"] == str(good)
    broken.write_text("#!/bin/sh\necho no version here\n")
    answer = find(detect_version=True)
    assert answer["return"] == 1
    assert "no version here" in answer["error"]


def test_of_several_the_first_is_taken_unless_somebody_chooses(search, tools, dialect, console):
    first, second = tools("a/tool"), tools("b/tool")
    run, find = search(dialect, TMP_PATH=f"{first.parent}:{second.parent}")
    assert find()["found_file_path"] == str(first)
    console.interactive = True
    console.answers = [1]
    assert find()["found_file_path"] == str(second)
    run.scope.env[dialect.key("QUIET")] = "yes"
    assert find()["found_file_path"] == str(first)


def test_a_recipe_can_leave_candidates_out(search, tools, dialect):
    first, second = tools("a/tool"), tools("b/tool")
    _, find = search(dialect, TMP_PATH=f"{first.parent}:{second.parent}")

    def hook(i):
        return {"return": 0, "skip": i["file"] == str(first)}

    assert find(hook=hook)["found_file_path"] == str(second)
    assert find(hook=lambda i: {"return": 5, "error": "broken"})["return"] == 5


def test_folders_beside_the_found_one(search, tools, dialect, tmp_path):
    path = tools("bin/tool")
    (tmp_path / "tools/include").mkdir()
    run, find = search(dialect, TMP_PATH=str(path.parent))
    find(extra_paths={"include": "+C_INCLUDE_PATH", "lib64": "+LD_LIBRARY_PATH"})
    assert run.scope.env["+C_INCLUDE_PATH"] == [str(tmp_path / "tools/include")]
    assert "+LD_LIBRARY_PATH" not in run.scope.env


def test_a_search_folder_is_walked_to_a_limited_depth(search, tools, dialect, tmp_path):
    deep = tools("1/2/3/4/tool")
    tools("1/2/3/4/5/other")
    _, find = search(dialect, SEARCH_FOLDER_PATH=str(tmp_path / "tools"))
    assert find()["found_file_path"] == str(deep)
    assert find("other")["return"] == 16


def test_a_forced_path_is_the_only_one(search, tools, dialect, monkeypatch):
    path = tools("bin/tool")
    monkeypatch.setenv("PATH", str(path.parent))
    run, find = search(dialect, TMP_PATH=str(path.parent))
    assert find(force_given_path=True)["default_path_list"] == []
    assert run.scope.env["+PATH"] == [str(path.parent)]


def test_detecting_with_the_script_alone(search, tools, dialect):
    run, _ = search(dialect)
    run.scope.env["T_TOOL"] = str(tools("bin/tool"))
    facade = run.hook_input()["automation"]
    ask = {"env": run.scope.env, "run_script_input": run.rsi, "recursion_spaces": ""}
    assert facade.detect_version_using_script(ask) == {"return": 0, "detected_version": "1.2.3"}
    run.scope.env[dialect.key("VERSION_MIN")] = "2"
    assert facade.detect_version_using_script(ask)["return"] == 16
    del run.scope.env[dialect.key("VERSION_MIN")]
    run.scope.env["T_TOOL"] = "/not/there"
    assert facade.detect_version_using_script(ask)["return"] == 16
