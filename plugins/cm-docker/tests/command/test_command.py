"""`cm docker script` from the request to the container, with real plans and images' folders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cm_docker import launch as launching
from cm_docker.records import Launch, Mount
from cmcore import grammar
from cmcore.errors import CmError, NotFoundError, UsageError

PROBE = "make probe"


def inner(launch: Launch) -> Any:
    """The request in the container."""
    words = list(launch.command)
    return grammar.parse(words[words.index("run") :]).request


def test_the_same_request_is_made_inside(desk: Any) -> None:
    text = "a \"b\" $(id) `x` 'q'\nline"
    result = desk.ask(PROBE, text=text, env={"X": "1"}, docker={"memory": "8g"})
    request = inner(desk.launch)
    assert request.artifacts == (PROBE,)
    assert request.flags["text"] == text
    assert request.flags["env"] == {"X": "1"}
    assert request.flags["quiet"] is True
    assert "docker" not in request.flags
    assert desk.launch.limits.memory == "8g"
    assert desk.launch.workdir == str(desk.root / "work")
    assert result.data["built"] == {"steps": 2, "reused": 1}
    assert result.data["container"] == desk.launch.name
    assert (result.code, result.data["engine"]) == (0, "stage")


def test_neither_mark_of_a_build_is_there_when_the_recipe_runs(desk: Any) -> None:
    desk.ask(PROBE)
    flags = inner(desk.launch).flags
    assert "RUN_STATE_DOCKER" not in json.dumps(flags)
    assert "docker_run_deps" not in flags
    desk.ask(PROBE, docker={"run_deps": True})
    assert inner(desk.launch).flags["docker_run_deps"] is True


def test_paths_are_mounted_and_named_as_inside(desk: Any) -> None:
    (desk.root / "data").mkdir()
    (desk.root / "in.txt").write_text("x")
    desk.ask(PROBE, input="../in.txt", results_dir=str(desk.root / "r"), data_path="../data")
    flags = inner(desk.launch).flags
    assert flags["input"] == str(desk.root / "in.txt")
    assert flags["data_path"] == "/data/in"
    found = {mount.target: mount for mount in desk.launch.mounts}
    assert found["/data/in"] == Mount(str(desk.root / "data"), "/data/in", True)
    assert found[str(desk.root / "r")].writable
    assert not found[str(desk.root / "in.txt")].writable
    assert (desk.root / "r").is_dir()


def test_what_the_host_prepares_is_seen_inside(desk: Any) -> None:
    desk.ask("use data")
    path = inner(desk.launch).flags["env"]["CM_DATA_PATH"]
    assert path.startswith(str(desk.home / "cache") + "/")
    assert Mount(path, path) in [mount._replace(writable=False) for mount in desk.launch.mounts]
    desk.ask("use data", docker={"dry_run": True})
    assert len(desk.stage.launches) == 1


def test_commands_of_the_recipe_come_before(desk: Any) -> None:
    desk.ask(PROBE)
    assert desk.launch.command[:2] == ("sh", "-ec")
    assert "{ true\n}" in desk.launch.command[2]
    assert "pull repo" not in desk.launch.command[2]


def test_the_exit_code_is_ours_and_the_answer_is_in_ours(desk: Any) -> None:
    def acts(launch: Launch) -> None:
        (answers,) = (m for m in launch.mounts if m.target == launching.ANSWERS)
        assert answers.writable
        document = {"return": 3, "error": "the step failed", "new_env": {"CM_PROBE_X": "1"}}
        Path(answers.source, "result.json").write_text(json.dumps(document))

    desk.stage.acts, desk.stage.code = acts, 3
    result = desk.ask(PROBE)
    assert (result.code, result.data["code"]) == (3, 3)
    assert result.data["error"] == "the step failed"
    assert result.data["new_env"] == {"CM_PROBE_X": "1"}
    assert "return" not in result.data


def test_what_a_failed_step_left_is_found_here(
    desk: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    def acts(launch: Launch) -> None:
        (answers,) = (m for m in launch.mounts if m.target == launching.ANSWERS)
        (logs,) = (m for m in launch.mounts if m.target.endswith("/logs"))
        assert logs.writable
        text = f"gcc: sum.o: Read-only file system; whole output: {logs.target}/1.log"
        Path(answers.source, "result.json").write_text(json.dumps({"error": text}))
        seen.append(logs.source)

    seen: list[str] = []
    desk.stage.acts, desk.stage.code = acts, 2
    result = desk.ask(PROBE)
    assert result.data["error"].endswith(f"whole output: {seen[0]}/1.log")
    told = capfd.readouterr().err
    assert f"logs of the steps in the container: {seen[0]}" in told
    assert "--docker.mount=FOLDER:FOLDER:rw" in told


def test_secrets_are_in_files_only(desk: Any, capfd: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, Any] = {}

    def acts(launch: Launch) -> None:
        seen["env"] = {name: Path(path).read_text() for name, path in launch.secrets.items()}
        (file,) = (m for m in launch.mounts if m.target == launching.REQUEST)
        seen["request"] = json.loads(Path(file.source).read_text())
        assert not file.writable

    desk.stage.acts = acts
    desk.environ["MY_VAR"] = "planted-3"
    result = desk.ask(
        PROBE, gh_token="planted-1", env={"API_TOKEN": "planted-2"}, docker={"secret": "MY_VAR"}
    )
    assert seen["env"] == {"MY_VAR": "planted-3"}
    assert seen["request"] == {"gh_token": "planted-1", "env": {"API_TOKEN": "planted-2"}}
    flags = inner(desk.launch).flags
    assert flags["input_file"] == launching.REQUEST
    assert "gh_token" not in flags
    said = capfd.readouterr()
    where = repr((desk.launch, desk.stage.builds, result)) + said.out + said.err
    where += "".join(
        path.read_text(errors="replace") for path in desk.home.rglob("*") if path.is_file()
    )
    assert "planted" not in where


def test_variables_of_the_caller_stay_outside(desk: Any) -> None:
    desk.environ.update(SOME="1", OTHER="2", TZ="UTC")
    desk.ask(PROBE, docker={"env": "SOME"})
    assert desk.launch.env["SOME"] == "1"
    assert desk.launch.env["TZ"] == "UTC"
    assert "OTHER" not in desk.launch.env


def test_an_image_that_is_there_is_not_built_again(desk: Any) -> None:
    desk.ask(PROBE)
    desk.ask(PROBE, text="another")
    assert len(desk.stage.builds) == 1
    desk.ask(PROBE, docker={"rebuild": True})
    assert desk.stage.builds[1].rebuild
    desk.stage.images.clear()
    with pytest.raises(NotFoundError, match="has no image"):
        desk.ask(PROBE, docker={"skip_build": True})


def test_a_container_without_network_is_built_with_one(desk: Any) -> None:
    desk.ask(PROBE, docker={"network": "off"})
    assert (desk.stage.builds[0].network, desk.launch.network) == ("on", "off")
    desk.stage.images.clear()
    desk.ask(PROBE, docker={"network": "host"})
    assert (desk.stage.builds[1].network, desk.launch.network) == ("host", "host")


def test_a_dry_run_builds_and_makes_nothing(desk: Any) -> None:
    result = desk.ask(PROBE, results_dir=str(desk.root / "r"), docker={"dry_run": True})
    assert desk.stage.builds == []
    assert desk.stage.launches == []
    assert not (desk.root / "r").exists()
    assert Path(result.data["file"]).is_file()
    assert result.data["command"][:2] == ["stage", "run"]
    assert result.data["file"] in str(result.view)


def test_a_build_that_fails_shows_its_last_lines_and_leaves_nothing(
    desk: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.stage.fails = CmError("the image cannot be built", hint="look")
    error = desk.fails(PROBE, results_dir=str(desk.root / "r"))
    assert "cm-build: something" in capfd.readouterr().err
    assert "STEP 1/2" in Path(error.where).read_text()
    assert not (desk.root / "r").exists()
    assert desk.stage.launches == []


def test_an_interrupted_build_leaves_nothing(desk: Any) -> None:
    desk.stage.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        desk.ask(PROBE, results_dir=str(desk.root / "r"))
    assert not (desk.root / "r").exists()
    assert list((desk.home / "logs").glob("container-*")) == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"input": "./gone"}, "there is no .*gone, which --input names"),
        ({"data_path": "/gone"}, "--data_path"),
        ({"docker": {"mount": "/gone:/x"}}, "there is no /gone to mount"),
        ({"docker": {"env": "GONE"}}, "GONE, which is not set"),
        ({"docker": {"memroy": "8g"}}, "no option --docker.memroy"),
        ({"docker": {"shell": True}}, "needs a terminal"),
        ({"no_such_flag": "x"}, "no_such_flag"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_built(
    desk: Any, flags: dict[str, Any], words: str
) -> None:
    with pytest.raises(CmError, match=words):
        desk.ask(PROBE, **flags)
    assert desk.stage.builds == []


def test_recipes_that_are_wrong_or_not_meant_for_it(desk: Any) -> None:
    assert "not meant to run in a container" in desk.fails(f"{PROBE} _not-here").message
    desk.ask(f"{PROBE} _not-here", docker={"run_override": True})
    error = desk.fails(f"{PROBE} _odd")
    assert "make-probe" in error.message
    assert error.where == "docker.shm_size"
    assert desk.fails("no such-recipe").code == 16


def test_a_container_that_is_left_running(desk: Any) -> None:
    result = desk.ask(PROBE, docker={"detached": True, "name": "mine"})
    assert desk.launch.detached
    assert (result.view, result.data["container"]) == ("mine", "mine")
    assert all(mount.target != launching.ANSWERS for mount in desk.launch.mounts)


def test_a_container_without_the_recipe(desk: Any) -> None:
    desk.ask(PROBE, docker={"skip_run_cmd": True})
    assert desk.launch.command == ("cm", "--version")


def test_publishing_runs_nothing(desk: Any) -> None:
    result = desk.ask(PROBE, docker={"publish": "registry.example/x:1"})
    assert desk.stage.pushed == [(result.data["image"], "registry.example/x:1")]
    assert desk.stage.launches == []
    desk.ask(PROBE, docker={"push_image": "yes"})
    assert desk.stage.pushed[1] == (result.data["image"], result.data["image"])
    assert len(desk.stage.launches) == 1


def test_a_recipe_named_by_its_folder_is_known_by_name_inside(desk: Any) -> None:
    os.chdir(desk.root / "recipes/script/make-probe")
    desk.ask(".")
    assert inner(desk.launch).artifacts == ("make-probe,1111222233334444",)


def test_options_in_an_input_file_count(desk: Any) -> None:
    (desk.root / "in.json").write_text('{"text": "t", "docker": {"memory": "1g"}}')
    desk.ask(PROBE, input_file=str(desk.root / "in.json"))
    assert desk.launch.limits.memory == "1g"
    assert inner(desk.launch).flags["text"] == "t"


def test_the_file_alone(desk: Any) -> None:
    ask = {"action": "dockerfile", "text": "v"}
    result = desk.ask(PROBE, **ask)
    folder = desk.root / "work/cm-container"
    text = (folder / "Containerfile").read_text()
    assert result.data["file"] == str(folder / "Containerfile")
    last = text.rstrip("\n").split("\n")[-1]
    assert json.loads(last.removeprefix("CMD ")) == result.data["command"]
    assert "--text=v" in result.data["command"]
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    desk.ask(PROBE, **ask)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    assert desk.stage.builds == []
    desk.ask(PROBE, **ask, docker={"folder": "other", "file": "My.Containerfile"})
    assert (desk.root / "work/My.Containerfile").read_text() == text
    assert sorted(os.listdir(desk.root / "work")) == ["My.Containerfile", "cm-container", "other"]


def test_a_folder_that_holds_something_else_is_kept(desk: Any) -> None:
    (desk.root / "work/notes").mkdir()
    (desk.root / "work/notes/important").write_text("x")
    with pytest.raises(CmError, match="something else"):
        desk.ask(PROBE, action="dockerfile", docker={"folder": "notes"})
    assert (desk.root / "work/notes/important").exists()


def test_a_current_folder_that_is_gone(desk: Any) -> None:
    shutil.rmtree(desk.root / "work")
    with pytest.raises(CmError, match="current folder was deleted"):
        desk.ask(PROBE)
    os.chdir(desk.root)


def test_a_terminal_is_not_claimed_where_there_is_none(desk: Any) -> None:
    with pytest.raises(UsageError, match="terminal"):
        desk.ask(PROBE, docker={"it": True})
