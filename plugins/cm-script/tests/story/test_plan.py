"""A plan is what a run then does, says why, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipe_world import World

from cmcore.types import Request


def plan(world: World, tags: str, **flags: Any) -> dict[str, Any]:
    return world.access("plan", "script", tags=tags, **flags)


def view(world: World, tags: str, **flags: Any) -> str:
    """The plan as a pipe gets it."""
    before = os.getcwd()
    os.chdir(world.here)
    try:
        result = world.context().call(Request("plan", "script", (), {"tags": tags, **flags}))
    finally:
        os.chdir(before)
    assert isinstance(result.view, str)
    return result.view


def nodes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def visit(here: dict[str, Any]) -> None:
        found.append(here)
        for child in here["children"]:
            visit(child)

    visit(answer["tree"])
    return found


def node(answer: dict[str, Any], asked: str) -> dict[str, Any]:
    (one,) = [n for n in nodes(answer) if n["asked"] == asked]
    return one


def ran(world: World) -> list[tuple[str, str]]:
    """(recipe, source) as the newest record lists them; the records are then gone."""
    folder = world.home / "records"
    *_, newest = sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime_ns)
    rows = json.loads(newest.read_text())["recipes"]
    shutil.rmtree(folder)
    return [(row["recipe"], row["source"]) for row in rows]


def planned(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["recipe"], row["source"]) for row in answer["order"]]


def agree(world: World, tags: str, **flags: Any) -> dict[str, Any]:
    """Plan and run, twice: the second time there are cached results."""
    first = plan(world, tags, **flags)
    for answer in (first, None):
        answer = answer or plan(world, tags, **flags)
        assert answer["return"] == 0, answer
        assert world.run(tags, **flags)["return"] == 0
        assert planned(answer) == ran(world)
    return first


def tree_of(top: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder with its time and content; folders with their time."""
    found = {}
    for path in sorted(top.rglob("*")):
        if path.name.endswith(("-wal", "-shm")):
            continue  # SQLite touches these when an index is read.
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (path.stat().st_mtime_ns, content)
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [path for path in {**before, **after} if before.get(path) != after.get(path)]


def test_a_plan_is_what_a_run_does(world: World) -> None:
    world.recipe("base", env={"CM_A": "1"}, new_env_keys=["CM_A"])
    world.recipe(
        "tool",
        cache=True,
        deps=[{"tags": "base"}],
        run='echo "CM_T=x" >> tmp-run-env.out\n',
        new_env_keys=["CM_T"],
    )
    world.recipe(
        "top",
        deps=[
            {"tags": "base"},
            {"tags": "tool", "enable_if_env": {"CM_A": ["1"]}},
            {"tags": "gone", "skip_if_env": {"CM_A": ["1"]}},
        ],
        prehook_deps=[{"tags": "tool"}],
        posthook_deps=[{"tags": "base"}],
        post_deps=[{"tags": "tool"}],
    )
    answer = agree(world, "top")
    kinds = [n["kind"] for n in answer["tree"]["children"]]
    assert kinds == ["deps", "deps", "deps", "prehook_deps", "posthook_deps", "post_deps"]
    first, again = (n for n in answer["tree"]["children"] if n["asked"] == "tool" and n["step"] < 7)
    assert (first["outcome"], again["outcome"]) == ("run", "reused")
    assert again["cache"]["hit"]["step"] == first["step"]
    assert node(answer, "gone")["condition"] == "skip_if_env: CM_A is '1'"


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_nothing_is_written_or_run(world: World, form: str) -> None:
    noisy = (
        "import os\ndef preprocess(i):\n    open('made','w').close()\n    return {'return': 0}\n"
    )
    world.recipe("dep", form=form, cache=True, run=world.notes("dep"), customize=noisy)
    world.recipe(
        "top", form=form, run=world.notes("top"), customize=noisy, deps=[{"tags": "dep"}],
        clean_files=["precious"], clean_output_files=["precious"],
    )  # fmt: skip
    assert world.run("dep")["return"] == 0
    assert world.noted() == ["dep"]
    assert world.access("search", "script")["return"] == 0
    (world.here / "precious").write_text("kept")
    assert (world.home / "cache").is_dir()
    before = tree_of(world.home), tree_of(world.here), tree_of(world.folder)
    flags = {"save_env": True, "outdirname": "out", "print_env": True}
    answer = plan(world, "top", **flags)
    assert answer["return"] == 0
    assert node(answer, "dep")["outcome"] == "cached"
    assert plan(world, "dep", new=True)["tree"]["outcome"] == "run"
    assert plan(world, "dep", renew=True)["tree"]["outcome"] == "run"
    after = tree_of(world.home), tree_of(world.here), tree_of(world.folder)
    assert [changed(*pair) for pair in zip(before, after, strict=True)] == [[], [], []]
    assert world.noted() == []


