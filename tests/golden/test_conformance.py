"""The conformance tools: they see differences, explain only what a rule covers, and agree with
what is committed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import compare
import explain
import pytest
import questions
import report
import whole
from conformance import RESULTS, compared

META = {
    "alias": "app",
    "uid": "0123456789abcdef",
    "tags": ["app"],
    "new_env_keys": ["CM_*"],
    "input_mapping": {"no-rerun": "CM_NO_RERUN", "batch": "CM_BATCH"},
    "default_env": {"CM_BATCH": "1"},
    "deps": [{"tags": "get,python", "names": ["python"]}, {"tags": "get,x", "names": ["x"]}],
    "versions": {"1": {"env": {"CM_V": "1"}}},
    "variations": {
        "fast": {"group": "speed", "default": True, "add_deps": {"x": {"tags": "_fast"}}},
        "slow": {"group": "speed"},
        "batch.#": {"env": {"CM_BATCH": "#"}},
    },
}


@pytest.fixture
def recipes(tmp_path: Path) -> compare.Recipes:
    folder = tmp_path / "script" / "app"
    folder.mkdir(parents=True)
    (folder / "_cm.json").write_text(json.dumps(META))
    return compare.Recipes(str(folder.parent))


def recorded(recipes: compare.Recipes, *args: str, tags: str = "app") -> dict[str, Any]:
    """A case whose recorded answer is our own plan."""
    case = {"id": "app#case", "kind": "default", "uid": META["uid"], "tags": tags}
    case["args"] = list(args)
    plan = compare.plan_of(case, recipes)
    deps = [dep for dep in plan.deps if not dep.skipped]
    case["shallow"] = {
        "rc": 0,
        "selected": plan.artifact.name,
        "variation_tags": ",".join(f"_{name}" for name in plan.scope.variations),
        "explicit": plan.scope.explicit_variations,
        "deps": [dep.tags for dep in deps],
        "deps_x": [{k: v for k, v in dep.entry.items() if k != "tags"} for dep in deps],
        "env_internal": copy.deepcopy(plan.scope.env),
        "new_env": copy.deepcopy(plan.new_env),
        "new_env_keys": plan.scope.new_env_keys,
        "new_state_keys": [],
        "version": plan.version,
    }
    return case


def test_the_same_plan_has_no_differences(recipes: compare.Recipes) -> None:
    case = recorded(recipes, "--version=1", "--batch=8", tags="app,_batch.4")
    assert compare.compare(case, recipes).differences == []
    case["shallow"]["deps"][1] = ",".join(reversed(case["shallow"]["deps"][1].split(",")))
    assert compare.compare(case, recipes).differences == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"selected": "other,0123456789abcdef"}, "selected"),
        ({"variation_tags": "_slow"}, "variations"),
        ({"deps": ["get,python", "get,x"]}, "deps"),
        ({"deps": ["get,python"]}, "deps"),
        ({"deps_x": [{"names": ["python"], "version": "3"}, {"names": ["x"]}]}, "dep entries"),
        ({"version": "2"}, "version"),
        ({"new_env": {}}, "new_env: key only here"),
        ({"new_state_keys": ["state"]}, "new_state_keys"),
        ({"rc": 1, "error": "no"}, "works here, failed there"),
        ({"rc": "exception", "error": "KeyError: 'x'", "at": "m.py:1 run"}, "reference crashed"),
    ],
)
def test_a_difference_is_seen_and_stays_open(
    recipes: compare.Recipes, change: dict[str, Any], name: str
) -> None:
    case = recorded(recipes)
    case["shallow"].update(change)
    outcome = compare.compare(case, recipes)
    assert name in [difference.name for difference in outcome.differences]
    assert list(compared([case], str(Path(recipes.all[0].path).parent), "test")["open"]) == [
        "app#case"
    ]


def test_a_plan_that_fails_only_here_is_seen(recipes: compare.Recipes) -> None:
    case = recorded(recipes)
    case["tags"] = "app,_fast,_slow"
    assert [d.name for d in compare.compare(case, recipes).differences] == [
        "fails here, worked there"
    ]
    case["shallow"]["rc"] = 1
    assert compare.compare(case, recipes).differences == []


@pytest.mark.parametrize(
    ("args", "tags", "change", "rule"),
    [
        (["--no-rerun=yes"], "app", {"CM_NO_RERUN": None}, "dashed-flag"),
        (["--batch=8"], "app", {"CM_BATCH": "1"}, ""),
        (
            ["--ad.x.tags=_mine"],
            "app",
            {"deps": ["get,python", "get,x,_fast"]},
            "own-edit-overwritten",
        ),
        (["--ad.x.tags=_mine"], "app,_slow", {"deps": ["get,python", "get,x"]}, ""),
        ([], "app,_batch.1,_batch.2", {"CM_BATCH": "1"}, "last-value-wins"),
        ([], "app,_batch.2", {"CM_BATCH": "1"}, ""),
        (
            [],
            "app",
            {"rc": "exception", "error": "KeyError: 'b.#'", "at": "m.py:1 other"},
            "",
        ),
        (
            [],
            "app",
            {
                "rc": "exception",
                "error": "KeyError: 'b.#'",
                "at": "m.py:1 _update_variation_tags_from_variations",
            },
            "dynamic-base",
        ),
    ],
)
def test_a_rule_explains_what_it_is_about_and_nothing_else(
    recipes: compare.Recipes, args: list[str], tags: str, change: dict[str, Any], rule: str
) -> None:
    case = recorded(recipes, *args, tags=tags)
    for key, value in change.items():
        if not key.startswith("CM_"):
            case["shallow"][key] = value
        elif value is None:
            del case["shallow"]["new_env"][key]
        else:
            case["shallow"]["new_env"][key] = value
    outcome = compare.compare(case, recipes)
    assert outcome.differences
    for difference in outcome.differences:
        assert explain.explain(case, outcome, difference, recipes) == rule, difference


def test_every_rule_has_its_sentences() -> None:
    texts = explain.load()
    assert list(texts) == sorted(texts, key=list(texts).index)
    assert set(texts) == set(explain.RULES)
    assert all(set(said) == {"what", "reference", "why"} for said in texts.values())


def test_the_committed_report_is_what_the_results_give_and_nothing_is_open() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert report.PAGE.read_text(encoding="utf-8") == report.text(results)
    assert report.findings(results) == []


def test_requests_do_not_depend_on_the_order_of_recipes() -> None:
    metas = [questions.Recipe(f"/r/{n}", {**META, "alias": n}) for n in ("a", "b", "c")]
    asked = list(questions.questions(metas))
    assert asked == list(questions.questions(metas[::-1]))
    assert len({case["id"] for case in asked}) == len(asked)
    kinds = {case["kind"] for case in asked}
    assert kinds == {
        *("default", "variation", "version", "inputs", "combo", "conflict", "exclude", "bad"),
        *("adr", "ad", "env", "mixed"),
    }
    chosen = questions.sample(asked, 20)
    assert {case["kind"] for case in chosen} == kinds
    assert [case for case in asked if case in chosen] == chosen


def test_the_whole_collection_is_planned(tmp_path: Path) -> None:
    root = tmp_path / "recipes"
    broken = {**META, "alias": "broken", "uid": "1" * 16, "tags": ["broken"]}
    good = {**META, "alias": "good", "uid": "2" * 16, "tags": ["good"], "deps": []}
    good["variations"] = {"slow": {}}
    for meta in (broken, good):
        folder = root / "script" / str(meta["alias"])
        folder.mkdir(parents=True)
        (folder / "_cm.json").write_text(json.dumps(meta))
    (root / "cmr.yaml").write_text("alias: r\nuid: 3333333333333333\n")
    found = whole.check(root, full=True)
    assert (found["recipes"], found["variations"], found["asked"]) == (2, 4, 6)
    assert found["crashes"] == []
    assert {(one["id"], one["asked"]) for one in found["refused"]} == {
        ("broken#default", "get,python"),
        ("broken#_batch.#", "get,python"),
        ("broken#_fast", "get,python"),
        ("broken#_slow", "get,python"),
    }
