"""Options that give a person a shell or wait for one, on a real terminal and without."""

from __future__ import annotations

import pytest
from recipe_world import World
from terminal import cm, cm_on_terminal

BODY = 'echo "ran with $CM_TOOL_MODE"; echo CM_TOOL_PATH=/opt/tool >> tmp-run-env.out\n'


@pytest.fixture
def tool(world: World) -> World:
    world.recipe(
        "get-tool",
        tags=["get", "tool"],
        default_env={"CM_TOOL_MODE": "fast"},
        new_env_keys=["CM_TOOL_*"],
        run=BODY,
    )
    world.recipe("app", deps=[{"tags": "get,tool"}], run=world.notes("app"))
    return world


def test_shell_has_the_new_environment_and_leaves_it_in_a_file(tool: World) -> None:
    said = cm_on_terminal(
        tool,
        ["run", "script", "get tool", "--shell"],
        [
            ("Type exit", 'echo "path is <$CM_TOOL_PATH> in $PWD"'),
            ("path is </opt/tool>", "exit 7"),
        ],
    )
    assert f"in {tool.here}" in said.out
    assert said.code == 0  # the run succeeded, whatever the shell ends with
    assert "(get-tool)" in said.out
    assert "CM_TOOL_PATH" in (tool.here / "tmp-env.sh").read_text()
    assert (tool.here / "tmp-run.sh").exists()  # "change and run it", as the references say


def test_ctrl_c_in_the_shell_ends_neither_it_nor_the_run(tool: World) -> None:
    said = cm_on_terminal(
        tool,
        ["run", "script", "get tool", "--shell"],
        [
            # One job that says so itself: Ctrl-C between two would meet bash, which then leaves.
            ("Type exit", "sh -c 'echo begun; exec sleep 60'"),
            ("begun\n", "\x03"),
            ("(get-tool)", "echo still $CM_TOOL_MODE"),
            ("still fast", "exit"),
        ],
    )
    assert said.code == 0


@pytest.mark.parametrize("dialect", ["cm", "mlc"])
def test_a_script_prefix_of_the_state_comes_first(world: World, dialect: str) -> None:
    prefix = "CM" if dialect == "cm" else "MLC"
    world.recipe(
        "venv",
        form=dialect,
        new_state_keys=["script_prefix"],
        new_env_keys=[f"{prefix}_V"],
        env={f"{prefix}_V": "1"},
        state={"script_prefix": ["export ACTIVATED=yes"]},
    )
    said = cm_on_terminal(
        world,
        ["run", "script", "venv", "--shell"],
        [("Type exit", f'echo "<$ACTIVATED> <${prefix}_V>"'), ("<yes> <1>", "exit")],
    )
    assert said.code == 0


def test_shell_of_a_cached_recipe_names_its_folder(world: World) -> None:
    world.recipe("kept", cache=True, env={"CM_K": "1"}, new_env_keys=["CM_K"], run="echo built\n")
    assert cm(world, "run", "script", "kept").code == 0
    said = cm_on_terminal(
        world,
        ["run", "script", "kept", "--shell"],
        [("Type exit", "echo k=$CM_K"), ("k=1", "exit")],
    )
    (entry,) = world.entries()
    assert str(entry) in said.out
    assert (world.here / "tmp-env.sh").exists()  # here, not in the entry's folder alone


def test_without_a_terminal_shell_is_refused_before_anything_runs(tool: World) -> None:
    said = cm(tool, "run", "script", "get tool", "--shell")
    assert said.code == 4
    assert "no terminal" in said.err
    assert "ran with" not in said.out
    assert not list(tool.here.iterdir())
    assert tool.run("get,tool", shell=True)["return"] == 4  # nor for Python callers
    assert tool.run("get,tool", shell="no")["return"] == 0


@pytest.mark.parametrize("flag", ["--debug_script", "--debug", "--debug_script_tags=get,tool"])
def test_debug_stops_before_the_native_step(tool: World, flag: str) -> None:
    said = cm_on_terminal(
        tool,
        ["run", "script", "get tool", flag],
        [
            ("Type exit", 'echo "mode <$CM_TOOL_MODE>"; ls -1'),
            ("tmp-run-without-cm.sh\n", "exit"),
            ("Choice", "0"),
        ],
    )
    assert said.code == 0
    assert said.out.index("mode <fast>") < said.out.index("ran with fast")
    kept = (tool.here / "tmp-run-without-cm.sh").read_text()
    assert kept.rstrip().endswith("/get-tool/run.sh'")
    assert not (tool.here / "tmp-run.sh").exists()


def test_debug_can_be_given_up(tool: World) -> None:
    said = cm_on_terminal(
        tool,
        ["run", "script", "get tool", "--debug_script"],
        [("Type exit", "exit"), ("Choice", "1")],
    )
    assert said.code == 1
    assert "given up before the native step" in said.out
    assert "ran with" not in said.out


def test_debug_of_a_dependency_by_its_tags(tool: World) -> None:
    said = cm_on_terminal(
        tool,
        ["run", "script", "app", "--debug_script_tags=tool", "--quiet"],
        [("get-tool", ""), ("Type exit", "echo in $CM_TOOL_MODE"), ("in fast", "exit")],
    )
    assert said.code == 0
    assert "Choice" not in said.out  # --quiet asks nothing
    assert tool.noted() == ["app"]


def test_debug_without_a_terminal_keeps_the_step_and_says_how_to_run_it(tool: World) -> None:
    said = cm(tool, "run", "script", "app", "--debug_script_tags=get,tool")
    assert said.code == 1
    assert "no terminal" in said.err
    kept = tool.here / "tmp-run-without-cm.sh"
    assert f"bash {kept}" in said.err
    assert "ran with" not in said.out
    assert tool.noted() == []
    import subprocess

    done = subprocess.run(["bash", str(kept)], cwd=tool.here, capture_output=True, text=True)
    assert done.stdout == "ran with fast\n"


def test_debug_says_when_there_was_nothing_to_stop_at(tool: World) -> None:
    said = cm(tool, "run", "script", "app", "--debug_script_tags=other")
    assert said.code == 0
    assert "no native step of such a recipe" in said.err
    assert cm(tool, "run", "script", "app", "--debug_script_tags=").code == 0  # empty: not given
    assert cm(tool, "run", "script", "app", "--debug_script_tags").code == 4


def test_debug_of_a_recipe_with_an_input_of_that_name_is_its_own(world: World) -> None:
    world.recipe("own", input_mapping={"debug": "CM_DEBUG"}, run='echo "debug $CM_DEBUG"\n')
    said = cm(world, "run", "script", "own", "--debug")
    assert said.code == 0
    assert "debug True" in said.out


def test_pause_waits_on_a_terminal_only(tool: World) -> None:
    said = cm_on_terminal(
        tool, ["run", "script", "get tool", "--pause"], [("Press Enter to continue", "")]
    )
    assert said.code == 0
    said = cm(tool, "run", "script", "get tool", "--pause")
    assert said.code == 0
    assert "no terminal" in said.err
