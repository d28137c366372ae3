"""`cm plugins list|why|verify` and `cm doctor`, and `cm` itself beside every sort of fault."""

import json
import os
import subprocess
import sys

import pytest

from cmcore import plugin_commands
from cmcore.errors import NotFoundError, UsageError
from cmcore.testing.dists import RUN, plugin_manifest
from cmcore.types import Request

pytest_plugins = ["cmcore.testing.fixtures"]


def ask(ctx, command, *names):
    handler = getattr(plugin_commands, "list_plugins" if command == "list" else command)
    return handler(ctx, Request("plugins", command, names))


@pytest.fixture
def zoo(fake_plugin, fake_dist):
    """One plugin of each fault, and a good one."""
    fake_plugin("good")
    fake_plugin("importing", code="import nothing_of_that_name")
    fake_plugin("json", manifest="{")
    fake_plugin("api", api="9.0")
    fake_plugin("denied", code="raise SystemExit('imported')")
    fake_plugin("clash")
    data = plugin_manifest("rival")
    data["automations"] = {"clash": plugin_manifest("x")["automations"]["x"]}
    fake_plugin("rival", manifest=data)
    fake_dist("cm-plugin-garbage", entry_points="[cmcore.plugins]\nwhat is this\n")
    return {"CM_PLUGINS": ",".join(f"cm-plugin-{name}" for name in ALLOWED)}


ALLOWED = ("good", "importing", "json", "api", "clash", "rival", "garbage")


def test_list(zoo, cm_context):
    result = ask(cm_context(zoo), "list")
    states = {entry["distribution"]: entry["state"] for entry in result.data["plugins"]}
    assert states == {
        "cm-plugin-api": "broken",
        "cm-plugin-clash": "ready",
        "cm-plugin-denied": "denied",
        "cm-plugin-garbage": "broken",
        "cm-plugin-good": "ready",
        "cm-plugin-importing": "ready",
        "cm-plugin-json": "broken",
        "cm-plugin-rival": "ready",
    }
    (table, *conflicts) = result.view
    row = next(row for row in table.rows if row[0] == "cm-plugin-api")
    assert row[1:4] == ("1.0", "broken", "")
    assert row[4].endswith("'api' is 9.0, this cmcore offers 1.0")
    assert len(conflicts) == 2  # the noun and the action
    assert result.code == 0


def test_everything_else_works_beside_each_fault(zoo, cm_cli):
    done = cm_cli("run", "good", "a", "--out=json", environ=zoo)
    assert (done.code, done.json()) == (0, {"return": 0, "ran": ["a"]})
    for words in (["--help"], ["--version"], ["find", "collection"], ["plugins", "list"]):
        done = cm_cli(*words, environ=zoo)
        assert done.code == 0, (words, done)
        assert "Traceback" not in done.err
    for noun, code, cause in (
        ("importing", 1, "cm-plugin-importing 1.0 failed at stage 'load': ModuleNotFoundError"),
        ("json", 4, "cm-plugin-json 1.0 failed at stage 'manifest'"),
        ("api", 4, "'api' is 9.0, this cmcore offers 1.0"),
        ("denied", 4, "cm-plugin-denied 1.0 failed at stage 'policy'"),
        ("clash", 1, "is claimed by cm-plugin-clash 1.0 and by cm-plugin-rival 1.0"),
    ):
        done = cm_cli("run", noun, environ=zoo)
        assert done.code == code, done
        assert cause in done.err
        *warnings, error = done.err.splitlines()
        assert error.startswith("cm: error: ")
        assert all(line.startswith("cm: warning: plugin cm-plugin-") for line in warnings)


def test_no_plugins(zoo, cm_cli):
    done = cm_cli("run", "good", "--no-plugins")
    assert done.code == 4
    assert "--no-plugins does not list cm-plugin-good" in done.err
    assert cm_cli("find", "collection", "--no-plugins").code == 0


