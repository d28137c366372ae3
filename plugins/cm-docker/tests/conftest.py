"""How long the parts of `boxes.py` live."""

from __future__ import annotations

import os
import platform
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boxes
import corpora
import own
import pytest
from boxes import Lack, Person, Station
from kit import CHECKOUT, Index, build_wheel, must, package_index, run

#: Our packages that a machine with containers has.
OURS = ("cmcore", "plugins/cm-script", "plugins/cm-cache", "plugins/cm-docker")


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A scratch folder that every user may enter; pytest's own are private to the caller."""
    # Not below TMPDIR of a caller whose own folder may be closed to others.
    folder = Path(tempfile.mkdtemp(prefix="cm-box-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def index(ground: Path) -> Iterator[Index]:
    """A loopback package index: our wheels, and what they ask for, for this Python and Debian's."""
    folder = ground / "index"
    folder.mkdir()
    ours = [build_wheel(CHECKOUT / package, folder) for package in OURS]
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    fetch += ["--disable-pip-version-check", "--dest", str(folder), *map(str, ours)]
    must(run(fetch))
    machine = f"manylinux2014_{platform.machine()}"
    for version in ("3.11", "3.13"):
        must(run([*fetch, f"--python-version={version}", f"--platform={machine}"]))
    with package_index(folder) as served:
        yield served


@pytest.fixture(scope="session")
def station(ground: Path, index: Index) -> Station:
    """Our packages, installed by pip in a fresh environment that every user can read."""
    try:
        return Station(ground / "station", index)
    except Lack as lack:
        pytest.skip(str(lack))


@pytest.fixture(scope="session")
def root(ground: Path, station: Station) -> Iterator[Person]:
    """The caller, whoever that is, with a container storage of their own that holds the base."""
    person = Person(station, ground / "caller", pwd.getpwuid(os.geteuid()))
    yield from _prepared(person)


@pytest.fixture(scope="session")
def ordinary(ground: Path, station: Station) -> Iterator[Person]:
    """An ordinary user, who runs containers without rights."""
    try:
        with boxes.somebody() as who:
            yield from _prepared(Person(station, ground / "ordinary", who))
    except Lack as lack:
        pytest.skip(str(lack))


def _prepared(person: Person) -> Iterator[Person]:
    try:
        person.prepare()
    except Lack as lack:
        person.close()
        pytest.skip(str(lack))
    yield person
    person.close()


@pytest.fixture(scope="session")
def cm_root(ground: Path) -> Path:
    """The published recipes in the CM dialect, where every user can read them."""
    return _readable(corpora.cm_root(), ground / "cmx4mlops")


@pytest.fixture(scope="session")
def mlc_root(ground: Path) -> Path:
    """The published recipes in the MLCFlow dialect, where every user can read them."""
    return _readable(corpora.mlc_root(), ground / "mlc_scripts")


def _readable(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


@pytest.fixture(scope="session")
def trials(ground: Path) -> Path:
    """A collection of small recipes of our own."""
    return own.trials(ground / "trials")


@pytest.fixture(scope="session")
def caller(root: Person, trials: Path) -> Person:
    """The caller, with that collection registered."""
    root.ok("add", "collection", str(trials))
    return root
