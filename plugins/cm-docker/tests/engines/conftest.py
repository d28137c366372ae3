"""Engines for the suites, each looked at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import enginestage
import pytest

from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman


@pytest.fixture(scope="session")
def place(ground: Path) -> Path:
    """A folder for a storage of podman."""
    folder = ground / "engines"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def environ(place: Path) -> dict[str, str]:
    """Variables that keep engines within that folder."""
    return enginestage.environment(place)


@pytest.fixture(scope="session")
def podman(place: Path, environ: dict[str, str]) -> Iterator[Podman]:
    """podman with an image of busybox."""
    engine = enginestage.podman(environ)
    packed = enginestage.busybox(place)
    engine.must("import an image", "import", str(packed), enginestage.IMAGE)
    yield engine
    enginestage.forget(engine, place)


@pytest.fixture(scope="session")
def socket(place: Path, environ: dict[str, str], podman: Podman) -> Iterator[str]:
    """Address of docker's interface of the same podman."""
    yield from enginestage.service(environ, place)


@pytest.fixture(scope="session")
def docker(environ: dict[str, str], socket: str) -> Docker:
    """docker's command line in front of it."""
    return enginestage.docker({**environ, "DOCKER_HOST": socket})


@pytest.fixture(params=["podman", "docker"])
def engine(request: pytest.FixtureRequest) -> Podman | Docker:
    """Each of the two."""
    found: Podman | Docker = request.getfixturevalue(request.param)
    return found
