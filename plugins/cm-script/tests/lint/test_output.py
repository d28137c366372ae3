"""Formats for CI: GitHub's workflow commands and SARIF; exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from recipe_world import World

UID = "0123456789abcdef"

#: What the standard demands of the parts that are written here (sarif-v2.1.0, section 3).
SHAPE = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "additionalProperties": False,
    "$defs": {
        "run": {
            "required": ["tool"],
            "properties": {
                "tool": {"required": ["driver"]},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "result": {
            "required": ["message"],
            "properties": {
                "level": {"enum": ["none", "note", "warning", "error"]},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "message": {"required": ["text"]},
                "locations": {"items": {"$ref": "#/$defs/location"}},
            },
        },
        "location": {
            "properties": {
                "physicalLocation": {
                    "properties": {
                        "region": {
                            "properties": {
                                "startLine": {"type": "integer", "minimum": 1},
                                "startColumn": {"type": "integer", "minimum": 1},
                            }
                        },
                        "artifactLocation": {"required": ["uri"]},
                    }
                }
            }
        },
    },
}


@pytest.fixture
def faulty(world: World) -> World:
    path = world.folder / "script/one, 100%"
    path.mkdir()
    (path / "_cm.yaml").write_text(
        f"uid: {UID}\ntags: [one]\nsurprise: 1\ndeps:\n- tags: 'one,_a:b'\ngui: {{}}\n"
    )
    (path / "customize.py").write_text("def f(:\n")
    return world


def printed(world: World, *words: str) -> tuple[int, str]:
    """Exit code and output of the command, started in the collection's folder."""
    command = [sys.executable, "-m", "cmcore", "lint", "script", *words]
    done = subprocess.run(
        command, cwd=world.folder, env=world.environ, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_github(faulty: World) -> None:
    code, text = printed(faulty, "script/one, 100%", "--format=github", "--level=note")
    assert code == 1
    lines = text.splitlines()
    place = "file=script/one%2C 100%25/"
    assert lines[0].startswith(
        f"::warning {place}_cm.yaml,title=cm lint%3A unknown-key,line=3,col=1::"
    )
    assert [line.split(" ", 1)[0] for line in lines] == [
        "::warning", "::error", "::notice", "::error",
    ]  # fmt: skip
    assert "'a:b'" in lines[1]


def test_sarif(faulty: World) -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    code, text = printed(faulty, "script/one, 100%", "--format=sarif", "--level=note")
    assert code == 1
    log = json.loads(text)
    jsonschema.Draft202012Validator(SHAPE).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert run["originalUriBaseIds"]["HERE"]["uri"] == faulty.folder.resolve().as_uri() + "/"
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        (location,) = result["locations"]
        where = location["physicalLocation"]["artifactLocation"]
        assert where["uriBaseId"] == "HERE"
        assert where["uri"].startswith("script/one%2C%20100%25/")
    first = run["results"][0]
    assert first["level"] == "warning"
    region = first["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 1}
    assert first["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "surprise"}]
    assert {"error", "warning", "note"} == {result["level"] for result in run["results"]}


def test_nothing_found_is_an_empty_log(world: World) -> None:
    world.recipe("fine")
    code, text = printed(world, "fine", "--format=sarif")
    assert code == 0
    assert json.loads(text)["runs"][0]["results"] == []
    assert printed(world, "fine", "--format=github") == (0, "\n")


def test_strict_fails_for_warnings(world: World) -> None:
    world.recipe("odd", surprise=1)
    assert world.access("lint", "script", artifact="odd")["return"] == 0
    assert world.access("lint", "script", artifact="odd", strict=True)["return"] == 1
    assert world.access("lint", "script", artifact="odd", strict=True, level="error")["return"] == 1
    world.recipe("noted", gui={})
    assert world.access("lint", "script", artifact="noted", strict=True)["return"] == 0


def test_an_unknown_format(world: World) -> None:
    world.recipe("fine")
    answer = world.access("lint", "script", artifact="fine", format="xml")
    assert answer["return"] == 4
    assert "sarif" in answer["hint"]


def test_every_rule_is_documented() -> None:
    from pathlib import Path

    from cm_script.lint.rules import RULES

    page = (Path(__file__).resolve().parents[4] / "docs/checking.md").read_text("utf-8")
    for rule, sentence in RULES.items():
        assert f"| `{rule}` | {sentence} |" in page
