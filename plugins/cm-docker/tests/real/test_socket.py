"""docker's own command line, against a real service: podman's, which speaks its language."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import boxes
import pytest
from boxes import BASE, Person


@pytest.fixture(scope="module")
def served(caller: Person) -> Iterator[str]:
    """Address of the service on the caller's storage."""
    if not boxes.which("docker"):
        pytest.skip("no docker command on this machine")
    socket = caller.folder / "engine.sock"
    block = caller.block({"CONTAINERS_CONF": str(caller.private)} if caller.configuration else {})
    service = subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{socket}"],
        env=block,
        cwd=caller.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 30
        while not socket.exists():
            if service.poll() is not None or time.monotonic() > end:
                pytest.skip("podman's service does not start here")
            time.sleep(0.1)
        yield f"unix://{socket}"
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(30)


def _asked(served: str) -> dict[str, str]:
    return {"DOCKER_HOST": served}


GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=docker", "--quiet")


def test_build_and_run(caller: Person, served: str) -> None:
    out = caller.home / "by-docker"
    words = ("--tags=use,tool", "--text=through", f"--output_folder={out}", *GIVEN)
    told = caller.docker(*words, env=_asked(served))
    assert told["engine"] == "docker"
    assert told["new_env"]["CM_TEXT"] == "through"
    assert (out / "said.txt").read_text() == "through\n"
    assert (out / "said.txt").stat().st_uid == caller.who.pw_uid
    images = caller.images()
    again = caller.docker("--tags=use,tool", "--text=again", *GIVEN, env=_asked(served))
    assert again["new_env"]["CM_TOOL_MADE"] == told["new_env"]["CM_TOOL_MADE"]
    assert caller.images() == images
    assert caller.containers() == []


def test_exit_code(caller: Person, served: str) -> None:
    """This service answers 0 to `run --rm`, whatever happened inside."""
    answer = caller.cm(
        "docker", "script", "--tags=use,tool", "--exit=7", *GIVEN, env=_asked(served)
    )
    assert (
        answer.code
        == caller.cm("run", "script", "--tags=use,tool", "--exit=7", "--quiet").code
        != 0
    )
    assert "no luck today" in answer.out + answer.err
    assert caller.containers() == []
