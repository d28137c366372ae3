"""Options about what is printed, written and recorded around a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recipe_world import World
from terminal import cm

from cm_script import flags

FORMS = ["cm", "mlc"]


@pytest.fixture
def tree(world: World) -> World:
    """`app` needs `lib`, which is cached and needs `base`; each reports a version."""
    world.recipe(
        "base", new_env_keys=["CM_BASE"], customize=VERSION.format("0.3"), run=world.notes("base")
    )
    world.recipe(
        "lib",
        cache=True,
        default_version="1.5",
        deps=[{"tags": "base"}],
        variations={"fast": {}, "slow": {"group": "speed", "default": True}},
        run=world.notes("lib"),
    )
    world.recipe(
        "app",
        deps=[{"tags": "lib,_fast", "names": ["lib"]}, {"tags": "base"}],
        env={"CM_APP": "a"},
        new_env_keys=["CM_APP"],
        run=world.notes("app"),
    )
    return world


VERSION = "def postprocess(i):\n    return {{'return': 0, 'version': '{}'}}\n"
#: (asked, version, parent's alias) in the order of the references.
VERSIONS = [
    ("base", "0.3", "lib"),
    ("lib,_fast", "1.5", "app"),
    ("base", "0.3", "app"),
    ("app", "", ""),
]


def told(version_info: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (asked, facts["version"], str(facts["parent"] or "").partition(",")[0])
        for entry in version_info
        for asked, facts in entry.items()
    ]


def test_versions_of_the_whole_tree_also_when_a_part_is_cached(tree: World) -> None:
    for noted in (["base", "lib", "base", "app"], ["base", "app"]):
        answer = tree.run("app", dump_version_info=True)
        assert tree.noted() == noted
        assert told(answer["version_info"]) == VERSIONS
        for name in ("version_info.json", "cm-run-script-versions.json"):
            assert json.loads((tree.here / name).read_text()) == answer["version_info"]
    facts = answer["version_info"][1]["lib,_fast"]
    assert {k: facts[k] for k in ("script_alias", "script_tags", "script_variations")} == {
        "script_alias": "lib",
        "script_tags": "lib",
        "script_variations": "fast",
    }
    assert tree.run("app").keys() & {"version_info"} == set()


def test_recipes_see_the_versions_found_so_far(world: World) -> None:
    world.recipe("one", customize=VERSION.format("1"))
    keep = (
        "def postprocess(i):\n"
        "    seen = i['run_script_input']['run_state']['version_info']\n"
        "    assert seen is i['input']['run_state']['version_info']\n"
        "    i['state']['seen'] = [list(v) for v in seen]\n"
        "    return {'return': 0}\n"
    )
    world.recipe("two", customize=keep, new_state_keys=["seen"])
    world.recipe("top", deps=[{"tags": "one"}, {"tags": "two"}], new_state_keys=["seen"])
    assert world.run("top")["new_state"]["seen"] == [["one"]]


def test_print_versions_names_each_once(tree: World) -> None:
    said = cm(tree, "run", "script", "app", "--print_versions")
    assert said.out == "versions:\n* base: 0.3\n* lib,_fast: 1.5\n"
    said = cm(tree, "run", "script", "app", "--print-versions", "--out=json")
    assert told(json.loads(said.out)["version_info"]) == VERSIONS
    assert "* base: 0.3" in said.err


def test_print_deps_gives_commands(tree: World) -> None:
    said = cm(tree, "run", "script", "app", "--print_deps")
    assert said.out.splitlines() == [
        "cm run script --tags=lib,_fast",
        "cm run script --tags=base",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_readme_and_dump_are_named_after_the_dialect(world: World, form: str) -> None:
    world.recipe("x", form=form)
    assert world.run("x", print_readme=True, dump_version_info=True)["return"] == 0
    made = {path.name for path in world.here.iterdir()}
    assert made == {f"README-{form}.md", f"{form}-run-script-versions.json", "version_info.json"}


def test_readme_can_be_followed(tree: World) -> None:
    said = cm(tree, "run", "script", "app", "--print_readme", "--env.MY_TOKEN=s3cr3t-word")
    assert said.code == 0
    text = (tree.here / "README-cm.md").read_text()
    assert "s3cr3t" not in text
    assert f"cm add collection {tree.folder}" in text
    assert "| `lib,_fast` | 1.5 | app," in text
    commands = [line for line in text.splitlines() if line.startswith("cm run script --tags=")]
    assert commands == [
        "cm run script --tags=base --version=0.3",
        "cm run script --tags=lib,_fast --version=1.5",
        "cm run script --tags=app",
    ]
    for command in commands:
        assert cm(tree, *command.split()[1:]).code == 0


def test_readme_of_a_clone_names_its_address_without_the_password(tree: World) -> None:
    git = tree.folder / ".git"
    git.mkdir()
    (git / "config").write_text('[remote "origin"]\n\turl = https://me:pw@example.org/r.git\n')
    tree.run("app", print_readme=True)
    text = (tree.here / "README-cm.md").read_text()
    assert (
        "git clone https://example.org/r.git test-recipes\ncm add collection test-recipes" in text
    )


def test_repro_records_the_run(tree: World) -> None:
    said = cm(tree, "run", "script", "app", "--repro", "--env.A=1")
    assert said.code == 0
    folder = tree.here / "cm-repro"
    parts = {path.name.removeprefix("cm-run-script-"): path for path in folder.iterdir()}
    assert set(parts) == {
        "input.json",
        "info.json",
        "output.json",
        "run-state.json",
        "versions.json",
        "README-cm.md",
    }
    read = {name: json.loads(p.read_text()) for name, p in parts.items() if name.endswith("json")}
    assert read["input.json"]["action"] == "run"
    assert read["input.json"]["env"] == {"A": "1"}
    assert read["output.json"]["new_env"] == {"CM_APP": "a"}
    assert told(read["versions.json"]) == told(read["run-state.json"]["version_info"]) == VERSIONS
    assert read["info.json"]["host_os_name"] == os.name
    assert read["info.json"]["installed"]["cmcore"]
    summary = json.loads((tree.here / "cm-output.json").read_text())
    assert summary["version_info"]["lib,_fast"]["version"] == "1.5"
    assert summary["acm_ctuning_repro_badge_functional"] is True
    assert summary["output"]["return"] == 0
    # What was recorded runs again, as a request of its own.
    again = cm(tree, "@cm-repro/cm-run-script-input.json", "--out=json")
    assert json.loads(again.out)["new_env"] == {"CM_APP": "a"}


def test_repro_masks_secrets_wherever_they_turn_up(world: World) -> None:
    body = 'echo "CM_URL=https://u:$CM_GIT_TOKEN@host" >> tmp-run-env.out\n'
    world.recipe("leak", run=body, new_env_keys=["CM_URL", "CM_GIT_TOKEN"])
    word = "very-secret-word"
    said = cm(world, "run", "script", "leak", "--repro", f"--env.CM_GIT_TOKEN={word}")
    assert said.code == 0
    files = [path for path in world.here.rglob("*") if path.is_file()]
    assert len(files) == 7
    assert [path.name for path in files if word in path.read_text()] == []
    output = json.loads((world.here / "cm-repro" / "cm-run-script-output.json").read_text())
    assert output["new_env"] == {"CM_URL": "https://u:***@host", "CM_GIT_TOKEN": "***"}


def test_repro_of_a_failure_says_what_failed(world: World) -> None:
    world.recipe("bad", run="echo out of luck; exit 3\n")
    assert world.run("bad", repro=True, repro_prefix="mine", repro_dir="deep/er")["return"] == 2
    output = json.loads((world.here / "deep" / "er" / "mine-output.json").read_text())
    assert output["return"] == 2
    assert output["exit_code"] == 3
    assert "out of luck" in output["error"]
    summary = json.loads((world.here / "cm-output.json").read_text())
    assert "acm_ctuning_repro_badge_functional" not in summary
    # The next record in this place does not mix with it.
    world.recipe("good")
    assert world.run("good", repro=True, repro_prefix="mine", repro_dir="deep/er")["return"] == 0
    assert json.loads((world.here / "deep" / "er" / "mine-output.json").read_text())["return"] == 0


def test_repro_where_nothing_can_be_written_fails_before_the_run(tree: World) -> None:
    (tree.here / "file").write_text("")
    answer = tree.run("app", repro=True, repro_dir="file/x")
    assert answer["return"] == 1
    assert "--repro_dir" in answer["hint"]
    assert tree.noted() == []


def test_a_failed_run_still_dumps_the_versions_it_found(tree: World) -> None:
    tree.recipe("bad", deps=[{"tags": "base"}], run="exit 1\n")
    assert tree.run("bad", dump_version_info=True)["return"] == 2
    found = json.loads((tree.here / "version_info.json").read_text())
    assert [asked for asked, *_ in told(found)] == ["base"]


@pytest.mark.parametrize("flag", ["--json", "-j", "--out=json", "json=yes"])
def test_json_is_one_document_and_all_of_stdout(tree: World, flag: str) -> None:
    said = cm(tree, "run", "script", "app", flag)
    assert json.loads(said.out)["new_env"] == {"CM_APP": "a"}
    failed = cm(tree, "run", "script", "app", flag, "--no_such_flag")
    assert json.loads(failed.out)["return"] == 4


def test_json_of_a_nested_run_does_not_reach_stdout(world: World) -> None:
    world.recipe("inner", env={"CM_IN": "1"}, new_env_keys=["CM_IN"])
    call = (
        "import cmind\n"
        "def preprocess(i):\n"
        "    r = cmind.access({'action': 'run', 'automation': 'script', 'tags': 'inner',\n"
        "                      'json': True, 'print_deps': True, 'print_versions': True})\n"
        "    return r if r['return'] else {'return': 0}\n"
    )
    world.recipe("outer", customize=call)
    said = cm(world, "run", "script", "outer")
    assert said.code == 0
    assert said.out == ""
    assert '"CM_IN": "1"' in said.err


def test_time_is_told_for_every_recipe(tree: World) -> None:
    said = cm(tree, "run", "script", "app", "--time")
    lines = [line.strip().partition(":")[0] for line in said.err.splitlines() if " s (" in line]
    assert lines == ["base", "lib", "base", "app"]


def test_space_counts_what_was_written(world: World) -> None:
    world.recipe(
        "big", cache=True, run="dd if=/dev/urandom of=data bs=1M count=40 status=none; sync\n"
    )
    said = cm(world, "run", "script", "big", "--space")
    (line,) = [line for line in said.out.splitlines() if line.startswith("used disk space: ")]
    assert line.endswith(" MB")
    assert line.split()[3].lstrip("-").isdecimal()


def test_mlc_output_leaves_the_result_as_files(world: World) -> None:
    meta = {"env": {"MLC_A": 'x"$y'}, "state": {"k": [1]}}
    world.recipe("x", form="mlc", new_env_keys=["MLC_A"], new_state_keys=["k"], **meta)
    assert world.run("x", mlc_output="yes")["return"] == 0
    assert json.loads((world.here / "tmp-state.json").read_text()) == {"k": [1]}
    shell = 'set -e; . ./tmp-run-env.out; printf %s "$MLC_A"'
    done = subprocess.run(["bash", "-c", shell], cwd=world.here, capture_output=True, text=True)
    assert done.stdout == 'x"$y'


def test_save_env_of_a_cached_recipe_is_written_where_the_user_stands(world: World) -> None:
    world.recipe("kept", cache=True, env={"CM_K": "1"}, new_env_keys=["CM_K"])
    for _ in range(2):
        assert world.run("kept", save_env=True)["return"] == 0
        assert 'export CM_K="1"' in (world.here / "tmp-env.sh").read_text()
        (world.here / "tmp-env.sh").unlink()


def test_script_call_prefix_spells_the_command(tree: World) -> None:
    said = cm(tree, "run", "script", "app", "--script_call_prefix=my cm ", "--print_readme")
    assert '* my cm "app"' in said.err
    assert '  * my cm "lib _fast"' in said.err
    assert "\nmy cm app " in (tree.here / "README-cm.md").read_text()


def test_isolated_run_leaves_nothing_behind(tree: World, tmp_path: Path) -> None:
    assert tree.run("app")["return"] == 0
    tree.noted()
    base = tmp_path / "base"
    base.mkdir()
    answer = tree.run("app", mlc_isolate=True, mlc_isolate_dir=str(base))
    assert answer["return"] == 0
    assert tree.noted() == ["base", "lib", "base", "app"]  # nothing came from the cache
    assert len(tree.entries()) == 1
    (kept,) = base.iterdir()
    assert answer["isolated"] == str(kept)
    assert list((kept / "home" / "cache").iterdir())
    answer = tree.run("app", mlc_isolate="yes", mlc_isolate_dir=str(base), mlc_isolate_clean=True)
    assert answer["new_env"] == {"CM_APP": "a"}
    assert list(base.iterdir()) == [kept]
    assert tree.run("app", mlc_isolate=True, mlc_isolate_dir=str(base / "no"))["return"] == 4


def test_flags_from_a_file_give_way_to_typed_ones(world: World) -> None:
    body = 'echo "A=$A B=$B quiet=$CM_QUIET"\n'
    world.recipe("x", run=body)
    (world.here / "run.yaml").write_text("tags: x\nquiet: true\nenv:\n  A: f\n  B: f\n")
    for flag in ("--input_file", "--mlc_input_file"):
        said = cm(world, "run", "script", f"{flag}=run.yaml", "--env.A=t")
        assert said.out == "A=t B=f quiet=yes\n"
    (world.here / "in.json").write_text('{"action": "rm", "automation": "cache"}')
    said = cm(world, "run", "script", "x", "--input_file=in.json")
    assert said.code == 4
    assert "'rm'" in said.err
    assert cm(world, "run", "script", "x", "--input_file=none.json").code == 16
    (world.here / "in.json").write_text('{"input_file": "none.json", "env": {"A": "1"}}')
    assert cm(world, "run", "script", "x", "--input_file=in.json").out.startswith("A=1 ")


@pytest.mark.parametrize("flag", sorted(flags.CHECKED - {"adr", "ad", "add_deps", "json", "j"}))
def test_a_flag_without_its_value_is_named(world: World, flag: str) -> None:
    if flag == "add_deps_recursive":
        return
    world.recipe("x", run=world.notes("x"))
    answer = world.run("x", **{flag: True})
    assert answer["return"] == 4
    assert f"--{flag} needs a value" in answer["error"]
    assert world.noted() == []


@pytest.mark.parametrize("period", ["xx", "1w", "h", "-1d", "1.5h", "yes"])
def test_a_period_that_cannot_be_read_is_refused_when_a_person_types_it(
    world: World, period: str
) -> None:
    world.recipe("x", cache=True, run=world.notes("x"))
    world.recipe("app", deps=[{"tags": "x", "names": ["x"]}])
    assert "takes a period" in world.run("x", cache_expiration=period)["error"]
    edit = {"x": {"cache_expiration": period}}
    assert "--adr.x.cache_expiration" in world.run("app", adr=edit)["error"]
    assert world.noted() == []
    # A recipe's own mistake does not stop anybody.
    world.recipe("own", deps=[{"tags": "x", "cache_expiration": period}])
    assert world.run("own")["return"] == 0


@pytest.mark.parametrize("period", ["0", "30m", "12H", "7d", ""])
def test_periods(world: World, period: str) -> None:
    world.recipe("x", cache=True)
    assert world.run("x", cache_expiration=period)["return"] == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"version_min": "4", "version_max": "3"}, "at least 4 (--version_min) and at most 3 ("),
        ({"version": "2", "version_min": "3"}, "exactly 2 (--version) and at least 3 (--version_m"),
        ({"version": "4", "version_max": "3.9"}, "exactly 4 (--version) and at most 3.9 (--versi"),
        ({"version_min": "10", "version_max": "9"}, "at least 10"),
    ],
)
def test_contradicting_versions_are_refused(
    world: World, form: str, asked: dict[str, str], said: str
) -> None:
    world.recipe("x", form=form, run=world.notes("x"))
    answer = world.run("x", **asked)
    assert answer["return"] == 4
    assert said in answer["error"]
    assert world.noted() == []


@pytest.mark.parametrize(
    "asked",
    [
        {"version_min": "3", "version_max": "3.0"},
        {"version": "3", "version_min": "3", "version_max": "3"},
        {"version_min": "3.9", "version_max": "3.10"},
        {"version": "main", "version_min": "3.9"},
    ],
)
def test_versions_that_can_be_are_not_refused(world: World, asked: dict[str, str]) -> None:
    world.recipe("x")
    assert world.run("x", **asked)["return"] == 0


def test_a_dependency_whose_versions_contradict_is_found_before_anything_runs(world: World) -> None:
    world.recipe("first", run=world.notes("first"))
    world.recipe("tool", run=world.notes("tool"))
    deps = [{"tags": "first"}, {"tags": "tool", "names": ["t"], "version_min": "2.0"}]
    world.recipe("app", deps=deps, run=world.notes("app"))
    for edits, origin in (
        ({"adr": {"t": {"version_max": "1.9"}}}, "at most 1.9 (--adr.t.version_max)"),
        ({"ad": {"t": {"version_max": "1.9"}}}, "at most 1.9 (--ad.t.version_max)"),
        ({"ad": {"t": {"version": "1"}}}, "exactly 1 (--ad.t.version)"),
        ({"env": {"CM_VERSION_MAX": "1"}}, ""),  # local to the recipe it is given to
    ):
        answer = world.run("app", **edits)
        noted = world.noted()
        if not origin:
            assert answer["return"] == 0
            continue
        assert answer["return"] == 1
        assert "version conflict" in answer["error"]
        assert "at least 2.0 (its entry in the dependencies of app)" in answer["error"]
        assert origin in answer["error"]
        assert noted == []


def test_help_names_every_flag_of_the_engine() -> None:
    manifest = json.loads(Path(flags.__file__).with_name("cm-plugin.json").read_text())
    listed = manifest["automations"]["script"]["actions"]["run"]["flags"]
    others = {"verbose", "prepare", "mlc_input_file", "debug_uid"}
    recipes = {"search_folder_path", "folder", "skip_compile", "skip_run", "accept_license"}
    recipes |= {"skip_system_deps", "git_ssh", "gh_token", "hf_token", "verify_ssl"}
    assert set(flags.ENGINE_FLAGS) - set(listed) - others - recipes == set()
    assert flags.EXTRAS - {"j"} <= set(listed)


def test_an_ordinary_run_imports_none_of_this(tree: World) -> None:
    code = (
        "import sys, cmcore\n"
        "r = cmcore.access({'action': 'run', 'automation': 'script', 'tags': 'app'})\n"
        "assert r['return'] == 0, r\n"
        "names = 'extras repro readme shells typed masking isolated conflicts'\n"
        "print([n for n in names.split() if 'cm_script.' + n in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree.here,
        env=tree.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


LOOK = (
    "def preprocess(i):\n"
    "    asked = i['input']\n"
    "    keys = ('tags', 'artifact', 'v', 'verbose', 'cmd')\n"
    "    i['state']['asked'] = {k: asked[k] for k in keys if k in asked}\n"
    "    return {'return': 0}\n"
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["look me"], {"tags": "look,me", "cmd": ["look me"]}),
        (
            ["look me", "-v"],
            {"tags": "look,me", "v": True, "verbose": True, "cmd": ["look me", "--v"]},
        ),
        (["look,me,_x"], {"tags": "look,me,_x", "cmd": ["look,me,_x"]}),
        (["--tags=look,me"], {"tags": "look,me", "cmd": ["--tags=look,me"]}),
        (["looker", "--k=w"], {"artifact": "looker", "cmd": ["looker", "--k=w"]}),
        (
            ["looker", "k=w", "--quiet-"],
            {"artifact": "looker", "cmd": ["looker", "k=w", "--quiet-"]},
        ),
        (["looker", "--env.A=1"], {"artifact": "looker", "cmd": ["looker", "--env.A=1"]}),
    ],
)
def test_hooks_see_what_was_typed_as_the_references_hand_it_on(
    world: World, form: str, words: list[str], seen: dict[str, Any]
) -> None:
    world.recipe(
        "looker",
        form=form,
        tags=["look", "me"],
        variations={"x": {}},
        input_mapping={"k": "CM_K"},
        customize=LOOK,
        new_state_keys=["asked"],
    )
    said = cm(world, "run", "script", *words, "--mlc_output")
    assert said.code == 0, said.err
    asked = json.loads((world.here / "tmp-state.json").read_text())["asked"]
    asked["cmd"].remove("--mlc_output")
    assert asked == seen
