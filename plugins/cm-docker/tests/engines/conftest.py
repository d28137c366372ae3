"""Engines for the suites, each looked at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import enginestage
import pytest
from dockerd import Daemon, running

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


@pytest.fixture(scope="session")
def served(ground: Path) -> Iterator[Daemon]:
    """docker's own daemon, with an image of busybox."""
    with running(ground / "dockerd") as made:
        yield made


@pytest.fixture(scope="session")
def daemon(served: Daemon, ground: Path) -> Docker:
    """docker's command line in front of that."""
    folder = ground / "dockerd-caller"
    folder.mkdir()
    environ = {**enginestage.environment(folder), "PATH": served.path}
    engine = enginestage.docker({**environ, "DOCKER_HOST": served.address})
    packed = enginestage.busybox(folder)
    engine.must("import an image", "import", str(packed), enginestage.IMAGE)
    return engine


@pytest.fixture(scope="session")
def plain(daemon: Docker) -> Docker:
    """The same with the machine's own client, where that has no builder that knows secrets."""
    environ = {**daemon.ctx.environ, "PATH": os.environ.get("PATH", "")}
    engine = enginestage.docker(environ)
    if engine.kit():
        pytest.skip("docker's program on this machine can build with BuildKit")
    return engine


@pytest.fixture(params=["podman", "docker", "daemon"])
def engine(request: pytest.FixtureRequest) -> Podman | Docker:
    """Each of the three: `docker` is podman behind docker's socket, `daemon` the real one."""
    found: Podman | Docker = request.getfixturevalue(request.param)
    return found
