"""docker's own daemon, with BuildKit: for root, and for somebody who may use its socket."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boxes
import pytest
from boxes import BASE, Lack, Person, Station
from dockerd import Daemon, running
from kit import must

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=docker", "--quiet")
#: Containers of this daemon have no network of their own.
HOST = "--docker.network=host"


@pytest.fixture(scope="module")
def daemon(ground: Path) -> Iterator[Daemon]:
    """A daemon that has the base image and lets everybody in."""
    with running(ground / "daemon") as made:
        must(made.docker("import", boxes.base_tar(), BASE))
        made.folder.chmod(0o755)
        (made.folder / "socket").chmod(0o666)
        yield made


@pytest.fixture(scope="module")
def administrator(daemon: Daemon, ground: Path, station: Station, trials: Path) -> Person:
    """Root."""
    return _given(Person(station, ground / "docker-root", pwd.getpwuid(0)), daemon, trials)


@pytest.fixture(scope="module")
def member(daemon: Daemon, ground: Path, station: Station, trials: Path) -> Iterator[Person]:
    """Somebody whose containers are root's, as for members of the group docker."""
    try:
        with boxes.somebody() as who:
            yield _given(Person(station, ground / "docker-user", who), daemon, trials)
    except Lack as lack:
        pytest.skip(str(lack))


def _given(person: Person, daemon: Daemon, trials: Path) -> Person:
    person.env["DOCKER_HOST"] = daemon.address
    person.env["PATH"] = f"{person.station.bin}:{daemon.path}"
    person.ok("add", "collection", str(trials))
    return person


@pytest.fixture(params=["administrator", "member"])
def user(request: pytest.FixtureRequest) -> Person:
    """Each of the two."""
    found: Person = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def nothing_left(daemon: Daemon) -> Iterator[None]:
    yield
    assert daemon.containers() == []


def test_build_and_run(user: Person, daemon: Daemon) -> None:
    out = user.home / "by-docker"
    words = ("--tags=use,tool", "--text=through", f"--output_folder={out}", HOST, *GIVEN)
    told = user.docker(*words)
    assert told["engine"] == "docker"
    assert told["new_env"]["CM_TEXT"] == "through"
    said = out / "said.txt"
    assert said.read_text() == "through\n"
    assert (said.stat().st_uid, said.stat().st_gid) == (user.who.pw_uid, user.who.pw_gid)
    assert (out.stat().st_uid, out.stat().st_gid) == (user.who.pw_uid, user.who.pw_gid)
    images = daemon.images()
    again = user.docker("--tags=use,tool", "--text=again", HOST, *GIVEN)
    assert again["new_env"]["CM_TOOL_MADE"] == told["new_env"]["CM_TOOL_MADE"]
    assert again["built"]["reused"] == again["built"]["steps"]
    assert daemon.images() == images


def test_a_failure_inside_is_ours(member: Person) -> None:
    inside = member.cm("docker", "script", "--tags=use,tool", "--exit=7", HOST, *GIVEN)
    outside = member.cm("run", "script", "--tags=use,tool", "--exit=7", "--quiet")
    assert inside.code == outside.code != 0, inside.text
    assert "no luck today" in inside.out + inside.err


def test_a_container_without_a_network(member: Person) -> None:
    told = member.docker("--tags=use,tool", "--text=alone", "--docker.network=off", *GIVEN)
    assert told["new_env"]["CM_TEXT"] == "alone"


def test_an_image_is_published(member: Person, daemon: Daemon, tmp_path: Path) -> None:
    with registry(daemon, tmp_path) as place:
        target = f"{place}/cm-test/published:1"
        told = member.docker("--tags=use,tool", f"--docker.publish={target}", HOST, *GIVEN)
        must(daemon.docker("rmi", target))
        must(daemon.docker("pull", target))
        pulled = json.loads(must(daemon.docker("inspect", target)).out)[0]["Id"]
        assert pulled == json.loads(must(daemon.docker("inspect", told["image"])).out)[0]["Id"]
        must(daemon.docker("rmi", target))