def test_why(zoo, cm_context):
    ctx = cm_context(zoo)
    (entry,) = ask(ctx, "why", "CM_Plugin.Denied").data["plugins"]
    assert (entry["allowed"], entry["layer"]) == (False, "environment")
    assert entry["offers"]["actions"] == {"run denied": "run a denied"}
    assert "cm_denied" not in sys.modules
    result = ask(ctx, "why", "good")
    assert "cm-plugin-good 1.0: ready" in result.view[0]
    assert "may load: environment variable CM_PLUGINS=" in result.view[0]
    (entry,) = ask(ctx, "why", "rival").data["plugins"]
    assert any("'run clash' is claimed by" in text for text in entry["conflicts"])
    (entry,) = ask(ctx, "why", "garbage").data["plugins"]
    assert "entry_points.txt, line 2" in entry["cause"]
    with pytest.raises(NotFoundError, match="did you mean 'cm-plugin-good'"):
        ask(ctx, "why", "cm-plugin-goood")
    with pytest.raises(UsageError):
        ask(ctx, "why")


def test_why_by_noun(fake_plugin, cm_context):
    fake_plugin("good")
    assert ask(cm_context(), "why", "good").data["plugins"][0]["name"] == "good"


def test_verify(zoo, cm_context):
    ctx = cm_context(zoo)
    result = ask(ctx, "verify")
    verdicts = {entry["distribution"]: entry["verdict"] for entry in result.data["plugins"]}
    assert verdicts["cm-plugin-good"] == "ok"
    assert verdicts["cm-plugin-denied"] == "denied, not imported"
    assert verdicts["cm-plugin-importing"] == verdicts["cm-plugin-json"] == "fault"
    assert result.code == 1
    assert ask(ctx, "verify", "good").code == 0


VERB = (
    "from cmcore import hookimpl\nfrom cmcore.types import Action, Automation\n"
    "@hookimpl\ndef cm_actions(): return [Action('fly', 'note', 'h')]\n"
    "@hookimpl\ndef cm_automations(): return [Automation('other', 'h')]\n"
    "@hookimpl\ndef cm_docker(ctx): pass\n"
)


def test_verify_finds_what_the_manifest_gets_wrong(fake_plugin, cm_context, cm_site):
    data = plugin_manifest("note")
    data["hooks"] = ["cm_run", "cm_actions", "cm_automations"]
    data["automations"]["note"]["actions"]["swim"] = {"help": "swim", "flag": {}}
    fake_plugin("note", manifest=data, code=VERB)
    with open(cm_site / "cm_note" / "__init__.py", "a") as stream:
        stream.write("edited = True\n")
    (entry,) = ask(cm_context(), "verify").data["plugins"]
    found = "\n".join(entry["faults"])
    for fault in (
        "__init__.py was changed after it was installed",
        "the manifest lists cm_run, the module does not implement it",
        "the module implements cm_docker, the manifest does not list it",
        "cm_actions does not give 'swim note' of the manifest",
        "cm_actions gives 'fly note', the manifest does not list it",
        "action 'fly note' has no handler",
        "cm_automations does not give 'note' of the manifest",
        "cm_automations gives 'other', the manifest does not list it",
        "unknown key 'automations.note.actions.swim.flag' is ignored",
    ):
        assert fault in found
    assert len(entry["faults"]) == 9


def test_verify_finds_missing_files(fake_plugin, cm_context, cm_site):
    fake_plugin("note", files={"cm_note/extra.py": ""})
    os.remove(cm_site / "cm_note" / "extra.py")
    (entry,) = ask(cm_context(), "verify").data["plugins"]
    assert entry["faults"] == [f"{cm_site / 'cm_note' / 'extra.py'} is missing"]


def test_doctor_on_a_healthy_installation(fake_plugin, cm_context):
    code = RUN.format(noun="good") + (
        "from cmcore.types import HealthCheck\n"
        "@hookimpl\ndef cm_health_checks(ctx): return [HealthCheck('tool', True, 'found')]\n"
    )
    fake_plugin("good", code=code, hooks=["cm_run", "cm_health_checks"])
    result = ask(cm_context(), "doctor")
    assert [c for c in result.data["checks"] if not c["ok"]] == []
    assert result.code == 0
    assert "good: tool" in [c["name"] for c in result.data["checks"]]


