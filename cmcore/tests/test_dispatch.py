"""One request, the same from Python and from a command line."""

import json
import os

import pytest

import cmcore
from cmcore import dispatch
from cmcore.errors import UsageError
from cmcore.testing import fake_plugin as make_plugin
from cmcore.testing import imported_modules
from cmcore.testing.dists import plugin_manifest
from cmcore.types import Request

pytest_plugins = ["cmcore.testing.fixtures"]


def test_flags_are_checked_against_the_manifest(fake_plugin, cm_context):
    fake_plugin("note")
    ctx = cm_context()
    assert ctx.call(Request("run", "note", flags={"fast": True, "verbose": True})).code == 0
    with pytest.raises(UsageError) as caught:
        ctx.call(Request("run", "note", flags={"fats": True}))
    assert str(caught.value) == "unknown flag '--fats' of 'run note'; did you mean 'fast'?"
    with pytest.raises(UsageError, match="known: --fast"):
        ctx.call(Request("run", "note", flags={"xyz": {"deep": 1}}))


def test_open_flags_are_the_plugin_s_business(fake_plugin, cm_context):
    data = plugin_manifest("note")
    data["automations"]["note"]["actions"]["run"]["open_flags"] = True
    fake_plugin("note", manifest=data)
    assert cm_context().call(Request("run", "note", flags={"anything": {"goes": 1}})).code == 0


def test_verb_aliases_and_uids_from_python(fake_plugin, cm_context):
    data = plugin_manifest("note")
    data["automations"]["note"]["uid"] = "0123456789abcdef"
    data["automations"]["note"]["actions"] = {"search": {"help": "find"}}
    data["hooks"] = ["cm_search"]
    code = (
        "from cmcore import hookimpl\nfrom cmcore.types import Result\n"
        "@hookimpl\ndef cm_search(ctx, request): return Result({'got': list(request[:2])})\n"
    )
    fake_plugin("note", manifest=data, code=code)
    answer = cm_context().access({"action": "ls", "automation": "note,0123456789abcdef"})
    assert answer == {"return": 0, "got": ["search", "note"]}


@pytest.mark.parametrize(
    ("request_", "code", "error"),
    [
        ({"action": "run"}, 4, "'run' needs an automation"),
        ({"action": "run", "automation": "gone"}, 4, "no automation 'gone'"),
        ({"action": "fly", "automation": "note"}, 4, "no action 'fly' for automation 'note'"),
        ({"action": "run", "automation": "note", "nope": 1}, 4, "unknown flag '--nope' of 'run"),
        ({"action": 1}, 4, "'action' must be a word"),
        ({"action": "run", "automation": "note", "artifacts": "x"}, 4, "must be a list of words"),
        ("run note 'open", 4, "cannot read the command line"),
    ],
)
def test_access_never_raises(fake_plugin, cm_context, request_, code, error):
    fake_plugin("note")
    answer = cm_context().access(request_)
    assert answer["return"] == code
    assert error in answer["error"]


def test_access_without_action(cm_context):
    assert cm_context().access({}) == {"return": 0, "warning": "no action specified"}
    assert cm_context().access("") == {"return": 0, "warning": "no action specified"}


