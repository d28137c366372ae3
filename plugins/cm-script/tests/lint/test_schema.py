"""The published schema: what editors see is what `cm lint` checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cm_script.lint import shape
from cm_script.lint.document import Document
from cm_script.lint.findings import Report

jsonschema: Any = pytest.importorskip("jsonschema")

CHECKOUT = Path(__file__).resolve().parents[4]
#: Findings of `cm lint` that the schema itself makes.
RULES = {"unknown-key", "type", "uid", "missing-key"}


def by_schema(data: dict[str, Any]) -> bool:
    return not jsonschema.Draft202012Validator(shape.schema()).is_valid(data)


def by_lint(tmp_path: Path, data: dict[str, Any]) -> bool:
    (tmp_path / "_cm.json").write_text(json.dumps(data))
    report = Report(Document(str(tmp_path)))
    shape.check(data, report, lambda kind, key, path: True)
    # Keys that look switched off are notes, and the schema lets them pass.
    return any(f.rule in RULES and f.level != "note" for f in report.findings)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(shape.schema())


def test_the_published_copy_is_the_one_in_the_package() -> None:
    published = CHECKOUT / "docs/reference/recipe.schema.json"
    assert published.read_text() == Path(shape.SCHEMA_FILE).read_text()


def test_every_key_is_described() -> None:
    definitions = shape.schema()["$defs"]
    for part in (shape.schema(), *definitions.values()):
        for key, rule in part.get("properties", {}).items():
            target = definitions.get(rule.get("$ref", "").rpartition("/")[2], {})
            assert rule.get("description") or target.get("description"), key


def test_every_reference_leads_somewhere() -> None:
    text = Path(shape.SCHEMA_FILE).read_text()
    names = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert names == set(shape.schema()["$defs"])


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"cahce": True},
        {"tags": 5},
        {"uid": "short"},
        {"deps": [{"tags": "a", "revision": "x"}]},
        {"deps": [{"tags": "a", "revision": {}}]},
        {"deps": [{"tags": "a", "enable_if_env": {"A": {}}}]},
        {"variations": {"a": {"alis": "b"}}},
        {"variations": {"a": None, "b": {"env": {"A": None, "B": [1]}}}},
        {"variations": {"a": {"docker": {"deps": [{"tags": 1}]}}}},
        {"input_description": {"a": "text", "b": {"desc": 1}}},
        {"input_description": {"a": "text", "b": {"desc": "x", "default": 1}}},
        {"extra_cache_tags_from_env": [{"env": "A", "suffix": "b"}]},
        {"update_meta_if_env": [{"enable_if_env": {"A": ["b"]}, "env": {"C": 1}}]},
        {"versions": {"1.0": {"adr": {"x": "text"}}}},
        {"tests": {"run_inputs": [{"anything": {"goes": 1}}], "needs_pat": True}},
        {"docker_off": {"a": 1}, "docker": {"base_image1": "x"}},
        {"deps": [{"tags": "a", "update_tags_from_env1": ["A"]}]},
        {"mlc_compat": [{"min_version": "1.3", "message": "x"}], "apptainer": {"nv": True}},
    ],
)
def test_both_validators_agree(tmp_path: Path, extra: dict[str, Any]) -> None:
    data = {"uid": "0123456789abcdef", "tags": ["a"], **extra}
    assert by_lint(tmp_path, data) == by_schema(data)