def test_exports_of_a_hit_decide_later_conditions(world: World) -> None:
    out = 'echo "CM_KIND=fast" >> tmp-run-env.out\n'
    world.recipe("kind", cache=True, run=out, new_env_keys=["CM_KIND"])
    world.recipe("fast")
    world.recipe("slow")
    world.recipe(
        "top",
        deps=[
            {"tags": "kind"},
            {"tags": "fast", "enable_if_env": {"CM_KIND": ["fast"]}},
            {"tags": "slow", "enable_if_env": {"CM_KIND": ["slow"]}},
        ],
    )
    answer = plan(world, "top")
    fast, slow = node(answer, "fast"), node(answer, "slow")
    assert (fast["outcome"], fast["sure"]) == ("unknown", False)
    assert fast["unknown"] == ["its condition looks at CM_KIND, which kind may set"]
    assert fast["recipe"]["alias"] == "fast"
    assert slow["sure"] is False
    assert world.run("kind")["return"] == 0
    answer = plan(world, "top")
    fast, slow = node(answer, "fast"), node(answer, "slow")
    assert (fast["outcome"], fast["sure"], fast["unknown"]) == ("run", True, [])
    assert (slow["outcome"], slow["sure"]) == ("skipped", True)
    assert "CM_KIND is 'fast'" in slow["condition"]
    assert node(answer, "kind")["cache"]["hit"]["path"] == str(world.entries()[0])


def test_one_known_condition_is_enough(world: World) -> None:
    world.recipe("kind", run="true\n", new_env_keys=["CM_KIND*"])
    world.recipe("dep")
    both = {"CM_KIND_OF": ["x"], "CM_OFF": ["yes"]}
    either = {"CM_KIND_OF": ["x"], "CM_ON": ["yes"]}
    world.recipe(
        "top",
        env={"CM_ON": "yes", "CM_OFF": "no"},
        deps=[
            {"tags": "kind"},
            {"tags": "dep", "enable_if_env": both},
            {"tags": "dep", "enable_if_any_env": either},
            {"tags": "dep", "skip_if_env": both},
            {"tags": "dep", "skip_if_any_env": either},
            {"tags": "dep", "skip_if_env": {"CM_KIND_OF": ["x"]}},
            {
                "tags": "dep",
                "skip_if_env": {"CM_KIND_OF": ["x"]},
                "enable_if_env": {"CM_ON": ["no"]},
            },
            {"tags": "dep", "update_tags_from_env": ["CM_KIND_OF"]},
        ],
    )
    outcomes = [(n["outcome"], n["sure"]) for n in plan(world, "top")["tree"]["children"][1:]]
    assert outcomes == [
        ("skipped", True),
        ("run", True),
        ("run", True),
        ("skipped", True),
        ("run", False),
        ("skipped", True),
        ("run", False),
    ]


def test_what_a_recipe_sets_itself_is_known(world: World) -> None:
    world.recipe("kind", run="true\n", new_env_keys=["CM_KIND*"])
    world.recipe("dep")
    world.recipe(
        "mid",
        default_env={"CM_KIND": "a"},
        env={"CM_KIND2": "b"},
        deps=[
            {"tags": "dep", "enable_if_env": {k: [v]}}
            for k, v in (("CM_KIND", "a"), ("CM_KIND2", "b"))
        ],
    )
    last = {"tags": "dep", "enable_if_env": {"CM_KIND2": ["b"]}}
    world.recipe("top", deps=[{"tags": "kind"}, {"tags": "mid"}, last])
    # A default gives way to what `kind` may export; a value of the recipe's own does not.
    sure = [n["sure"] for n in nodes(plan(world, "top")) if n["asked"] == "dep"]
    assert sure == [False, True, False]
    sure = [n["sure"] for n in nodes(plan(world, "top", const={"CM_KIND": "a", "CM_KIND2": "b"}))]
    assert sure == [True] * 6


