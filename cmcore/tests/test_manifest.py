"""Manifests are checked with messages that name file, key and what would work."""

import inspect
import json
import os

import pytest

from cmcore import discovery, hookspecs, manifest, manifest_rules
from cmcore.testing import fake_dist, fake_plugin
from cmcore.testing.dists import plugin_manifest


def load(folder, dist="cm-plugin-x"):
    (found,) = [c for c in discovery.scan([str(folder)], {}) if c.dist == dist]
    return manifest.load(found, [str(folder)])


def test_a_valid_manifest(tmp_path):
    offered = plugin_manifest("x")
    offered["hooks"].append("cm_actions")
    offered["automations"]["x"].update(uid="0123456789abcdef", artifacts=True)
    offered["automations"]["script"] = {"actions": {"replay": {"help": "again"}}}
    offered["collections"] = [{"path": "data/recipes"}]
    offered["needs"] = {"network": "downloads", "write": ["cache"]}
    files = {"cm_x/data/recipes/cmr.yaml": "alias: r\n"}
    fake_plugin(tmp_path, "x", manifest=offered, files=files)
    found = load(tmp_path)
    assert isinstance(found, manifest.Manifest)
    assert found.provenance == "cm-plugin-x 1.0"
    assert [tuple(noun) for noun in found.automations] == [
        ("x", "things called x", "0123456789abcdef", True)
    ]
    assert {(a.name, a.automation) for a in found.actions} == {("run", "x"), ("replay", "script")}
    assert found.collections == (str(tmp_path / "cm_x" / "data" / "recipes"),)
    assert found.warnings == ()


def change(key, value):
    """A manifest with one key (dotted) replaced; None removes it."""
    data = plugin_manifest("x")
    *outer, last = key.split(".")
    block = data
    for part in outer:
        block = block.setdefault(part, {})
    if value is None:
        del block[last]
    else:
        block[last] = value
    return data


@pytest.mark.parametrize(
    ("data", "cause", "hint"),
    [
        (change("manifest", None), "'manifest' is missing: expected a number", ""),
        (change("manifest", 2), "'manifest' is 2, this cmcore reads version 1", "update cmcore"),
        (change("manifest", True), "'manifest' must be a number, not True", ""),
        (change("api", "2.0"), "'api' is 2.0, this cmcore offers 1.0", "update cmcore"),
        (change("api", "1.9"), "'api' is 1.9, this cmcore offers 1.0", "update cmcore"),
        (change("api", "0.9"), "'api' is 0.9, this cmcore offers 1.0", "newer version of the plug"),
        (change("api", "one"), "'api' must look like", ""),
        (change("api", 1), "'api' must be text, not 1", ""),
        (change("name", "Big Name"), "'name' must be a lower-case word, not 'Big Name'", ""),
        (change("summary", "a\nb"), "'summary' must be one line of text", ""),
        (change("hooks", ["cm_runn"]), "'hooks' names an unknown hook 'cm_runn'", "'cm_run'"),
        (change("hooks", "cm_run"), "'hooks' must be a list, not 'cm_run'", ""),
        (change("hooks", []), "'automations.x.actions.run' needs hook 'cm_run'", 'to "hooks"'),
        (change("automations.x.help", None), "'automations.x.help' is missing", ""),
        (change("automations.x.artifacts", "yes"), "'automations.x.artifacts' must be true", ""),
        (change("automations.x.uid", "XYZ"), "'automations.x.uid' must be 16 lower-case", ""),
        (change("automations.X", {}), "'automations.X': a noun is a lower-case word", ""),
        (change("automations.y", {}), "'automations.y' neither owns the noun nor adds", "own it"),
        (change("automations.x.actions.go-on", {}), "a verb is a lower-case word", ""),
        (
            change("automations.x.actions.play", {"help": "h"}),
            "'automations.x.actions.play' needs hook 'cm_actions'",
            "cm_actions",
        ),
        (
            change("automations.x.actions.run.flags.fast", "hurry"),
            "'automations.x.actions.run.flags.fast' must be an object, not 'hurry'",
            "",
        ),
        (change("collections", [{"path": "../x"}]), "must be a folder inside the package", ""),
        (change("collections", [{"path": "/etc"}]), "must be a folder inside the package", ""),
        (change("collections", [{"path": "gone"}]), "names a folder that is not there", ""),
        (change("needs", {"secrets": "all"}), "'needs.secrets' must be a list, not 'all'", ""),
        ("{", "is not valid JSON", ""),
        ("[]", "must be an object, not list", ""),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)", ""),
        ("[" * 100000, "is nested too deeply", ""),
    ],
)
def test_what_is_wrong_is_said(tmp_path, data, cause, hint):
    fake_plugin(tmp_path, "x", manifest=data)
    found = load(tmp_path)
    assert isinstance(found, manifest.Broken)
    assert cause in found.cause
    assert hint in found.hint
    assert str(tmp_path / "cm_x" / "cm-plugin.json") in found.cause
    error = found.error()
    assert (error.distribution, error.version, error.stage) == ("cm-plugin-x", "1.0", "manifest")
    assert "cm-plugin-x 1.0 failed at stage 'manifest'" in str(error)


