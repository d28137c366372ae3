"""`--jobs`: what is built side by side, what is not, and what happens when something goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from recipe_world import World

from cm_script.jobs import ahead

#: How long, in seconds, a test waits for what it is sure to see.
PATIENCE = 60


def wait_for(what: str) -> str:
    """Shell words that wait until a file (a pattern) is there, and fail when it never is."""
    return (
        f"for n in $(seq {PATIENCE * 10}); do ls {what} && break; sleep 0.1; done >/dev/null 2>&1\n"
        f"ls {what} >/dev/null || exit 1\n"
    )


def besides(world: World) -> list[str]:
    """Recipes that were started beside the run."""
    logs = sorted((world.home / "logs").glob("*-beside-*.log"))
    return [path.name.split("-", 2)[2].split("-beside-")[0] for path in logs]


def taken(world: World) -> list[str]:
    """Recipes of the newest run whose result was built beside it."""
    newest = max((world.home / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    rows = json.loads(newest.read_text())["recipes"]
    return [row["recipe"].split(",")[0] for row in rows if row.get("beside")]


def unfinished(world: World) -> list[Path]:
    folders = (world.home / "cache").glob("[!.]*/")
    return [path for path in folders if not (path / "_cm.json").exists()]


def plain(world: World, name: str, run: str = "", **meta: Any) -> None:
    """A cached recipe that exports CM_<NAME> as its step reports it."""
    key = f"CM_{name.upper()}"
    run = run or f'echo "{key}=made" >> tmp-run-env.out\n'
    world.recipe(name, cache=True, run=run, new_env_keys=[key], **meta)


def top(world: World, *tags: str) -> None:
    deps = [{"tags": tag} for tag in tags]
    world.recipe("top", deps=deps, new_env_keys=["CM_A", "CM_B", "CM_C"])


def command(world: World, *words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "cmcore", "run", "script", "--tags=top", *words]
    return subprocess.Popen(
        argv, env=world.environ, cwd=world.here, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def until(test: Any) -> Any:
    for _ in range(PATIENCE * 20):
        found = test()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never happened")


def test_independent_builds_overlap(world: World) -> None:
    # Each waits for the other: in order, the first one would wait in vain.
    cache = world.home / "cache"
    plain(
        world,
        "a",
        f"touch a-began\n{wait_for(f'{cache}/*/b-began')}" + "echo CM_A=1 >> tmp-run-env.out\n",
    )
    plain(
        world,
        "b",
        f"touch b-began\n{wait_for(f'{cache}/*/a-began')}" + "echo CM_B=2 >> tmp-run-env.out\n",
    )
    top(world, "a", "b")
    with command(world, "--jobs=2") as run:
        said, _ = run.communicate()
    assert run.returncode == 0, said
    assert "b: being built beside (log: " in said
    assert "b: built beside in " in said
    assert taken(world) == ["b"]
    (log,) = (world.home / "logs").glob("*-b-beside-*.log")
    assert (log.stat().st_mode & 0o777, str(log) in said) == (0o600, True)
    assert world.run("top")["new_env"] == {"CM_A": "1", "CM_B": "2"}
    assert len(world.entries()) == 2


def test_dependent_ones_never_do(world: World) -> None:
    plain(world, "a")
    plain(world, "b", 'echo "CM_B=after $CM_A" >> tmp-run-env.out\n')
    top(world, "a", "b")
    assert world.run("top", jobs="4")["new_env"] == {"CM_A": "made", "CM_B": "after made"}
    assert besides(world) == []


def test_at_most_so_many_and_what_is_left_later(world: World) -> None:
    for name in "abc":
        plain(world, name)
    top(world, "a", "b", "c")
    assert world.run("top", jobs="2")["new_env"] == dict.fromkeys(("CM_A", "CM_B", "CM_C"), "made")
    assert (besides(world), taken(world)) == (["b"], ["b"])
    assert len(world.entries()) == 3


def test_an_entry_below_is_published_with_it(world: World) -> None:
    plain(world, "x")
    plain(world, "a")
    plain(world, "b", 'echo "CM_B=$CM_X" >> tmp-run-env.out\n', deps=[{"tags": "x"}])
    top(world, "a", "b")
    assert world.run("top", jobs="2")["new_env"] == {"CM_A": "made", "CM_B": "made"}
    assert taken(world) == ["b"]
    tags = [json.loads((p / "_cm.json").read_text())["tags"][0] for p in world.entries()]
    assert sorted(tags) == ["a", "b", "x"]
    ran = json.loads(next((world.home / "records").glob("*.json")).read_text())["recipes"]
    assert [row["recipe"].split(",")[0] for row in ran] == ["a", "x", "b", "top"]
    assert [row["depth"] for row in ran] == [2, 3, 2, 1]


def test_no_two_build_the_same_entry(world: World) -> None:
    plain(world, "x", world.notes("x") + "echo CM_X=1 >> tmp-run-env.out\n")
    plain(world, "a", deps=[{"tags": "x"}])
    plain(world, "b", deps=[{"tags": "x"}])
    top(world, "a", "b")
    assert world.run("top", jobs="2")["return"] == 0
    assert besides(world) == []
    assert (world.noted(), len(world.entries())) == (["x"], 3)


HOOK = """\
import os
def preprocess(i):
    {act}
    return {{'return': 0}}