def test_why_a_recipe_is_chosen(world: World) -> None:
    world.recipe("one", tags=["get", "x"], sort=2)
    world.recipe("two", tags=["get", "x"], sort=1)
    world.recipe("three", tags=["get", "y"], cache=True, variations={"x": {}})
    world.recipe("four", tags=["get", "y"])
    world.recipe("here", form="mlc", tags=["get", "z"])
    world.recipe("there", tags=["get", "z"])
    deps = [{"tags": tags} for tags in ("get,x", "get,x", "get,z", "only")]
    world.recipe("only")
    world.recipe("top", form="mlc", deps=deps)
    answer = plan(world, "top")
    assert [(n["recipe"]["alias"], n["why"]) for n in answer["tree"]["children"]] == [
        ("two", "first of 2 by sort and path"),
        ("two", "chosen earlier in this request"),
        ("here", "the parent's dialect (mlc)"),
        ("only", "the only one that fits"),
    ]
    assert answer["tree"]["recipe"]["path"].endswith("/top")
    assert world.access("run", "script", artifact="three", tags="_x")["return"] == 0
    chosen = plan(world, "get,y")["tree"]
    assert (chosen["recipe"]["alias"], chosen["why"]) == ("three", "it has a cached result")
    assert plan(world, "get,z", dialect="cm")["tree"]["recipe"]["alias"] == "there"


def test_why_the_cache_does_not_answer(world: World) -> None:
    def miss(tags: str, **flags: Any) -> str:
        tree = plan(world, tags, **flags)["tree"]
        assert tree["cache"]["hit"] is None
        return str(tree["cache"]["miss"])

    target = world.here / "installed"
    target.write_text("x")
    line = f'echo "CM_GET_DEPENDENT_CACHED_PATH={target}" >> tmp-run-env.out\n'
    world.recipe("tool", cache=True, run=line, variations={"a": {}}, versions={"1": {}, "2": {}})
    assert miss("tool") == "no entry of this recipe"
    assert world.run("tool", version="1")["return"] == 0
    uid = world.entries()[0].name
    assert miss("tool", version="2") == f"entry {uid} is of version 1, not version 2"
    assert miss("tool,_a") == f"entry {uid} lacks _a"
    assert miss("tool", new=True) == "--new asks for another entry"
    assert miss("tool", renew=True) == f"--renew builds entry {uid} again"
    assert miss("tool", skip_cache=True) == "the cache is not asked (--skip_cache)"
    assert plan(world, "tool", only_execute_from_cache=True)["return"] == 0
    assert plan(world, "tool,_a", only_execute_from_cache=True)["return"] == 16
    assert f"entry {uid}: version 1 does not satisfy" in miss("tool", version_min="2")
    hit = plan(world, "tool")["tree"]["cache"]["hit"]
    assert (hit["uid"], hit["version"], hit["since"] > 0) == (uid, "1", True)
    target.unlink()
    assert miss("tool") == f"entry {uid}: {target} is gone"
    world.recipe("plain")
    assert miss("plain") == "the recipe does not cache its result"
    world.recipe("short", cache=True, cache_expiration="0")
    assert world.run("short")["return"] == 0
    assert re.fullmatch(r"entry [0-9a-f]{16} expired on \d{4}-\d\d-\d\d \d\d:\d\d", miss("short"))


def test_a_hit_from_a_shared_cache(world: World, tmp_path: Path) -> None:
    line = 'echo "CM_TOOL=$PWD/tool" >> tmp-run-env.out; touch tool\n'
    world.recipe("tool", cache=True, run=line, new_env_keys=["CM_TOOL"])
    world.recipe("user", deps=[{"tags": "tool"}])
    assert world.run("tool")["return"] == 0
    uid = world.entries()[0].name
    shared = tmp_path / "shared"
    assert world.access("export", "cache", to=f"{shared}/")["return"] == 0
    shutil.rmtree(world.home / "cache")
    world.environ["CM_SETTING_CACHE_UPSTREAM"] = json.dumps([str(shared)])
    step = node(plan(world, "user"), "tool")
    hit = step["cache"]["hit"]
    assert (step["outcome"], hit["uid"], hit["upstream"]) == ("cached", uid, str(shared))
    assert not (world.home / "cache" / uid).exists(), "a plan copies nothing"
    assert f"will be copied from: {shared}" in view(world, "user")
    assert world.run("user")["return"] == 0
    hit = plan(world, "tool")["tree"]["cache"]["hit"]
    assert (hit["uid"], "upstream" in hit) == (uid, False)


