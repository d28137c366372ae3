"""Who owns what; clashes and faults of one plugin leave all others alone."""

import json

import pytest

from cmcore.errors import CmError, UsageError
from cmcore.registry import Registry
from cmcore.testing import fake_dist, imported_modules
from cmcore.testing.dists import plugin_manifest
from cmcore.types import Action

pytest_plugins = ["cmcore.testing.fixtures"]


def extension(name, noun, *verbs):
    """A manifest that adds verbs to another plugin's noun."""
    data = plugin_manifest(name)
    data["hooks"] = ["cm_actions", "cm_run"]
    data["automations"] = {noun: {"actions": {verb: {"help": verb} for verb in verbs}}}
    return data


def test_owner(fake_plugin, cm_context):
    fake_plugin("note")
    registry = cm_context().registry
    owner = registry.owner("note", "run")
    assert owner.plugin.provenance == "cm-plugin-note 1.0"
    assert owner.provenance == "cm-plugin-note 1.0"
    assert registry.owner("note", "fly") is None
    assert registry.owner("other", "run") is None
    assert registry.owner("collection", "add").plugin is None
    assert registry.owner("collection", "add").provenance == "cmcore"


def test_a_noun_by_uid(fake_plugin, cm_context):
    data = plugin_manifest("note")
    data["automations"]["note"]["uid"] = "0123456789abcdef"
    fake_plugin("note", manifest=data)
    registry = cm_context().registry
    for name in ("note", "0123456789abcdef", "note,0123456789abcdef", "old,0123456789abcdef"):
        assert registry.automation(name).name == "note", name
    assert registry.automation("note,fedcba9876543210") is None


def test_another_plugin_adds_a_verb(fake_plugin, cm_context):
    fake_plugin("note")
    fake_plugin("extra", manifest=extension("extra", "note", "fly"))
    registry = cm_context().registry
    assert registry.owner("note", "fly").plugin.candidate.dist == "cm-plugin-extra"
    assert registry.owner("note", "run").plugin.candidate.dist == "cm-plugin-note"
    assert [a.name for a in registry.actions("note")] == ["fly", "run"]
    assert registry.conflicts() == []
    assert [s.name for s in registry.concerned_with("note")] == ["extra", "note"]


def test_a_clash_stops_the_pair_and_nothing_else(fake_plugin, cm_context):
    fake_plugin("note")
    fake_plugin("extra", manifest=extension("extra", "note", "run", "fly"))
    registry = cm_context().registry
    with pytest.raises(CmError) as caught:
        registry.resolve("note", "run")
    assert "'run note' is claimed by cm-plugin-extra 1.0 and by cm-plugin-note 1.0" in str(
        caught.value
    )
    assert registry.resolve("note", "fly").plugin.name == "extra"
    (conflict,) = registry.conflicts()
    assert conflict.owners == ("cm-plugin-extra 1.0", "cm-plugin-note 1.0")


def test_two_owners_of_one_noun(fake_dist, cm_context):
    for name, verb in (("a", "run"), ("b", "docker")):
        data = plugin_manifest("note") | {"hooks": [f"cm_{verb}"], "name": name}
        data["automations"]["note"]["actions"] = {verb: {"help": verb}}
        files = {f"cm_{name}/cm-plugin.json": data}
        fake_dist(f"cm-plugin-{name}", entry_points={name: f"cm_{name}"}, files=files)
    registry = cm_context().registry
    assert registry.resolve("note", "run").plugin.name == "a"
    assert registry.resolve("note", "docker").plugin.name == "b"
    (conflict,) = registry.conflicts()
    assert (conflict.kind, conflict.name) == ("automation", "note")


def test_two_plugins_of_one_name(fake_plugin, cm_context):
    fake_plugin("note")
    fake_plugin("extra", manifest=extension("note", "note", "fly"))
    (conflict,) = cm_context().registry.conflicts()
    assert (conflict.kind, conflict.name) == ("plugin", "note")


def test_the_core_s_own_actions_cannot_be_taken(fake_plugin, cm_context):
    data = extension("extra", "collection", "add", "fly")
    data["hooks"].append("cm_add")
    fake_plugin("extra", manifest=data)
    registry = cm_context().registry
    assert registry.resolve("collection", "add").plugin is None
    assert registry.resolve("collection", "fly").plugin.name == "extra"
    assert [c.message for c in registry.conflicts()] == [
        "action 'add collection' is claimed by cmcore and by cm-plugin-extra 1.0; the core keeps it"
    ]