def test_the_three_forms_of_a_request_are_one(fake_plugin, cm_context):
    code = (
        "from cmcore import hookimpl\nfrom cmcore.types import Result\n@hookimpl\n"
        "def cm_run(ctx, request): return Result({**request._asdict(), 'console': None})\n"
    )
    fake_plugin("note", code=code)
    ctx = cm_context()
    line = "run note a b --fast --out=json -- x -y"
    as_dict = {
        "action": "run",
        "automation": "note",
        "artifact": "a",
        "artifacts": ["b"],
        "fast": True,
        "out": "json",
        "unparsed_cmd": ["x", "-y"],
    }
    answers = [ctx.access(form) for form in (line, line.split(), as_dict)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["artifacts"] == ("a", "b")
    assert answers[0]["command"] == ("x", "-y")


def test_a_result_with_a_code_carries_an_error(fake_plugin, cm_context):
    code = (
        "from cmcore import hookimpl\nfrom cmcore.types import Result\n@hookimpl\n"
        "def cm_run(ctx): return Result({'return': 9, 'a': 1}, code=3, warnings=('careful',))\n"
    )
    fake_plugin("note", code=code)
    answer = cm_context().access("run note")
    assert (answer["return"], answer["a"], answer["warnings"]) == (3, 1, ["careful"])
    assert answer["error"]


def test_out_con_prints_for_a_person(fake_plugin, cm_context, capsys):
    fake_plugin("note")
    ctx = cm_context()
    for silent in ({"action": "run", "automation": "note"}, "run note", ["run", "note"]):
        assert ctx.access(silent) == {"return": 0, "ran": []}
        assert capsys.readouterr().out == ""
    ctx.access("run note --out=con")
    assert capsys.readouterr().out == "ran\n"
    ctx.access({"action": "run", "automation": "note", "out": "con"})
    assert capsys.readouterr().out == "ran\n"


def test_no_plugins_for_one_request(fake_plugin, cm_context):
    fake_plugin("note")
    ctx = cm_context()
    assert ctx.access("run note --out=json")["return"] == 0
    assert ctx.access("run note --no-plugins --out=json")["return"] == 4


def test_the_process_s_services_notice_an_installation(cm_home, cm_site):
    assert cmcore.access({"action": "run", "automation": "note"})["return"] == 4
    first = dispatch.default_context()
    assert dispatch.default_context() is first
    make_plugin(cm_site, "note")
    os.utime(cm_site, ns=(1, 1))
    assert cmcore.access({"action": "run", "automation": "note"}) == {"return": 0, "ran": []}


def test_the_core_s_noun_needs_neither_pluggy_nor_plugins(cm_home, cm_site):
    make_plugin(cm_site, "note", code="raise RuntimeError('imported')")
    code = "import cmcore; assert cmcore.access('find collection --out=json')['list']"
    held = imported_modules(code, home=cm_home, path=[cm_site])
    assert not held & {"pluggy", "click", "cm_note", "yaml", "dataclasses", "cmcore.manager"}


def test_common_actions_import_no_plugin(cm_home, cm_site):
    data = plugin_manifest("note")
    data["automations"]["note"]["artifacts"] = True
    make_plugin(cm_site, "note", manifest=data, code="raise RuntimeError('imported')")
    code = "import cmcore; r = cmcore.access('find note --out=json'); assert r['list'] == [], r"
    held = imported_modules(code, home=cm_home, path=[cm_site])
    assert not held & {"pluggy", "click", "cm_note", "yaml", "dataclasses", "cmcore.manager"}


def test_here_as_automation(fake_plugin, cm_context, cm_home, monkeypatch):
    fake_plugin("note")
    place = cm_home / "local" / "note" / "first"
    place.mkdir(parents=True)
    (place / "_cm.json").write_text(json.dumps({"alias": "first", "uid": "0123456789abcdef"}))
    monkeypatch.chdir(place)
    assert cm_context().access("run . --out=json") == {"return": 0, "ran": ["."]}
    assert cm_context().access("run . other --out=json") == {"return": 0, "ran": ["other"]}
    for nothing in (place.parent, place.parent / "no-artifact"):
        nothing.mkdir(exist_ok=True)
        monkeypatch.chdir(nothing)
        assert cm_context().access("run . --out=json") == {"return": 0, "ran": []}
    monkeypatch.chdir(cm_home / "local")
    answer = cm_context().access("run . --out=json")
    assert "in none" in answer["error"]


@pytest.mark.parametrize(
    "odd",
    [None, 5, b"x", [1], ["find", 5], {5: 6}, {"action": "find", "automation": "note", 5: 6}],
)
def test_what_is_no_request_is_answered_with_an_error(odd):
    answer = dispatch.access(odd)
    assert answer["return"] == 4
    assert answer["error"]