def test_unknown_keys_are_warnings_with_the_nearest_one(tmp_path):
    data = plugin_manifest("x") | {"sumary": "typo", "commands": {}}
    data["automations"]["x"]["actions"]["run"]["flag"] = {}
    fake_plugin(tmp_path, "x", manifest=data)
    warnings = "\n".join(load(tmp_path).warnings)
    assert "unknown key 'sumary' is ignored; did you mean 'summary'?" in warnings
    assert "unknown key 'automations.x.actions.run.flag' is ignored; did you mean 'flags'?" in (
        warnings
    )
    assert "unknown key 'commands'" in warnings


def test_a_package_without_manifest(tmp_path):
    fake_dist(tmp_path, "cm-plugin-x", entry_points={"x": "cm_x.plugin"}, files={"cm_x/a.py": ""})
    assert load(tmp_path).cause == "no cm-plugin.json beside module 'cm_x.plugin'"


def test_a_byte_order_mark_is_tolerated(tmp_path):
    raw = b"\xef\xbb\xbf" + json.dumps(plugin_manifest("x")).encode()
    fake_plugin(tmp_path, "x", manifest=raw)
    assert isinstance(load(tmp_path), manifest.Manifest)


def test_the_innermost_package_counts(tmp_path):
    files = {
        "top/sub/cm-plugin.json": plugin_manifest("inner"),
        "top/cm-plugin.json": plugin_manifest("outer"),
        "top/sub/plugin.py": "",
    }
    fake_dist(tmp_path, "cm-plugin-x", entry_points={"x": "top.sub.plugin"}, files=files)
    assert load(tmp_path).name == "inner"
    os.remove(tmp_path / "top" / "sub" / "cm-plugin.json")
    assert load(tmp_path).name == "outer"


def test_a_manifest_behind_an_import_hook_is_found(tmp_path, monkeypatch):
    """Editable installs of setuptools map a package to a folder by a finder of their own."""
    import importlib.machinery
    import importlib.util
    import sys

    hidden = tmp_path / "hidden"
    fake_plugin(hidden, "x", code="raise RuntimeError('imported')")
    fake_dist(tmp_path / "site", "cm-plugin-x", entry_points={"x": "cm_x.plugin"})

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "cm_x":
                place = hidden / "cm_x" / "__init__.py"
                return importlib.util.spec_from_file_location(name, place)
            return None

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    assert load(tmp_path / "site").path == str(hidden / "cm_x" / "cm-plugin.json")
    assert "cm_x" not in sys.modules


def test_the_core_s_own_manifest_keeps_the_rules():
    own = manifest.core_manifest()
    assert own.warnings == ()
    assert [noun.name for noun in own.automations] == ["collection"]
    from cmcore import collections_commands

    for action in own.actions:
        name = "import_home" if action.name == "import" else action.name
        assert callable(getattr(collections_commands, name))
    from cmcore.cli import commands

    assert {command.name for command in own.commands} == set(commands._COMMANDS)


def test_the_static_copy_of_the_contract_is_the_contract():
    hooks = {
        name: tuple(inspect.signature(function).parameters)[1:]  # without `self`
        for name, function in vars(hookspecs.CmSpecs).items()
        if name.startswith("cm_")
    }
    assert hooks == manifest_rules.HOOKS
    assert hookspecs.API_VERSION == manifest_rules.API_VERSION
