"""Fixtures of the cross-package suites: `kit.py` has the parts, here is how long they live."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import corpora
import pytest
from kit import CHECKOUT, PACKAGES, Index, Machine, User, build_wheel, must, package_index, run


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our three wheels, built from the checkout: `{project folder: wheel}`."""
    folder = tmp_path_factory.mktemp("wheels")
    return {package: build_wheel(CHECKOUT / package, folder) for package in PACKAGES}


@pytest.fixture(scope="session")
def index(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A loopback package index with our wheels and the third-party ones that they ask for."""
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    must(run([*command, *map(str, wheels.values())]))
    with package_index(folder) as served:
        yield served


@pytest.fixture(scope="session")
def machine(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A fresh environment with the three packages, installed by pip; tests leave it unchanged."""
    made = Machine(tmp_path_factory.mktemp("machine") / "venv", index)
    made.install("cmcore", "cm-plugin-script", "cm-plugin-cache")
    return made


@pytest.fixture(scope="module")
def workshop(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The same for the tests of one module that install and uninstall; they leave it as it was."""
    made = Machine(tmp_path_factory.mktemp("workshop") / "venv", index)
    made.install("cmcore", "cm-plugin-script", "cm-plugin-cache")
    return made


@pytest.fixture
def user(machine: Machine, tmp_path: Path) -> User:
    """A new user with an empty home."""
    return machine.user(tmp_path / "home")


@pytest.fixture(scope="session")
def cm_root() -> Path:
    """The published recipes in the CM dialect; read only."""
    return corpora.cm_root()


@pytest.fixture(scope="session")
def mlc_root() -> Path:
    """The published recipes in the MLCFlow dialect; read only."""
    return corpora.mlc_root()