def test_doctor_finds_every_fault_and_says_what_to_do(zoo, cm_context):
    zoo["CM_PLUGINS"] += ",cm-plugin-nowhere"
    result = ask(cm_context(zoo), "doctor")
    faults = {c["name"]: c for c in result.data["checks"] if not c["ok"]}
    assert set(faults) == {
        "policy",
        "conflict",
        "cm-plugin-api 1.0",
        "cm-plugin-garbage 1.0",
        "cm-plugin-importing 1.0",
        "cm-plugin-json 1.0",
    }
    assert all(check["hint"] for check in faults.values())
    assert "'cm-plugin-nowhere', which is not installed" in faults["policy"]["detail"]
    assert result.code == 1


def test_doctor_reports_a_failing_health_check(fake_plugin, cm_context):
    code = "from cmcore import hookimpl\n@hookimpl\ndef cm_health_checks(ctx): 1 / 0\n"
    fake_plugin("bad", code=code, hooks=["cm_run", "cm_health_checks"])
    (fault,) = [c for c in ask(cm_context(), "doctor").data["checks"] if not c["ok"]]
    assert "ZeroDivisionError" in fault["detail"]


def test_doctor_with_a_broken_policy(cm_home, fake_plugin, cm_cli):
    fake_plugin("good")
    cm_home.mkdir()
    (cm_home / "policy.json").write_text("{")
    done = cm_cli("doctor", "--out=json")
    (fault,) = [c for c in done.json()["checks"] if not c["ok"]]
    assert fault["name"] == "policy"
    assert str(cm_home / "policy.json") in fault["detail"]
    assert done.code == 1
    done = cm_cli("run", "good")
    assert (done.code, "is broken" in done.err) == (4, True)
    assert cm_cli("find", "collection").code == 0


def test_doctor_when_the_home_cannot_be_written(cm_context, cm_home, tmp_path):
    (tmp_path / "file").write_text("")
    ctx = cm_context({"CM_HOME": str(tmp_path / "file")})
    fault = next(c for c in ask(ctx, "doctor").data["checks"] if c["name"] == "home")
    assert not fault["ok"]
    assert "CM_HOME" in fault["hint"]


def test_unknown_flags_are_refused(cm_context):
    with pytest.raises(UsageError, match="unknown flag '--deep' of 'doctor plugins'"):
        plugin_commands.doctor(cm_context(), Request("doctor", flags={"deep": True}))


def test_the_data_is_json(zoo, cm_context):
    ctx = cm_context(zoo)
    for command in ("list", "verify", "doctor"):
        assert json.loads(json.dumps(ask(ctx, command).data))


@pytest.mark.slow
def test_wheels_come_and_go_with_pip(tmp_path, cm_home, cm_site, cm_cli):
    project = tmp_path / "project"
    package = project / "cm_note"
    package.mkdir(parents=True)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "cm-plugin-note"\nversion = "0.3"\n'
        '[project.entry-points."cmcore.plugins"]\nnote = "cm_note.plugin"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["cm_note"]\n'
    )
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(RUN.format(noun="note"))
    (package / "cm-plugin.json").write_text(json.dumps(plugin_manifest("note")))
    assert cm_cli("run", "note").code == 4
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(cm_site)]
    subprocess.run([*pip, str(project)], check=True, cwd=tmp_path)
    assert cm_cli("run", "note", "a", "--out=json").json() == {"return": 0, "ran": ["a"]}
    verified = cm_cli("plugins", "verify", "--out=json")
    plugins = verified.json()["plugins"]
    entry = next(p for p in plugins if p["distribution"] == "cm-plugin-note")
    assert (entry["distribution"], entry["version"], entry["verdict"]) == (
        "cm-plugin-note",
        "0.3",
        "ok",
    )
    import shutil

    shutil.rmtree(cm_site / "cm_plugin_note-0.3.dist-info")
    assert cm_cli("run", "note").code == 4