"""


@pytest.mark.parametrize(
    "recipe",
    [
        {"run": "echo x >> '{log}'\n"},
        {"run": "cd '{here}'\necho x >> '{log}'\n"},
        {"run": "OUT='{log}'\necho x >> $OUT\n"},
        {"customize": HOOK.replace("{act}", "print('x', file=open('{log}', 'a', buffering=1))")},
        {"customize": HOOK.replace("{act}", "os.system('echo x >> {log}')")},
        {"run": "echo x >> {log}\n# pip install something\npip install --help >/dev/null\n"},
        {"run": "echo x >> {log}\n", "tags": ["b", "sys-utils"]},
        {"run": "read -t 1 answer\necho x >> {log}\n"},
        {"run": "echo x >> {log}\n", "cache": False},
        {"run": "echo x >> {log}\n", "clean_output_files": ["nothing"]},
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_has_an_effect_happens_once_in_its_turn(world: World, recipe: dict[str, Any]) -> None:
    plain(world, "a", world.notes("a"))
    names = {"log": str(world.log), "here": str(world.here)}
    texts = {k: v.format(**names) if isinstance(v, str) else v for k, v in recipe.items()}
    world.recipe("b", **{"cache": True, **texts})
    top(world, "a", "b")
    assert world.run("top", jobs="2")["return"] == 0
    assert world.noted() == ["a", "x"]
    assert taken(world) == []
    assert unfinished(world) == []


def test_files_that_a_step_before_it_changed(world: World) -> None:
    shared = world.here / "shared"
    shared.mkdir()
    (shared / "data").write_text("old\n")
    plain(world, "a", 'echo new > "$CM_SHARED/data"\n')
    plain(world, "b", 'echo "CM_B=$(cat "$CM_SHARED/data")" >> tmp-run-env.out\n')
    top(world, "a", "b")
    assert world.run("top", jobs="2", env={"CM_SHARED": str(shared)})["new_env"]["CM_B"] == "new"
    assert (besides(world), taken(world)) == (["b"], [])
    assert unfinished(world) == []


def test_a_failure_beside_is_tried_again_in_its_turn(world: World) -> None:
    gate = world.here / "gate"
    plain(world, "a", f"touch '{gate}'\n")
    plain(world, "b", f"[ -e '{gate}' ] || exit 3\necho CM_B=2 >> tmp-run-env.out\n")
    top(world, "a", "b")
    # The step of `a` begins when `b` is under way; either outcome beside must do.
    assert world.run("top", jobs="2")["new_env"] == {"CM_B": "2"}
    assert besides(world) == ["b"]
    assert unfinished(world) == []


def test_a_failure_is_that_of_a_serial_run(world: World) -> None:
    plain(world, "a")
    plain(world, "b", "echo the reason >&2\nexit 3\n")
    top(world, "a", "b")
    serial = world.run("top")
    beside = world.run("top", jobs="2", new=True)
    for answer in (serial, beside):
        assert answer["return"] == 2
        assert "run.sh failed with exit code 3 after saying: the reason" in answer["error"]
    assert besides(world) == ["b"]
    assert len(unfinished(world)) == 1


def test_a_process_that_vanishes_is_no_failure(world: World) -> None:
    gate = world.here / "gate"
    code = f"import os\ndef preprocess(i):\n    os.path.exists({str(gate)!r}) or os._exit(7)\n"
    plain(world, "a", f"sleep 1\ntouch '{gate}'\n")
    plain(world, "b", customize=code + "    return {'return': 0}\n")
    top(world, "a", "b")
    assert world.run("top", jobs="2")["new_env"] == {"CM_B": "made"}
    assert besides(world) == ["b"]
    assert unfinished(world) == []


def _end_orphan(file: Path) -> None:
    """The walk's own step outlives a run that was killed, as it does without --jobs."""
    try:
        os.kill(int(file.read_text()), signal.SIGKILL)
    except (ProcessLookupError, ValueError):
        pass


