"""A home in which no package is in use: these tests look at what else images are made of."""

from __future__ import annotations

import pytest
from plans import context

from cm_docker import distributions, pipconf


@pytest.fixture
def bare(monkeypatch):
    """No package is in use."""
    monkeypatch.setattr(distributions, "in_use", lambda ctx, carried=(): [])


@pytest.fixture
def ctx(tmp_path, monkeypatch, bare):
    """Services of a home; pip is not asked, which takes it most of a second."""
    monkeypatch.setattr(pipconf, "_settings", lambda ctx: {})
    with context(tmp_path / "home") as made:
        yield made