@contextmanager
def registry(daemon: Daemon, folder: Path) -> Iterator[str]:
    """A registry on the loopback interface: `HOST:PORT`."""
    program = shutil.which("docker-registry", path=daemon.path)
    if not program:
        pytest.skip("no docker-registry on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    about = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": place},
    }
    (folder / "registry.json").write_text(json.dumps(about))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "registry.json")], stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + 30
        while not _answers(place):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield place
    finally:
        process.terminate()
        process.wait(30)


def test_a_token_is_in_no_word(member: Person, daemon: Daemon) -> None:
    token = f"planted{hashlib.sha256(os.urandom(8)).hexdigest()[:24]}"
    asked = ("--tags=use,tool", "--seconds=4", "--docker.secret=CM_TRIAL_TOKEN", HOST, *GIVEN)
    started = member.start("docker", "script", *asked, env={"CM_TRIAL_TOKEN": token})
    try:
        _until(daemon, "Up")
        assert token not in must(daemon.docker("inspect", *daemon.containers())).out
    finally:
        said, _ = started.communicate(timeout=300)
    assert started.returncode == 0, said
    assert hashlib.sha256(token.encode()).hexdigest() in said
    assert token not in said
    for image in daemon.images():
        for words in (("history", "--no-trunc"), ("inspect",)):
            assert token not in must(daemon.docker(*words, image)).out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_stopped_stops_its_container(
    member: Person, daemon: Daemon, number: int
) -> None:
    asked = ("docker", "script", "--tags=use,tool", "--seconds=300", HOST, *GIVEN)
    started = member.start(*asked)
    _until(daemon, "Up")
    started.send_signal(number)
    said, _ = started.communicate(timeout=60)
    assert started.returncode != 0, said


@pytest.mark.parametrize("kind", ["volume", "host"])
def test_what_a_run_adds_is_kept(member: Person, daemon: Daemon, kind: str) -> None:
    words = ("--tags=make,other", f"--docker.cache={kind}", "--new", HOST, *GIVEN)
    made = member.docker(*words)["new_env"]["CM_OTHER_MADE"]
    again = member.docker(*(word for word in words if word != "--new"))
    assert again["new_env"]["CM_OTHER_MADE"] == made
    member.cm("prune", "container")
    assert "cm-cache-" not in must(daemon.docker("volume", "ls", "--quiet")).out


def test_a_detached_container_is_stopped_and_pruned(
    administrator: Person, member: Person, daemon: Daemon
) -> None:
    asked = ("--tags=use,tool", "--seconds=300", "--docker.detached", HOST, *GIVEN)
    name = member.docker(*asked)["container"]
    assert name in member.ok("find", "container")
    member.ok("stop", "container", name)
    assert daemon.containers() == []
    # An image that is there is used by both, and belongs to the one who made it.
    for person in (member, administrator):
        person.ok("prune", "container")
    assert all(name == [BASE] for name in daemon.images().values())


def test_a_program_without_buildx_is_refused_before_it_builds(
    administrator: Person, daemon: Daemon
) -> None:
    own = boxes.which("docker")
    if not own or boxes.call([own, "buildx", "version"]).code == 0:
        pytest.skip("no docker program without buildx on this machine")
    if not must(boxes.call([own, "--version"])).out.split()[2] >= "23":
        pytest.skip("docker's program on this machine brings BuildKit")
    path = f"{administrator.station.bin}:{Path(own).parent}:{daemon.path}"
    said = administrator.refused(
        "docker", "script", "--tags=use,tool", "--docker.rebuild", HOST, *GIVEN, env={"PATH": path}
    )
    assert "buildx is missing" in said


def _answers(place: str) -> bool:
    host, _, port = place.partition(":")
    with socket.socket() as asked:
        return asked.connect_ex((host, int(port))) == 0


def _until(daemon: Daemon, says: str) -> None:
    end = time.monotonic() + 120
    while says not in (told := daemon.docker("ps", "--format", "{{.Status}}").out):
        assert time.monotonic() < end, told
        time.sleep(0.2)
