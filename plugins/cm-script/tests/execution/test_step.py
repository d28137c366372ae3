from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cm_script.dialects import CM, MLC
from cm_script.step import StepError, run_step
from cmcore.errors import CmError, NotFoundError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="bash")


def test_the_script_is_sourced_by_bash_in_the_current_folder(recipe, work, console, dialect):
    run = recipe(
        {
            "run.sh": """\
            #!/bin/false
            [[ -n $BASH_VERSION ]] && echo bash
            [ "${BASH_SOURCE[0]}" != "$0" ] && echo sourced
            echo "$PWD"
            ls "$WHERE"
            """
        },
        dialect,
    )
    run.scope.env["WHERE"] = "${" + dialect.key("TMP_CURRENT_SCRIPT_PATH") + "}"
    run_step(run, run.scope.env, mode="")
    assert console.children() == f"bash\nsourced\n{work}\nrun.sh\n"
    assert run.scope.env[dialect.key("TMP_CURRENT_SCRIPT_WORK_PATH")] == str(work)


def test_values_reach_the_script_literally(recipe, work, console, print_env, seen, dialect):
    run = recipe({"run.sh": print_env}, dialect)
    run.engine.literal.add("T_USER")
    typed = "$(touch pwned) `touch pwned` \"q\" 'q' \\ $HOME a=b\nnext"
    run.scope.env.update({"T_USER": typed, "T_RECIPE": "$T_A/b", "T_A": "a"})
    run_step(run, run.scope.env, mode="")
    assert seen()["T_USER"] == typed
    assert seen()["T_RECIPE"] == "a/b"
    assert not (work / "pwned").exists()


def test_what_a_script_reported_is_data_for_the_next_one(recipe, console, print_env, seen, dialect):
    run = recipe(
        {"run.sh": "echo 'T_OUT=$HOME \"q\" a=b' > tmp-run-env.out", "next.sh": print_env}, dialect
    )
    run_step(run, run.scope.env, mode="")
    run_step(run, run.scope.env, mode="", script_name="next")
    assert seen()["T_OUT"] == '$HOME "q" a=b'
    run.scope.env["T_OUT"] = "$T_A"
    run.scope.env["T_A"] = "set by a hook"
    run_step(run, run.scope.env, mode="", script_name="next")
    assert seen()["T_OUT"] == "set by a hook"


def test_the_generated_script_can_be_run_by_hand(recipe, work, console):
    run = recipe({"run.sh": 'echo "$T_A $T_PREFIX"'}, name="it's here")
    run.scope.env["T_A"] = "a b"
    run.scope.state["script_prefix"] = ["export T_PREFIX=on"]
    run_step(run, run.scope.env, mode="")
    again = subprocess.run(["./tmp-run.sh"], capture_output=True, text=True, check=True)
    assert again.stdout == console.children() == "a b on\n"
    assert Path("tmp-run.sh").read_text().startswith("#!/bin/bash\n\nexport T_PREFIX=on\n")


def test_state_goes_out_and_comes_back(recipe, work):
    run = recipe(
        {"run.sh": "grep -q T_S tmp-state.json && echo '{\"T_N\": 3}' > tmp-run-state.json"}
    )
    run.scope.state["T_S"] = {"a": 1}
    run_step(run, run.scope.env, mode="")
    assert run.scope.state == {"T_S": {"a": 1}, "T_N": 3}


def test_without_a_script_the_state_file_is_still_written_and_old_answers_are_left(recipe, work):
    run = recipe()
    (work / "tmp-run-env.out").write_text("OLD=1")
    assert run_step(run, run.scope.env, mode="") == {"return": 0}
    assert "OLD" not in run.scope.env
    assert json.loads((work / "tmp-state.json").read_text()) == {}
    assert not (work / "tmp-run.sh").exists()


def test_answers_of_an_earlier_step_do_not_count(recipe, work):
    run = recipe({"run.sh": "true"})
    (work / "tmp-run-env.out").write_text("OLD=1")
    run_step(run, run.scope.env, mode="")
    assert "OLD" not in run.scope.env


def test_exit_0_early_is_success(recipe):
    run = recipe({"run.sh": "echo T_E=1 > tmp-run-env.out\nexit 0\necho T_E=2 > tmp-run-env.out"})
    run_step(run, run.scope.env, mode="")
    assert run.scope.env["T_E"] == "1"


def test_a_failure_says_what_where_and_what_was_said_last(recipe, work, console):
    run = recipe({"run.sh": "echo working; echo broken >&2; exit 3"})
    with pytest.raises(StepError) as caught:
        run_step(run, run.scope.env, mode="postprocess")
    error = caught.value
    assert (error.code, error.exit_code, error.lines) == (2, 3, ["working", "broken"])
    assert error.message.endswith("run.sh failed with exit code 3 after saying: broken")
    assert error.to_dict()["last_lines"] == ["working", "broken"]
    assert error.script == os.path.join(run.artifact.path, "run.sh") == error.where
    assert Path(error.log).read_text() == "working\nbroken\n"
    assert error.rerun == str(work / "tmp-run.sh")
    assert run.ran == []