def test_a_check_of_the_recipe_itself_is_not_run(world: World) -> None:
    check = world.notes("checked")
    world.recipe("tool", cache=True, run="true\n", files={"validate_cache.sh": check})
    world.run("tool")
    tree = plan(world, "tool")["tree"]
    assert tree["outcome"] == "cached"
    assert tree["unknown"] == ["whether its own check (validate_cache) accepts the cached result"]
    assert world.noted() == []


def test_where_variations_come_from(world: World) -> None:
    world.recipe(
        "tool",
        default_version="3",
        variations={
            "a": {"base": ["b"], "default_variations": {"h": "e"}},
            "b": {},
            "c": {"group": "g", "default": True},
            "d": {"group": "g"},
            "e": {"group": "h"},
        },
    )
    tree = plan(world, "tool,_a")["tree"]
    origins = {v["name"]: v["from"] for v in tree["variations"]}
    assert origins == {
        "a": "asked",
        "b": "base of a",
        "c": "default of group g",
        "e": "default of a",
    }
    assert tree["version"] == {"requested": {}, "default": "3", "effective": "3"}
    tree = plan(world, "tool", version_min="4")["tree"]
    assert tree["version"]["requested"] == {"version_min": "4"}
    assert tree["version"]["effective"] == "4"


def test_flags_shape_the_plan(world: World, tmp_path: Path) -> None:
    world.recipe("sub", variations={"x": {}})
    world.recipe("dep", deps=[{"tags": "sub", "names": ["s"]}], variations={"y": {}})
    world.recipe(
        "top",
        input_mapping={"mode": "CM_MODE"},
        deps=[{"tags": "dep", "names": ["d"], "enable_if_env": {"CM_MODE": ["on"]}}],
    )
    assert node(plan(world, "top"), "dep")["outcome"] == "skipped"
    for flags in ({"mode": "on"}, {"env": {"CM_MODE": "on"}}):
        assert node(plan(world, "top", **flags), "dep")["outcome"] == "run"
    answer = agree(world, "top", mode="on", adr={"s": {"tags": "_x"}}, ad={"d": {"tags": "_y"}})
    assert [n["asked"] for n in nodes(answer)] == ["top", "dep,_y", "sub,_x"]
    listed = plan(world, "top", mode="on", fake_deps=True)["tree"]["children"]
    assert [(n["outcome"], n["asked"]) for n in listed] == [("listed", "dep")]
    bad = plan(world, "top", mod="on")
    assert bad["return"] == 4
    assert "--mode" in bad["hint"]


@pytest.mark.parametrize(
    ("need", "recipe"),
    [
        ("root", {"run": "sudo true\n"}),
        ("root", {"run": "${CM_SUDO} true\n"}),
        ("root", {"tags": ["tool", "sys-utils"]}),
        ("network", {"run": "git clone x\n"}),
        ("network", {"tags": ["tool", "git", "repo"]}),
        ("network", {"run": "pip install x\n"}),
        ("token", {"run": "echo $HF_TOKEN\n"}),
        ("token", {"needs_pat": True}),
        ("gpu", {"tags": ["tool", "cuda"]}),
        ("gpu", {"run": "nvidia-smi\n"}),
    ],
)
def test_what_a_step_needs(world: World, need: str, recipe: dict[str, Any]) -> None:
    world.recipe("tool", **{"run": "# sudo curl nvcc\n:\n", "tags": ["tool"], **recipe})
    answer = plan(world, "tool")
    assert list(answer["tree"]["needs"]) == [need]
    assert answer["summary"]["needs"] == {need: ["tool"]}


