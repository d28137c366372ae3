"""The kit for plugin authors, used as an author would."""

import subprocess
import sys

import pytest

from cmcore.testing import PluginContract, fake_plugin, imported_modules, run_cm
from cmcore.testing.dists import RUN, plugin_manifest
from cmcore.testing.processes import child_environ

pytest_plugins = ["cmcore.testing.fixtures"]

SUITE = """
from cmcore.testing import PluginContract

class TestContract(PluginContract):
    distribution = "Cm_Plugin.Note"
"""


def suite(tmp_path, site):
    """Run the contract as pytest does for an author; (exit code, output)."""
    (tmp_path / "test_contract.py").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_contract.py"],
        cwd=tmp_path,
        env=child_environ(tmp_path / "home", [site]),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_good_plugin_keeps_the_contract(tmp_path):
    fake_plugin(tmp_path / "site", "note")
    code, shown = suite(tmp_path, tmp_path / "site")
    assert code == 0, shown
    assert "passed" in shown


@pytest.mark.parametrize(
    ("code", "changes", "failing"),
    [
        ("import nothing_", {}, "test_manifest_says_what_the_code_does"),
        ("import yaml\n" + RUN.format(noun="note"), {}, "test_entry_module_is_thin"),
        ("import cm_other\n" + RUN.format(noun="note"), {}, "test_other_plugins_are_not_imported"),
        (RUN.format(noun="note"), {"extra": 1}, "test_manifest_is_valid_and_without_unknown_keys"),
        (RUN.format(noun="note"), {"api": "5.0"}, "test_manifest_is_valid"),
        (
            "from cmcore.types import Setting\n"
            + RUN.format(noun="note")
            + "\n@hookimpl\ndef cm_settings(): return [Setting('other.x', 'help')]\n",
            {"hooks": ["cm_run", "cm_settings"]},
            "test_settings_carry_the_plugin_s_name",
        ),
    ],
)
def test_what_breaks_the_contract_is_found(tmp_path, code, changes, failing):
    site = tmp_path / "site"
    fake_plugin(site, "note", code=code, **changes)
    fake_plugin(site, "other", code="")
    result, shown = suite(tmp_path, site)
    assert result == 1, shown
    assert failing in shown


def test_examples_must_fit(tmp_path):
    data = plugin_manifest("note")
    data["automations"]["note"]["actions"]["run"]["examples"] = ["cm run other"]
    fake_plugin(tmp_path / "site", "note", manifest=data)
    code, shown = suite(tmp_path, tmp_path / "site")
    assert (code, "test_examples_are_command_lines" in shown) == (1, True)


def test_a_distribution_that_is_not_installed_is_said_to_be_so(tmp_path):
    class Missing(PluginContract):
        distribution = "cm-plugin-gone"

    with pytest.raises(AssertionError, match="cm-plugin-gone is not installed"):
        Missing().manifests()


def test_the_kit_does_not_need_pytest():
    code = "import cmcore.testing, sys; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_run_cm_hands_on_no_cm_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("CM_PLUGINS", "cm-plugin-none")
    fake_plugin(tmp_path / "site", "note")
    done = run_cm("run", "note", "--out=json", home=tmp_path / "home", path=[tmp_path / "site"])
    assert done.json() == {"return": 0, "ran": []}


def test_imported_modules_reports_failures():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        imported_modules("1 / 0", home="/nonexistent")
    assert "colorsys" in imported_modules("import colorsys", home="/nonexistent")


def test_the_home_is_private(cm_home, cm_cli):
    assert not cm_home.exists()
    assert cm_cli("find", "collection", "--out=json").json()["return"] == 0
