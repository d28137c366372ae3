"""The page of published recipes says what the runs say, and leaves none out."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from kit import CHECKOUT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """`docs/generate_recipes_run.py` as a module."""
    path = CHECKOUT / "docs" / "generate_recipes_run.py"
    spec = importlib.util.spec_from_file_location("generate_recipes_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(generator: ModuleType) -> None:
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page()


@pytest.mark.parametrize("dialect", ["cm", "mlc"])
def test_every_recipe_has_a_verdict(generator: ModuleType, dialect: str) -> None:
    without = [name for name, verdict in generator.verdicts(dialect) if verdict == "?"]
    assert without == []
