"""Policy layers can only take away, and what cannot be understood denies everything."""

import hashlib
import json
import os
import sys

import pytest

from cmcore import discovery, policy
from cmcore.paths import Paths
from cmcore.policy import Policy
from cmcore.testing import fake_dist, fake_plugin


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return Paths(str(tmp_path / "home"))


def candidate(folder, name="cm-plugin-x", version="1.2"):
    fake_dist(folder, name, version, entry_points={"x": "cm_x.plugin"})
    (found,) = discovery.scan([str(folder)], {})
    return found


def load(tmp_path, home, system=None, user=None, project=None, env=None, **more):
    """A policy with the given layers, each a dictionary or raw text."""
    places = {
        "system.json": system,
        "home/policy.json": user,
        "project/cm-policy.json": project,
    }
    (tmp_path / "project").mkdir(exist_ok=True)
    for name, content in places.items():
        if content is not None:
            text = content if isinstance(content, str) else json.dumps({"policy": 1, **content})
            (tmp_path / name).write_text(text)
    environ = {} if env is None else {"CM_PLUGINS": env}
    files = [str(tmp_path / "system.json")]
    folder = str(tmp_path / "project")
    return Policy.load(home, environ, system=files, folder=folder, **more)


ALLOW, DENY, OTHER = {"allow": ["cm-plugin-x"]}, {"deny": ["cm-plugin-x"]}, {"allow": ["y"]}


@pytest.mark.parametrize("system", [None, ALLOW, DENY, OTHER])
@pytest.mark.parametrize("user", [None, ALLOW, DENY, OTHER])
@pytest.mark.parametrize("project", [None, ALLOW, OTHER])
@pytest.mark.parametrize("env", [None, "cm-plugin-x", ""])
def test_every_layer_only_restricts(tmp_path, home, system, user, project, env):
    found = load(tmp_path, home, system, user, project, env)
    decision = found.decide(candidate(tmp_path / "site"))
    layers = {"system": system, "user": user, "project": project}
    objects = [name for name, rules in layers.items() if rules in (DENY, OTHER)]
    objects += ["environment"] if env == "" else []
    assert decision.allowed == (not objects)
    if objects:
        assert decision.layer == objects[0]


def test_nothing_restricts_where_nothing_is_said(tmp_path, home):
    assert load(tmp_path, home).decide(candidate(tmp_path / "site")) == policy.Decision(
        True, "", "no policy restricts it"
    )


@pytest.mark.parametrize("spelling", ["cm-plugin-x", "CM_Plugin.X", "cm--plugin__x"])
@pytest.mark.parametrize("installed", ["cm-plugin-x", "Cm.Plugin_X"])
def test_no_spelling_slips_past(tmp_path, home, spelling, installed):
    found = candidate(tmp_path / "site", installed)
    assert not load(tmp_path, home, {"deny": [spelling]}).decide(found).allowed
    assert load(tmp_path, home, {"allow": [spelling]}).decide(found).allowed
    assert load(tmp_path, home, {}, env=spelling).decide(found).allowed


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ({"allow": ["cm-plugin-x>=1.2"]}, True),
        ({"allow": ["cm-plugin-x>=1,<1.2"]}, False),
        ({"allow": ["cm-plugin-x==9", "cm-plugin-x==1.2"]}, True),
        ({"allow": [{"name": "cm-plugin-x", "version": "~=1.1"}]}, True),
        ({"allow": []}, False),
        ({"deny": ["cm-plugin-x<1.3"]}, False),
        ({"deny": ["cm-plugin-x>1.3"]}, True),
        ({"allow": ["cm-plugin-x"], "deny": ["cm-plugin-x"]}, False),
    ],
)
def test_versions(tmp_path, home, rules, allowed):
    assert load(tmp_path, home, rules).decide(candidate(tmp_path / "site")).allowed == allowed