def test_common_actions_belong_to_nouns_with_artifacts(fake_plugin, cm_context):
    data = plugin_manifest("note")
    data["automations"]["note"]["artifacts"] = True
    fake_plugin("note", manifest=data)
    fake_plugin("plain")
    found = cm_context().registry
    common = {"search": Action("search", "", "find"), "run": Action("run", "", "never")}
    registry = Registry(found.plugins(), found.policy, common=common)
    assert registry.owner("note", "search").common
    assert registry.owner("note", "search").plugin is None
    assert registry.owner("note", "run").plugin.name == "note"
    assert registry.owner("plain", "search") is None


def test_a_noun_that_is_not_there(fake_plugin, cm_context):
    fake_plugin("note")
    with pytest.raises(UsageError) as caught:
        cm_context().registry.resolve("notes", "run")
    assert caught.value.code == 4
    # Somebody who mistypes a name is not told to install a package of that name.
    assert str(caught.value) == "no automation 'notes'; did you mean 'note'?"
    with pytest.raises(UsageError, match="known: collection, note; its plugin would be cm-plugin"):
        cm_context().registry.resolve("zz", "run")


def test_a_noun_that_is_only_extended(fake_plugin, cm_context):
    fake_plugin("extra", manifest=extension("extra", "note", "fly"))
    with pytest.raises(UsageError, match=r"no automation 'note'; cm-plugin-extra 1\.0 adds act"):
        cm_context().registry.resolve("note", "fly")


def test_an_action_that_is_not_there(fake_plugin, cm_context):
    fake_plugin("note")
    with pytest.raises(UsageError, match="no action 'runn' for automation 'note'; did you mean"):
        cm_context().registry.resolve("note", "runn")
    with pytest.raises(UsageError, match="'import' works with collection"):
        cm_context().registry.resolve("note", "import")
    with pytest.raises(UsageError, match="known: run; its plugin would be cm-plugin-docker"):
        cm_context().registry.resolve("note", "docker")


def test_a_denied_plugin_is_named_when_it_would_have_answered(fake_plugin, cm_context):
    fake_plugin("note", code="raise RuntimeError('imported')")
    registry = cm_context({"CM_PLUGINS": "cm-plugin-other"}).registry
    (state,) = registry.plugins()
    assert (state.state, state.error.stage) == ("denied", "policy")
    with pytest.raises(UsageError, match=r"cm-plugin-note 1\.0 failed at stage 'policy': environm"):
        registry.resolve("note", "run")


FAULTS = {
    "bad_json": {"manifest": "{"},
    "wrong_api": {"api": "7.0"},
    "no_manifest_keys": {"manifest": {}},
    "unknown_hook": {"hooks": ["cm_nothing"]},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_manifest_breaks_its_plugin_only(fake_plugin, cm_context, fault):
    fake_plugin("bad", **FAULTS[fault])
    fake_plugin("note")
    registry = cm_context().registry
    states = {state.name: state.state for state in registry.plugins()}
    assert states == {"bad": "broken", "note": "ready"}
    assert registry.owner("note", "run")
    (warning,) = registry.warnings()
    assert warning.startswith("plugin cm-plugin-bad 1.0 failed at stage 'manifest'")
    with pytest.raises(UsageError, match=r"cm-plugin-bad 1\.0 failed at stage 'manifest'"):
        registry.resolve("bad", "run")


def test_package_folders(fake_plugin, cm_context, cm_site):
    files = {"cm_note/recipes/cmr.yaml": "alias: r\n"}
    fake_plugin("note", files=files, collections=[{"path": "recipes"}])
    folder = str(cm_site / "cm_note" / "recipes")
    assert cm_context().registry.package_folders() == [(folder, "cm-plugin-note 1.0")]
    assert cm_context({"CM_PLUGINS": ""}).registry.package_folders() == []


def test_the_order_of_installation_does_not_matter(tmp_path, cm_context, fake_plugin):
    fake_plugin("b")
    fake_plugin("a")
    assert [s.name for s in cm_context().registry.plugins()] == ["a", "b"]


def test_building_a_registry_imports_no_plugin(tmp_path, fake_plugin, cm_site, cm_home):
    fake_plugin("note", code="raise RuntimeError('imported')")
    fake_dist(cm_site, "broken", entry_points={"x": "a b"})
    (cm_home).mkdir()
    (cm_home / "policy.json").write_text(json.dumps({"policy": 1, "deny": []}))
    code = "from cmcore.context import Context; assert Context().registry.owner('note', 'run')"
    held = imported_modules(code, home=cm_home, path=[cm_site])
    assert not held & {"cm_note", "pluggy", "click", "yaml", "dataclasses", "importlib.metadata"}
    assert "cmcore.specifiers" not in held
