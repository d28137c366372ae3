"""The examples in the contract's documentation are plugins that work."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import pluggy
import pytest

from cmcore import hookspecs

HOOKS = sorted(name for name in vars(hookspecs.CmSpecs) if name.startswith("cm_"))


def example(name: str) -> str:
    """The code of a hook's example."""
    text = inspect.getdoc(getattr(hookspecs.CmSpecs, name)) or ""
    assert "Example::" in text
    return inspect.cleandoc(text.partition("Example::")[2])


@pytest.fixture
def manager() -> pluggy.PluginManager:
    """A manager with the contract and nothing else."""
    made = pluggy.PluginManager(hookspecs.PROJECT)
    made.add_hookspecs(hookspecs.CmSpecs)
    return made


@pytest.mark.parametrize("name", HOOKS)
def test_example_is_a_plugin_that_implements_its_hook(
    manager: pluggy.PluginManager, name: str
) -> None:
    module = ModuleType("example")
    exec(compile(example(name), f"<example of {name}>", "exec"), vars(module))
    manager.register(module)
    # Names that no specification has, or arguments that it does not have, would be found here.
    manager.check_pending()
    callers: list[Any] = manager.get_hookcallers(module) or []
    assert [caller.name for caller in callers] == [name]


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_typed_and_documented(name: str) -> None:
    function = getattr(hookspecs.CmSpecs, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for argument in list(signature.parameters.values())[1:]:
        assert argument.annotation is not inspect.Parameter.empty, argument
    first = (inspect.getdoc(function) or "").splitlines()[0]
    assert first.endswith((".", ":")), first


def test_the_manifest_rules_know_the_same_hooks_and_version() -> None:
    from cmcore import manifest_rules

    assert set(HOOKS) == set(manifest_rules.HOOKS)
    assert hookspecs.API_VERSION == manifest_rules.API_VERSION