def test_a_version_that_cannot_be_compared_is_denied_by_a_rule_about_versions(tmp_path, home):
    found = candidate(tmp_path / "site", version="snapshot")
    assert not load(tmp_path, home, {"deny": ["cm-plugin-x<1"]}).decide(found).allowed
    assert not load(tmp_path, home, {"deny": [], "allow": ["cm-plugin-x>=0"]}).decide(found).allowed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is broken"),
        ("[]", "expected an object, found list"),
        ("{}", "'policy' must be 1"),
        ('{"policy": 2}', "'policy' must be 1, not 2"),
        ('{"policy": 1, "alow": []}', "unknown key 'alow'; known: policy, allow"),
        ('{"policy": 1, "allow": "cm-plugin-x"}', "'allow' must be a list"),
        ('{"policy": 1, "allow": [1]}', "'allow[0]' must be text or an object"),
        ('{"policy": 1, "allow": ["x >> 1"]}', "no version clause"),
        ('{"policy": 1, "allow": [{"version": "1"}]}', "'allow[0]' needs a 'name'"),
        ('{"policy": 1, "allow": [{"name": "x", "sha": "1"}]}', "unknown key 'allow[0].sha'"),
        ('{"policy": 1, "allow": [{"name": "x", "record_sha256": "1"}]}', "64 hexadecimal"),
        ("[" * 100000, "is broken"),
    ],
)
@pytest.mark.parametrize("layer", ["system", "user", "project"])
def test_a_broken_policy_fails_closed(tmp_path, home, text, says, layer):
    found = load(tmp_path, home, **{layer: text})
    decision = found.decide(candidate(tmp_path / "site"))
    assert (decision.allowed, decision.layer) == (False, layer)
    assert says in decision.reason
    assert decision.reason.endswith("so no plugin may load")
    assert len(found.problems()) == 1


def test_an_unreadable_policy_fails_closed(tmp_path, home):
    (tmp_path / "home" / "policy.json").mkdir()
    decision = load(tmp_path, home).decide(candidate(tmp_path / "site"))
    assert not decision.allowed
    assert "cannot be read" in decision.reason


def test_a_broken_variable_fails_closed(tmp_path, home):
    decision = load(tmp_path, home, env="cm-plugin-x,>=1").decide(candidate(tmp_path / "site"))
    assert (decision.allowed, decision.layer) == (False, "environment")


def test_no_plugins(tmp_path, home):
    decision = load(tmp_path, home, no_plugins=True).decide(candidate(tmp_path / "site"))
    assert (decision.allowed, decision.layer) == (False, "command line")


def test_the_reason_reaches_the_person(tmp_path, home):
    found = load(tmp_path, home, {"deny": ["cm-plugin-x"], "reason": "ask the tools group"})
    assert found.decide(candidate(tmp_path / "site")).reason.endswith(": ask the tools group")


def test_a_pinned_record(tmp_path, home):
    info = fake_plugin(tmp_path / "site", "x", version="1.2")
    (found,) = discovery.scan([str(tmp_path / "site")], {})
    with open(os.path.join(info, "RECORD"), "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    rule = {"name": "cm-plugin-x", "record_sha256": digest.upper()}
    decision = load(tmp_path, home, {"allow": [rule]}).decide(found)
    assert (decision.allowed, decision.pinned) == (True, True)
    with open(os.path.join(info, "RECORD"), "a") as stream:
        stream.write("more,,\n")
    decision = load(tmp_path, home, {"allow": [rule]}).decide(found)
    assert not decision.allowed
    assert "pins another RECORD" in decision.reason
    os.remove(os.path.join(info, "RECORD"))
    assert not load(tmp_path, home, {"allow": [rule]}).decide(found).allowed


def test_project_files_reach_up_to_the_checkout_and_no_further(tmp_path):
    deep = tmp_path / "repo" / "a" / "b"
    deep.mkdir(parents=True)
    for place in (tmp_path, tmp_path / "repo", deep):
        (place / "cm-policy.json").write_text('{"policy": 1}')
    assert policy.project_files(str(deep)) == [str(deep / "cm-policy.json")]
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere\n")
    inside = [str(tmp_path / "repo" / "cm-policy.json"), str(deep / "cm-policy.json")]
    assert policy.project_files(str(deep)) == inside


def test_the_system_layer_is_the_machine_s_and_the_installation_s(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/opt/env")
    assert policy.system_files() == [
        "/etc/cmcore/policy.json",
        "/opt/env/etc/cmcore/policy.json",
    ]
