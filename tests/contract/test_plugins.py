"""Every plugin of this repository keeps the contract that third parties are held to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit import CHECKOUT, PACKAGES, Index, Machine, User, build_wheel

from cmcore.testing import PluginContract


class TestScript(PluginContract):
    """cm-plugin-script, as installed in the environment of this test run."""

    distribution = "cm-plugin-script"


class TestCache(PluginContract):
    """cm-plugin-cache, likewise."""

    distribution = "cm-plugin-cache"


MANIFESTS = sorted(path for path in CHECKOUT.glob("*/src/*/cm-plugin.json")) + sorted(
    CHECKOUT.glob("plugins/*/src/*/cm-plugin.json")
)
COMMON = ("search", "add", "load", "update", "remove", "move", "copy", "show")
ACTIONS = [
    pytest.param(noun, verb, action, id=f"{verb}-{noun}")
    for path in MANIFESTS
    for noun, entry in json.loads(path.read_text("utf-8"))["automations"].items()
    for verb, action in entry.get("actions", {}).items()
]


@pytest.fixture(scope="module")
def complete(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine with every package, without the libraries that only a measurement needs."""
    made = Machine(tmp_path_factory.mktemp("complete") / "venv", index)
    made.install("cmcore", "cm-plugin-script", "cm-plugin-cache")
    for package in ("plugins/cm-docker", "plugins/cm-mlperf"):
        wheel = build_wheel(CHECKOUT / package, tmp_path_factory.mktemp("wheel"))
        made.install("--no-deps", str(wheel))
    return made


@pytest.fixture
def user(complete: Machine, tmp_path: Path) -> User:
    """A new user of that machine."""
    return complete.user(tmp_path / "home")


def test_there_are_actions() -> None:
    assert len(MANIFESTS) == len(PACKAGES) + 2
    assert len(ACTIONS) >= 5


@pytest.mark.parametrize(("noun", "verb", "action"), ACTIONS)
def test_help_of_every_action(user: User, noun: str, verb: str, action: dict[str, object]) -> None:
    """It names each flag and shows the examples, and every example parses."""
    text = user.ok(verb, noun, "--help")
    for flag in action.get("flags", {}):  # type: ignore[attr-defined] # JSON
        assert flag.replace("_", "-") in text.replace("_", "-"), f"{flag}\n{text}"
    for example in action.get("examples", ()):  # type: ignore[attr-defined] # JSON
        assert str(example).split()[0] in ("cm", "cmr", "cmrd"), example
        assert str(example)[:30] in text, f"{example}\n{text}"


@pytest.mark.parametrize("verb", COMMON)
def test_common_actions_exist_for_every_noun_with_artifacts(user: User, verb: str) -> None:
    assert user.ok(verb, "script", "--help")
