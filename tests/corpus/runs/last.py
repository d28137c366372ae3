"""Runs that change what later ones find in the same home: nothing may come after them."""

from __future__ import annotations

from runs import Run

RUNS = (
    Run("install-python-venv", "install,python-venv", ("--name=mine",), cached=True),
    Run("activate-python-venv", "activate,python-venv", ("--name=mine",)),
)
