"""One world per test."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from recipe_world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    # A test of a recipe that fails leaves its folder behind: here, not in the machine's.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return World(tmp_path)
