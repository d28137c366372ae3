"""A small collection of recipes, and users who have it registered."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import Machine, User, write_tree
from trials import RunLog, recipe


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A folder of recipes that a test may spoil."""
    files = {
        "cmr.yaml": "alias: trials\nuid: 1f0e1d2c3b4a5968\n",
        **recipe("base", "aaaaaaaaaaaaaaa1"),
        **recipe("top", "aaaaaaaaaaaaaaa2", deps="make,base"),
        **recipe("plain", "aaaaaaaaaaaaaaa3", cache=False),
        **recipe("slow", "aaaaaaaaaaaaaaa4"),
        **recipe("loop-a", "aaaaaaaaaaaaaaa5", deps="make,loop-b"),
        **recipe("loop-b", "aaaaaaaaaaaaaaa6", deps="make,loop-a"),
        **recipe("failing", "aaaaaaaaaaaaaaa7", run="#!/bin/bash\necho before\nnosuchtool --x\n"),
    }
    files["script/make-slow/run.sh"] = files["script/make-slow/run.sh"].replace(
        "echo payload", "sleep 1\necho payload"
    )
    return write_tree(tmp_path / "trials", files)


@pytest.fixture
def owner(machine: Machine, collection: Path, tmp_path: Path) -> User:
    """A user who has registered the collection; `RUN_LOG` names the log of executions."""
    user = machine.user(tmp_path / "home")
    user.env = {"RUN_LOG": str(tmp_path / "run.log")}
    user.ok("add", "collection", str(collection))
    return user


@pytest.fixture
def runs(tmp_path: Path) -> RunLog:
    """Which native steps really ran."""
    return RunLog(tmp_path / "run.log")