@pytest.mark.parametrize("request_", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_ends_with_the_run(world: World, request_: signal.Signals) -> None:
    cache = world.home / "cache"
    endless = "echo $$ > pid\nexec sleep 600\n"
    plain(world, "a", endless.replace("pid", "pid-a"))
    plain(world, "b", endless.replace("pid", "pid-b"))
    plain(world, "c", endless.replace("pid", "pid-c"))
    top(world, "a", "b", "c")
    with command(world, "--jobs=3") as run:
        files = until(lambda: len(found := list(cache.glob("*/pid-*"))) == 3 and found)
        pids = [int(until(path.read_text)) for path in files if path.name != "pid-a"]
        run.send_signal(request_)
        run.communicate(timeout=PATIENCE)
    _end_orphan(next(cache.glob("*/pid-a")))
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert world.entries() == []
    for name in "abc":
        text = f'echo "CM_{name.upper()}=made" >> tmp-run-env.out\n'
        (world.folder / "script" / name / "run.sh").write_text(text)
    assert world.run("top", jobs="3")["new_env"] == dict.fromkeys(("CM_A", "CM_B", "CM_C"), "made")
    assert unfinished(world) == []


def test_a_choice_is_left_to_the_person(world: World) -> None:
    plain(world, "a")
    world.recipe("b1", cache=True, tags=["b"], new_env_keys=["CM_B"], env={"CM_B": "1"})
    world.recipe("b2", cache=True, tags=["b"], new_env_keys=["CM_B"], env={"CM_B": "2"})
    top(world, "a", "b")
    assert world.run("top", jobs="2")["new_env"]["CM_B"] == "1"


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5", True, ""])
def test_what_jobs_takes(world: World, jobs: object) -> None:
    top(world)
    for action in ("run", "plan"):
        answer = world.access(action, "script", tags="top", jobs=jobs)
        assert answer["return"] == 4
        assert "--jobs takes a number from 1 on or auto" in answer["error"]


def test_auto_and_the_setting(world: World) -> None:
    plain(world, "a")
    plain(world, "b")
    top(world, "a", "b")
    assert world.run("top", jobs="auto")["return"] == 0
    first = len(besides(world))
    (world.home / "config.json").write_text(json.dumps({"script.jobs": "2"}))
    plain(world, "c")
    plain(world, "d")
    world.recipe("more", deps=[{"tags": "c"}, {"tags": "d"}])
    assert world.run("more")["return"] == 0
    assert besides(world)[first:] == ["d"]
    assert taken(world) == ["d"]


def test_a_plan_tells(world: World) -> None:
    plain(world, "a")
    plain(world, "b", 'echo "CM_B=$CM_A" >> tmp-run-env.out\n')
    plain(world, "c")
    top(world, "a", "b", "c")
    answer = world.access("plan", "script", tags="top", jobs="4")
    rows = {n["asked"]: (n["beside"], n["in_turn"]) for n in answer["tree"]["children"]}
    assert rows["b"] == ([], "a runs before it: it may set CM_A, which b may look at")
    assert rows["c"] == ([2, 3], "")
    without = world.access("plan", "script", tags="top")
    assert [n["beside"] for n in without["tree"]["children"]] == [[], [], []]


def test_without_jobs_nothing_of_it_is_imported(world: World) -> None:
    plain(world, "a")
    top(world, "a")
    code = (
        "import sys, cmcore; r = cmcore.access({'action': 'run', 'automation': 'script',"
        " 'tags': 'top'}); assert r['return'] == 0, r;"
        "print([m for m in sys.modules if m.startswith('cm_script.jobs')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=world.environ, cwd=world.here, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
    assert os.path.isdir(world.home)


@pytest.mark.parametrize(
    "line",
    [
        "python3 -m pip install --help",
        "sudo -n true",
        "apt-get install --help",
        "make install",
        "cat ~/.profile",
        "ls $HOME",
        "git config --global -l",
        "docker ps",
        "sleep 0 &",
    ],
)
def test_what_changes_the_host_holds_up_what_is_behind_it(world: World, line: str) -> None:
    guarded = f"if false; then\n{line}\nfi\n"
    plain(world, "a", guarded)
    plain(world, "b")
    plain(world, "c", guarded)
    top(world, "a", "b", "c")
    assert world.run("top", jobs="4")["return"] == 0
    assert besides(world) == []


@pytest.fixture
def hopeful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be built at all is started: only the comparison afterwards is left."""
    monkeypatch.setattr(ahead, "obstacle", lambda late, before: late.alone)


@pytest.mark.usefixtures("hopeful")
def test_what_the_cache_has_learned_meanwhile(world: World) -> None:
    # Both are in the middle of building it before either goes on.
    both = f"[ $(ls {world.home}/cache/*/x-began | wc -l) = 2 ]"
    pause = f"for n in $(seq {PATIENCE * 10}); do {both} && break; sleep 0.1; done\n"
    plain(world, "x", f"touch x-began\n{pause}{both} && echo CM_X=1 >> tmp-run-env.out\n")
    plain(world, "a", deps=[{"tags": "x"}])
    plain(world, "b", deps=[{"tags": "x"}])
    top(world, "a", "b")
    assert world.run("top", jobs="2")["return"] == 0
    assert (besides(world), taken(world), len(world.entries())) == (["b"], [], 3)


@pytest.mark.usefixtures("hopeful")
def test_edits_that_were_made_meanwhile(world: World) -> None:
    named = {"tags": "x", "names": ["it"]}
    variations = {"v": {"env": {"CM_WAY": "v"}}}
    plain(world, "x", 'echo "CM_X=$CM_WAY" >> tmp-run-env.out\n', variations=variations)
    world.recipe("a", variations={"w": {"adr": {"it": {"tags": "_v"}}}})
    plain(world, "b", 'echo "CM_B=[$CM_X]" >> tmp-run-env.out\n', deps=[named])
    top(world, "a,_w", "b")
    assert world.run("top", jobs="2")["new_env"]["CM_B"] == "[v]"
    assert (besides(world), taken(world)) == (["b"], [])


@pytest.mark.usefixtures("hopeful")
@pytest.mark.parametrize(
    "act",
    [
        "os.environ['TOLD'] = 'by a'",
        "i['env']['CM_B_IN'] = 'by a'",
        "i['state']['told'] = 'by a'",
        "os.system('true || pip install x')",
    ],
)
def test_what_a_hook_before_it_did(world: World, act: str) -> None:
    hook = f"import os\ndef preprocess(i):\n    {act}\n    return {{'return': 0}}\n"
    world.recipe("a", customize=hook, new_env_keys=["CM_B_IN"], new_state_keys=["told"])
    looks = "i['env'].get('CM_B_IN'), i['state'].get('told'), os.environ.get('TOLD')"
    plain(world, "b", "true\n", customize=hook.replace(act, f"i['env']['CM_B'] = str([{looks}])"))
    top(world, "a", "b")
    try:
        found = world.run("top", jobs="2")["new_env"]["CM_B"]
    finally:
        os.environ.pop("TOLD", None)
    assert found.count("by a") == (0 if "pip" in act else 1)
    assert (besides(world), taken(world)) == (["b"], [])


def test_conditions_that_fail_in_the_end(world: World) -> None:
    hook = "def preprocess(i):\n    i['env']['CM_OFF'] = 'yes'\n    return {'return': 0}\n"
    world.recipe("a", customize=hook, new_env_keys=["CM_O*"])
    plain(world, "b", world.notes("b"))
    world.recipe("top", deps=[{"tags": "a"}, {"tags": "b", "skip_if_env": {"CM_OFF": ["yes"]}}])
    assert world.run("top", jobs="2")["return"] == 0
    assert (world.noted(), world.entries(), unfinished(world)) == ([], [], [])
