"""Signals and kills at a known moment: what reaches a container, and what is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from enginestage import ME, Driven, containers, processes, wait_for

from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman

#: Nothing else on the machine sleeps for so long, not even what a failed run of tests left.
LONG = str(100000 + int.from_bytes(os.urandom(3), "big"))


@pytest.fixture(params=["podman", "docker", "daemon"])
def both(request: pytest.FixtureRequest) -> tuple[str, Podman | Docker]:
    found: Podman | Docker = request.getfixturevalue(request.param)
    return request.param, found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_container(both: tuple[str, Podman | Docker], number: int) -> None:
    name, engine = both
    text = 'trap "echo told; exit 5" TERM INT HUP; echo begun; while true; do sleep 0.2; done'
    driven = Driven(dict(engine.ctx.environ), "run", name, text)
    driven.until("begun")
    driven.process.send_signal(number)
    told = driven.end()
    assert "told" in told
    assert "code=5 note=stopped by a signal" in told
    assert containers(engine) == ""


@pytest.mark.parametrize("name", ["podman", "daemon"])
def test_a_second_signal_kills_what_does_not_listen(
    name: str, request: pytest.FixtureRequest
) -> None:
    engine: Podman | Docker = request.getfixturevalue(name)
    text = f'trap "echo deaf" INT; echo begun; while true; do sleep {LONG}; done'
    driven = Driven(dict(engine.ctx.environ), "run", name, text)
    driven.until("begun")
    driven.process.send_signal(signal.SIGINT)
    # The shell of the container hears it when its child is gone, which is never.
    wait_for(lambda: processes(LONG), "the container")
    driven.process.send_signal(signal.SIGINT)
    assert "code=137" in driven.end()
    assert containers(engine) == ""
    assert processes(LONG) == []


def test_after_a_kill_of_ours_the_next_command_cleans(
    both: tuple[str, Podman | Docker],
) -> None:
    name, engine = both
    driven = Driven(dict(engine.ctx.environ), "run", name, f"echo begun; sleep {LONG}; true")
    driven.until("begun")
    assert engine.clean(ME) == []  # it lives
    driven.kill()
    (said,) = engine.clean(ME)
    assert "left by a run that was killed" in said
    assert containers(engine) == ""
    wait_for(lambda: not processes(LONG), "the end of the container's process")


@pytest.mark.parametrize("name", ["podman", "daemon"])
def test_after_a_kill_of_the_engines_program_nothing_is_left(
    name: str, request: pytest.FixtureRequest
) -> None:
    engine: Podman | Docker = request.getfixturevalue(name)
    driven = Driven(dict(engine.ctx.environ), "run", name, f"echo begun; sleep {LONG}; true")
    driven.until("begun")
    os.kill(driven.child(), signal.SIGKILL)
    assert "lost its connection to the container" in driven.end()
    assert containers(engine) == ""
    wait_for(lambda: not processes(LONG), "the end of the container's process")


def slow(folder: Path) -> str:
    folder.joinpath("Containerfile").write_text(
        "FROM localhost/cm-test/busybox:1\nLABEL org.cmcore.made=cmcore\n"
        f"RUN echo begun {os.urandom(4).hex()}; sleep {LONG}\n"
    )
    return str(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_nothing(podman: Podman, tmp_path: Path, number: int) -> None:
    driven = Driven(dict(podman.ctx.environ), "build", "podman", slow(tmp_path))
    wait_for(lambda: processes(LONG), "the slow step")
    driven.process.send_signal(number)
    driven.end()
    assert driven.process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    nothing_left(podman)


@pytest.mark.parametrize("victims", ["ours", "the builder", "both"])
def test_a_killed_build_is_cleaned_up(podman: Podman, tmp_path: Path, victims: str) -> None:
    driven = Driven(dict(podman.ctx.environ), "build", "podman", slow(tmp_path))
    wait_for(lambda: processes(LONG), "the slow step")
    assert podman.clean(ME) == []  # it lives
    builder = driven.child()
    if victims in ("the builder", "both"):
        os.kill(builder, signal.SIGKILL)
    if victims in ("ours", "both"):
        driven.kill()
        assert podman.clean(ME) == ["removed what a build left that was killed"]
    else:
        assert "CmError" in driven.end()
    nothing_left(podman)


@pytest.mark.parametrize("name", ["daemon", "plain"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_of_docker_that_ends_early(
    name: str, number: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The daemon ends the step by itself when its client is gone."""
    engine: Docker = request.getfixturevalue(name)
    driven = Driven(dict(engine.ctx.environ), "build", name, slow(tmp_path))
    wait_for(lambda: processes(LONG), "the slow step")
    if number == signal.SIGKILL:
        driven.kill()
    else:
        driven.process.send_signal(number)
        driven.end()
        assert driven.process.returncode == 130
    wait_for(lambda: not processes(LONG), "the end of the slow step")
    wait_for(lambda: containers(engine) == "", "the end of its container")
    assert engine.image("localhost/cm-test/slow:1") == ""


def nothing_left(podman: Podman) -> None:
    assert processes(LONG) == []
    assert containers(podman) == ""
    builds = Path(podman.ctx.paths.home, "containers", "builds")
    assert list(builds.iterdir()) == []