def test_needs_of_a_hit_and_without_sudo(world: World) -> None:
    world.recipe("tool", cache=True, run="${CM_SUDO} true\n")
    assert plan(world, "tool", env={"CM_SUDO": ""})["tree"]["needs"] == {}
    assert plan(world, "tool", skip_sudo=True)["tree"]["needs"] == {}
    world.run("tool", env={"CM_SUDO": ""})
    assert plan(world, "tool")["tree"]["needs"] == {}


def test_what_surely_fails_is_found_in_full(world: World) -> None:
    world.recipe("tool", variations={"good": {}})
    world.recipe("hollow", script_name="absent")
    deps = [{"tags": t} for t in ("too", "tool,_goo", "hollow", "tool")]
    world.recipe("top", deps=deps)
    answer = plan(world, "top")
    assert answer["return"] == 16
    assert answer["ok"] is False
    texts = [(p["level"], p["step"], p["text"], p["hint"]) for p in answer["problems"]]
    assert [(level, step) for level, step, _, _ in texts] == [("error", n) for n in (2, 3, 4)]
    assert "'too'" in texts[0][2]
    assert "tool" in texts[0][3]
    assert "good" in texts[1][3]
    assert "absent.sh is missing" in texts[2][2]
    assert node(answer, "tool")["outcome"] == "run"
    assert world.run("top")["return"] == 16
    nothing = plan(world, "nowhere")
    assert nothing["return"] == 16
    assert "tree" not in nothing


def test_what_may_fail_is_a_warning(world: World) -> None:
    world.recipe("kind", run="true\n", new_env_keys=["CM_KIND"])
    skip = {"tags": "nowhere", "skip_if_env": {"CM_KIND": ["x"]}}
    need = {"tags": "noplace", "enable_if_env": {"CM_KIND": ["x"]}}
    world.recipe("top", deps=[{"tags": "kind"}, skip, need])
    answer = plan(world, "top")
    assert answer["return"] == 0
    assert [p["level"] for p in answer["problems"]] == ["warning", "warning"]
    assert all("may fail, unknown until run" in p["text"] for p in answer["problems"])
    world.recipe(
        "lax", form="mlc", deps=[{"tags": "nowhere", "continue_on_error": True}, {"tags": "kind"}]
    )
    answer = plan(world, "lax")
    assert answer["return"] == 0
    assert answer["problems"][0]["level"] == "warning"


def test_cycles(world: World) -> None:
    world.recipe("a", deps=[{"tags": "b"}])
    world.recipe("b", deps=[{"tags": "a"}])
    answer = plan(world, "a")
    assert answer["return"] != 0
    assert "depends on itself" in answer["problems"][0]["text"]
    # This circle may end as soon as `c` has run.
    world.recipe("c", deps=[{"tags": "d"}])
    world.recipe("k", run="true\n", new_env_keys=["CM_K"])
    world.recipe("d", deps=[{"tags": "k"}, {"tags": "c", "skip_if_env": {"CM_K": ["on"]}}])
    answer = plan(world, "c")
    assert answer["return"] == 0
    back = [n for n in nodes(answer) if n["asked"] == "c"][-1]
    assert back["outcome"] == "unknown"
    assert "whether it comes back to step 1" in back["unknown"]


def test_versions_that_contradict_each_other(world: World) -> None:
    world.recipe("tool")
    world.recipe(
        "top", deps=[{"tags": "tool", "version": "1"}, {"tags": "tool", "version_min": "2"}]
    )
    (problem,) = plan(world, "top")["problems"]
    assert problem["level"] == "warning"
    assert problem["text"] == ("tool is asked for version 1 in step 2 and for at least 2 in step 3")
    world.recipe(
        "fine", deps=[{"tags": "tool", "version": "3"}, {"tags": "tool", "version_min": "2"}]
    )
    assert plan(world, "fine")["problems"] == []


def test_placeholders_that_nothing_sets(world: World) -> None:
    world.recipe("kind", run="true\n", new_env_keys=["CM_KIND"])
    env = {"CM_ONE": "<<<CM_NEVER>>>", "CM_TWO": "<<<CM_KIND>>>"}
    world.recipe("top", env=env, deps=[{"tags": "kind"}])
    answer = plan(world, "top")
    assert answer["return"] == 0
    (problem,) = answer["problems"]
    assert problem["text"] == "top: CM_ONE refers to <<<CM_NEVER>>>, which nothing sets"
    assert problem["hint"] == "--env.CM_NEVER=VALUE sets it"
    assert answer["tree"]["unknown"] == ["CM_TWO refers to CM_KIND, which kind may set"]