def test_a_last_line_without_end_is_cut_in_the_message(recipe):
    run = recipe({"run.sh": "printf '%09999d' 0; exit 1"})
    with pytest.raises(StepError) as caught:
        run_step(run, run.scope.env, mode="")
    assert len(caught.value.message) < 1000
    assert caught.value.message.endswith("000...")
    assert len(caught.value.lines[0]) == 9999


def test_a_script_that_was_killed_is_told_by_its_signal(recipe):
    run = recipe({"run.sh": "kill -15 $$"})
    with pytest.raises(StepError, match="was ended by signal 15"):
        run_step(run, run.scope.env, mode="")


def test_success_leaves_no_log(recipe, engine):
    run = recipe({"run.sh": "echo x"})
    run_step(run, run.scope.env, mode="")
    assert os.listdir(engine.ctx.paths.logs) == []


def test_a_failure_can_be_ignored(recipe, console):
    run = recipe({"run.sh": "echo T_E=1 > tmp-run-env.out; exit 3"})
    run.options.ignore_script_error = True
    run_step(run, run.scope.env, mode="postprocess")
    assert run.scope.env["T_E"] == "1"
    assert run.ran == ["posthook_deps"]
    assert "exit code 3" in console.warnings[0]


def test_files_that_explain_a_failure_are_shown(recipe, work, console):
    run = recipe(
        {"run.sh": "echo reason > build.log; exit 1"},
        print_files_if_script_error=["build.log", "not-there.log"],
    )
    with pytest.raises(StepError):
        run_step(run, run.scope.env, mode="")
    assert [text.splitlines()[1] for text in console.errors] == ["reason"]


def test_which_script_runs(recipe, console):
    run = recipe({f"{n}.sh": f"echo {n}" for n in ("run", "meta", "hook", "asked")})
    run_step(run, run.scope.env, mode="")
    run.scope.script_name = "meta"
    run_step(run, run.scope.env, mode="")
    run.rsi["script_name"] = "hook"
    run_step(run, run.scope.env, mode="")
    run_step(run, run.scope.env, mode="", script_name="asked")
    assert console.children() == "run\nmeta\nhook\nasked\n"


def test_a_script_named_by_the_meta_must_exist_and_one_named_by_a_hook_need_not(recipe):
    run = recipe({"run.sh": "exit 1"})
    run.rsi["script_name"] = "nothing"
    assert run_step(run, run.scope.env, mode="") == {"return": 0}
    del run.rsi["script_name"]
    run.scope.script_name = "nothing"
    with pytest.raises(NotFoundError, match=r"nothing\.sh is missing"):
        run_step(run, run.scope.env, mode="")


ORDER = {
    "run.sh": "echo run; echo T_R=1 > tmp-run-env.out",
    "customize.py": """
        def detect_version(i):
            return {"return": 0, "version": i["env"]["T_R"] + ".0"}

        def postprocess(i):
            i["env"]["T_P"] = sorted(set(i) & {"const", "const_state", "run_script_input"})
            return {"return": 0, "version": "9", "add_extra_cache_tags": ["x"]}
        """,
}


def test_hooks_follow_the_script_and_posthook_dependencies_go_before_postprocess(recipe):
    run = recipe(ORDER)
    run.load()
    env = dict(run.scope.env)
    assert run_step(run, env, mode="detect_version")["version"] == "1.0"
    assert run.ran == []
    answer = run_step(run, run.scope.env, mode="postprocess")
    assert (answer["version"], answer["add_extra_cache_tags"]) == ("9", ["x"])
    assert run.ran == ["posthook_deps"]
    assert run.scope.env["T_P"] == ["const", "const_state", "run_script_input"]


def test_constants_win_before_the_script_and_before_the_hook(recipe, console):
    files = {
        "run.sh": "echo C=$T_C; echo T_C=script > tmp-run-env.out",
        "customize.py": "def postprocess(i):\n    i['env']['T_SEEN'] = i['env']['T_C']\n",
    }
    run = recipe(files)
    run.scope.const["T_C"] = "const"
    run.load()
    run_step(run, run.scope.env, mode="postprocess")
    assert console.children() == "C=const\n"
    assert run.scope.env["T_SEEN"] == "const"


@pytest.mark.parametrize(("which", "expected"), [(CM, ["a", "c"]), (MLC, ["c"])])
def test_lists_among_the_constants(recipe, which, expected):
    run = recipe({}, which)
    run.scope.env["+L"] = ["a"]
    run.scope.const["+L"] = ["c"]
    run_step(run, run.scope.env, mode="")
    assert run.scope.env["+L"] == expected


def test_a_hook_that_reports_an_error_keeps_its_code(recipe):
    run = recipe({"customize.py": "def postprocess(i):\n    return {'return': 7, 'error': 'no'}"})
    run.load()
    with pytest.raises(CmError, match="postprocess says: no") as caught:
        run_step(run, run.scope.env, mode="postprocess")
    assert caught.value.code == 7


def test_a_folder_that_cannot_be_written_is_named(recipe, work):
    (work / "tmp-state.json").mkdir()
    run = recipe()
    with pytest.raises(CmError) as caught:
        run_step(run, run.scope.env, mode="")
    assert caught.value.where == str(work / "tmp-state.json")
