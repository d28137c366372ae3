import json
import os
import sys

import pytest

from cmcore import config
from cmcore.config import Settings
from cmcore.errors import StorageError, UsageError
from cmcore.paths import Paths
from cmcore.types import Setting

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import context, in_child, killed_at, request

PLUGIN = (
    Setting("notes.level", "how much", 3),
    Setting("notes.loud", "loud or not", False),
    Setting("notes.words", "some", []),
    Setting("notes.any", "anything"),
)


@pytest.fixture
def settings(tmp_path):
    return Settings(Paths(str(tmp_path)), {}, lambda: PLUGIN)


def test_default_file_and_environment_in_this_order(tmp_path, settings):
    assert settings.get("core.form") == "cm"
    assert settings.get("notes.any", "mine") == "mine"
    settings.set("core.form", "mlc")
    assert settings.get("core.form") == "mlc"
    assert settings.source("core.form") == "file"
    above = Settings(Paths(str(tmp_path)), {"CM_SETTING_CORE_FORM": "cm"})
    assert above.get("core.form") == "cm"
    assert above.source("core.form") == "environment"
    assert settings.unset("core.form") is True
    assert settings.unset("core.form") is False
    assert settings.get("core.form") == "cm"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("notes.level", "7", 7),
        ("notes.level", "0.5", 0.5),
        ("notes.loud", "Yes", True),
        ("notes.loud", "0", False),
        ("notes.words", "a, b", ["a", "b"]),
        ("notes.words", '["a"]', ["a"]),
        ("notes.any", "text", "text"),
        ("notes.any", {"a": 1}, {"a": 1}),
    ],
)
def test_text_becomes_what_the_key_wants(settings, key, text, value):
    assert settings.set(key, text) == value
    assert settings.get(key) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [("notes.level", "much"), ("notes.loud", "maybe"), ("core.form", "xml"), ("core.form", 3)],
)
def test_unsuitable_values_are_refused(settings, key, text):
    with pytest.raises(UsageError, match=key):
        settings.set(key, text)
    assert settings.source(key) == "default"


def test_unknown_keys_name_the_nearest(settings):
    for act in (settings.get, settings.unset, lambda key: settings.set(key, 1)):
        with pytest.raises(UsageError, match=r"note\.level") as caught:
            act("note.level")
        assert "notes.level" in caught.value.hint


def test_plugins_are_only_asked_for_keys_the_core_does_not_know(tmp_path):
    def declared():
        raise AssertionError("asked")

    settings = Settings(Paths(str(tmp_path)), {}, declared)
    assert settings.get("core.form") == "cm"


def test_a_key_of_an_absent_plugin_can_be_forgotten(tmp_path, settings):
    settings.set("notes.level", 1)
    alone = Settings(Paths(str(tmp_path)), {})
    assert alone.unset("notes.level") is True


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_damaged_file_is_named_and_kept(tmp_path, settings, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    for act in (lambda: settings.get("core.form"), lambda: settings.set("core.form", "cm")):
        with pytest.raises(StorageError) as caught:
            act()
        assert str(path) in caught.value.where
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "\xff", None])
def test_with_a_damaged_file_the_defaults_count_and_a_change_keeps_it(tmp_path, text):
    path, told = tmp_path / "config.json", []
    if text is None:
        path.mkdir()
    else:
        path.write_text(text, "latin-1")
    settings = Settings(Paths(str(tmp_path)), {}, lambda: PLUGIN, told.append)
    assert settings.get("core.form") == "cm"
    assert settings.get("notes.level", 5) == 5
    assert settings.source("core.form") == "default"
    assert len(told) == 1
    assert str(path) in told[0]
    settings.set("core.form", "mlc")
    assert json.loads(path.read_text()) == {"core.form": "mlc"}
    (aside,) = tmp_path.glob("config.json.damaged-*")
    assert aside.name in told[1]
    assert text is None or aside.read_text("latin-1") == text
    assert Settings(Paths(str(tmp_path)), {}, lambda: PLUGIN).get("core.form") == "mlc"


def test_many_processes_lose_no_setting(tmp_path):
    def work(number):
        Settings(Paths(str(tmp_path)), {}, lambda: _keys(4)).set(f"k.k{number}", number)

    pids = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            os._exit(in_child(lambda n=number: work(n)))
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    kept = json.loads((tmp_path / "config.json").read_text())
    assert kept == {f"k.k{n}": n for n in range(4)}


def _keys(count):
    return [Setting(f"k.k{n}", "") for n in range(count)]


def test_a_kill_leaves_all_settings_readable(tmp_path):
    settings = Settings(Paths(str(tmp_path)), {}, lambda: PLUGIN)
    settings.set("notes.level", 1)
    for number in range(1, 60):
        died = killed_at(number, lambda: settings.set("core.form", "mlc"))
        assert settings.get("notes.level") == 1
        assert settings.get("core.form") in ("cm", "mlc")
        if not died:
            assert settings.get("core.form") == "mlc"
            return
    raise AssertionError("never through")


def test_commands(tmp_path):
    ctx = context(tmp_path)
    assert config.config_set(ctx, request("config", "core.form", "mlc")).data["value"] == "mlc"
    got = config.config_get(ctx, request("config", "core.form"))
    assert (got.view, got.data) == ("mlc", {"key": "core.form", "value": "mlc"})
    listed = config.config_list(ctx, request("config"))
    assert listed.data["settings"]["core.form"] == "mlc"
    assert ("core.form", "mlc", "file") in [tuple(row[:3]) for row in listed.view.rows]
    assert config.config_unset(ctx, request("config", "core.form")).data["removed"] is True
    for handler in (config.config_get, config.config_set, config.config_unset):
        with pytest.raises(UsageError):
            handler(ctx, request("config"))
    over = context(tmp_path, CM_SETTING_CORE_FORM="cm")
    assert (
        "CM_SETTING_CORE_FORM"
        in config.config_set(over, request("config", "core.form", "mlc")).warnings[0]
    )