def test_what_hooks_may_do_is_said(world: World) -> None:
    code = (
        "def preprocess(i):\n    env = i['env']\n    env['CM_MINE'] = 'x'\n"
        "    if env.get('CM_Q'):\n        return {'return': 0, 'skip': True}\n"
        "    return {'return': 0}\n"
    )
    world.recipe("dep")
    world.recipe(
        "top",
        customize=code,
        deps=[{"tags": "dep", "enable_if_env": {"CM_MINE": ["x"]}}],
        prehook_deps=[{"tags": "dep", "enable_if_env": {"CM_MINE": ["x"]}}],
    )
    tree = plan(world, "top")["tree"]
    assert tree["unknown"] == ["its preprocess may leave it out"]
    early, late = tree["children"]
    assert (early["outcome"], early["sure"]) == ("skipped", True)
    assert (late["outcome"], late["sure"]) == ("unknown", False)


def quarrel(world: World) -> None:
    world.recipe("kind", run="true\n", new_env_keys=["CM_KIND"])
    world.recipe("dep", variations={'quo"te': {}})
    world.recipe(
        "top",
        deps=[{"tags": "kind"}, {"tags": 'dep,_quo"te'}],
        posthook_deps=[{"tags": "dep", "enable_if_env": {"CM_KIND": ["x"]}}],
    )


def test_the_tree(world: World) -> None:
    quarrel(world)
    text = view(world, "top")
    lines = text.split("\n")
    assert lines[0] == "  1 top: runs"
    assert lines[1] == "    2 kind: runs"
    assert '    3 dep _quo"te: runs' in lines
    assert "    - dep: skipped as far as known, after its step" in lines
    assert "unknown until run: its condition looks at CM_KIND, which kind may set" in text
    assert lines[-1] == "plan: 3 run, 1 skipped as far as known"
    short = view(world, "top", depth="0").split("\n")
    assert short[:2] == ["  1 top: runs", "      (3 more below; --depth shows them)"]
    full = view(world, "top", verbose=True)
    assert f"in test-recipes: {world.folder / 'script' / 'kind'}" in full


def test_depth_in_json(world: World) -> None:
    quarrel(world)
    answer = plan(world, "top", depth=0)
    assert answer["tree"]["children"] == []
    assert answer["tree"]["hidden"] == 3
    assert len(answer["order"]) == 3
    assert plan(world, "top", depth="x")["return"] == 4
    wrong = plan(world, "top", format="svg")
    assert wrong["return"] == 4
    assert "mermaid" in wrong["hint"]


def test_mermaid(world: World) -> None:
    quarrel(world)
    lines = view(world, "top", format="mermaid").split("\n")
    assert lines[0] == "flowchart TD"
    one = re.compile(
        r'  (n\d+\["[^"\[\]<>]*(<br/>[^"\[\]<>]*)*"\]:::\w+'
        r"|n\d+ (-->|-\.->)(\|\w+\|)? n\d+"
        r"|classDef \w+ fill:#[0-9a-f]{6},color:#000000)"
    )
    assert all(one.fullmatch(line) for line in lines[1:])
    assert "  n1 -.->|posthook| n4" in lines


def test_dot(world: World) -> None:
    quarrel(world)
    text = view(world, "top", format="dot")
    lines = text.split("\n")
    assert (lines[0], lines[-1]) == ("digraph plan {", "}")
    quoted = r'"(?:[^"\\]|\\.)*"'
    one = re.compile(rf"  (n\d+|node|n\d+ -> n\d+) \[\w+=(\w+|{quoted})(, \w+=(\w+|{quoted}))*\];")
    assert all(one.fullmatch(line) for line in lines[1:-1])
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=text, text=True, check=True, capture_output=True)


