"""Words in an order or a place that people take from other tools, or from where they stand."""

import json

import pytest

from cmcore import grammar
from cmcore.testing.dists import plugin_manifest

pytest_plugins = ["cmcore.testing.fixtures"]

FILE = {"action": "run", "automation": "note", "artifact": "x", "tags": "a"}


@pytest.fixture
def notes(fake_plugin, cm_home):
    """A plugin whose code must not be imported, and two of its artifacts."""
    data = plugin_manifest("note")
    data["automations"]["note"]["artifacts"] = True
    fake_plugin("note", manifest=data, code="raise RuntimeError('imported')")
    folder = cm_home / "local" / "note"
    for name, uid in (("first", "0123456789abcdef"), ("second", "0123456789abcde0")):
        (folder / name).mkdir(parents=True)
        (folder / name / "_cm.json").write_text(json.dumps({"alias": name, "uid": uid}))
    return folder


def test_a_dot_in_place_of_the_noun_is_the_artifact_around_us(notes, cm_context, monkeypatch):
    monkeypatch.chdir(notes / "second")
    for action in ("find", "show"):
        found = cm_context().access(f"{action} . --out=json")["list"]
        assert [item["alias"] for item in found] == ["second"]
    assert len(cm_context().access("find . * --out=json")["list"]) == 2
    assert len(cm_context().access("find . --tags=-x --out=json")["list"]) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("note run x --tags=a b", "did you mean 'cm run note x b --tags=a'?"),
        ("note ls --quiet", "did you mean 'cm ls note --quiet'?"),
        ("note frob x", "no automation 'frob'"),
        ("frob run x", "no automation 'run'"),
    ],
)
def test_the_noun_before_the_verb(notes, cm_context, line, said):
    answer = cm_context().access(line)
    assert answer["return"] == 4
    assert said in f"{answer['error']} {answer.get('hint', '')}"


def test_help_in_a_request_explains_and_does_nothing(notes, cm_context):
    answer = cm_context().access({"action": "run", "automation": "note", "help": True})
    assert answer["return"] == 0
    assert answer["usage"].startswith("cm run note")


@pytest.mark.parametrize("about", ["help", "print-input"])
def test_what_a_file_asks_for_is_explained_and_not_done(about):
    request = grammar.parse([about, "@r.json"], read_file={"r.json": FILE}.get).request
    assert request.action == about.replace("-", "_")
    assert (request.automation, request.artifacts) == ("run", ("note", "x"))
    request = grammar.parse([about, "find", "note", "@r.json"], read_file={"r.json": FILE}.get)
    assert request.request.automation == "find"
    assert request.request.artifacts[0] == "note"


def test_a_file_decides_for_other_verbs():
    request = grammar.parse(["find", "@r.json"], read_file={"r.json": FILE}.get).request
    assert request.action == "run"