def test_a_terminal_of_80_columns(world: World) -> None:
    from cm_script.planning import tree
    from cm_script.planning.node import Node, Problem

    root = here = Node("request", "top", 1)
    for step in range(2, 30):
        child = Node("deps", "some,tags,that,are,long", step)
        child.condition = "enable_if_env: " + "CM_WORDS is not set, needed is 'x' " * 4
        here.children.append(child)
        here = child
    problem = Problem("warning", "words " * 40)
    drawn = tree.draw(root, -1, {"outcomes": {}, "needs": {}}, [problem], 80)
    assert max(map(len, drawn.split("\n"))) <= 80
    assert (
        max(map(len, tree.draw(root, -1, {"outcomes": {}, "needs": {}}, [], None).split("\n"))) > 80
    )


VALUES = st.sampled_from(["on", "off"])
CONDITIONS = ("enable_if_env", "enable_if_any_env", "skip_if_env", "skip_if_any_env")


@st.composite
def worlds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to six recipes; each may depend on those before it, under conditions."""
    recipes: list[dict[str, Any]] = []
    for number in range(draw(st.integers(2, 6))):
        recipe: dict[str, Any] = {
            "alias": f"r{number}",
            "form": draw(st.sampled_from(["cm", "mlc"])),
            "cache": draw(st.booleans()),
            "env": {f"CM_V{number}": draw(VALUES)},
            "new_env_keys": draw(st.sampled_from([["CM_V*"], [f"CM_V{number}"], []])),
            "variations": {"x": {"env": {f"CM_V{number}": draw(VALUES)}}},
        }
        if draw(st.integers(0, 3)) == 0:
            recipe["run"] = f'echo "CM_V{number}={draw(VALUES)}" >> tmp-run-env.out\n'
        for kind in ("deps", "prehook_deps", "posthook_deps", "post_deps"):
            for _ in range(draw(st.integers(0, 2 if kind == "deps" else 1)) if number else 0):
                other = draw(st.integers(0, number - 1))
                dep: dict[str, Any] = {"tags": f"r{other}" + draw(st.sampled_from(["", ",_x"]))}
                if draw(st.booleans()):
                    looks = f"CM_V{draw(st.integers(0, number))}"
                    dep[draw(st.sampled_from(CONDITIONS))] = {looks: [draw(VALUES)]}
                if draw(st.integers(0, 4)) == 0:
                    dep["dynamic"] = True
                recipe.setdefault(kind, []).append(dep)
        recipes.append(recipe)
    return recipes


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(worlds())
def test_any_world(tmp_path_factory: pytest.TempPathFactory, recipes: list[dict[str, Any]]) -> None:
    world = World(tmp_path_factory.mktemp("any") / "w")
    for recipe in recipes:
        world.recipe(**recipe)
    top = recipes[-1]["alias"]
    for _ in range(2):
        answer = plan(world, top)
        assert answer["return"] == 0, answer
        assert world.run(top)["return"] == 0
        rows = ran(world)
        if all(n["sure"] for n in nodes(answer)):
            assert planned(answer) == rows
        else:
            # What is sure happens, in this order, whatever else does.
            rest = iter(row[0] for row in rows)
            sure = [row["recipe"] for row in answer["order"] if row["sure"]]
            assert all(recipe in rest for recipe in sure), (sure, rows)


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_what_an_open_block_may_change_is_no_sure_failure(world: World, form: str) -> None:
    tells = "echo 'T_A=1' > tmp-run-env.out\n"
    world.recipe("tells", form=form, run=tells, new_env_keys=["T_A"])
    block = {"enable_if_env": {"T_A": ["1"]}, "env": {"T_B": "1"}}
    variations = {"v": {"update_meta_if_env": [block]}}
    world.recipe("mid", form=form, deps=[{"tags": "nowhere"}], variations=variations)
    world.recipe("top", form=form, deps=[{"tags": "tells"}, {"tags": "mid,_v"}])
    answer = plan(world, "top")
    assert answer["return"] == 0, answer
    (problem,) = answer["problems"]
    assert problem["level"] == "warning"
    assert problem["text"].startswith("may fail, unknown until run: no recipe has the tag")
    # A run begins, as the plan says, and finds it out itself.
    assert world.run("top")["error"] == "no recipe has the tag 'nowhere'"
    # Nothing is open when the block's variable is known.
    assert plan(world, "mid")["return"] > 0
