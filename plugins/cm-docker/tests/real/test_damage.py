"""Whatever breaks: one clear sentence, and nothing left behind."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boxes
import pytest
from boxes import BASE, Person, Station

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


def _clean(person: Person) -> None:
    """No container, no secret, no unfinished build folder is left."""
    assert person.containers() == []
    assert sorted(path.name for path in (person.folder / "tmp").iterdir()) == []
    left = [path for path in person.runtime.rglob("*") if "secret" in path.name]
    assert left == []


def test_no_engine(caller: Person) -> None:
    said = caller.refused(
        "docker", "script", "--tags=use,tool", env={"PATH": str(caller.station.bin)}
    )
    for engine in ("podman", "docker", "apptainer"):
        assert engine in said, said
    assert "install" in said


def test_dead_daemon(caller: Person) -> None:
    env = {"DOCKER_HOST": f"unix://{caller.folder}/nobody.sock"}
    words = ("--tags=use,tool", f"--docker.base_image={BASE}", "--docker.engine=docker")
    said = caller.refused("docker", "script", *words, env=env)
    assert "docker" in said, said


def test_no_such_base(caller: Person) -> None:
    words = ("--tags=use,tool", "--docker.base_image=localhost/no-such/base:9", "--quiet")
    said = caller.refused("docker", "script", *words, "--docker.engine=podman")
    assert "localhost/no-such/base:9" in said, said
    _clean(caller)


def test_a_build_step_fails(caller: Person) -> None:
    images = caller.images()
    said = caller.refused("docker", "script", "--tags=use,broken", *GIVEN)
    assert "break" in said, said
    assert not [names for key, names in caller.images().items() if key not in images and names]
    _clean(caller)


def test_no_such_mount(caller: Person) -> None:
    words = ("--tags=use,tool", *GIVEN, "--docker.mount=/no/such/folder:/data")
    said = caller.refused("docker", "script", *words)
    assert "/no/such/folder" in said, said
    _clean(caller)


def _kill(started: subprocess.Popen[str]) -> None:
    os.kill(started.pid, signal.SIGKILL)
    started.wait(60)
    assert started.stdout
    # Children that live on hold the pipe: it is closed here, not read to its end.
    started.stdout.close()


def _children(person: Person, word: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                block = (entry / "environ").read_bytes()
            except OSError:
                continue
            if word.encode() in line and str(person.folder).encode() in block + line:
                found.append(int(entry.name))
    return found


def test_killed_while_building(caller: Person) -> None:
    images = caller.images()
    started = caller.start("docker", "script", "--tags=use,slow", *GIVEN)
    caller.waits_for("ps", "-a", "--external", "--format", "{{.ID}}", says="\n")
    _reach(caller, b"sleep\x00600")
    _kill(started)
    caller.ok("docker", "script", "--tags=use,tool", *GIVEN)
    assert _children(caller, "build") == []
    assert not [names for key, names in caller.images().items() if key not in images and names]
    _clean(caller)


def test_killed_while_running(caller: Person) -> None:
    started = caller.start("docker", "script", "--tags=wait,long", *GIVEN)
    _reach(caller, b"sleep\x00600")
    assert len(caller.containers()) == 1
    _kill(started)
    caller.ok("docker", "script", "--tags=use,tool", *GIVEN)
    _clean(caller)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_running(caller: Person, number: signal.Signals) -> None:
    started = caller.start("docker", "script", "--tags=wait,long", *GIVEN)
    _reach(caller, b"sleep\x00600")
    os.killpg(started.pid, number)
    said, _ = started.communicate(timeout=90)
    assert started.returncode != 0, said
    assert "Traceback" not in said, said
    _clean(caller)


def _reach(person: Person, line: bytes) -> None:
    """Wait until a process with this command line runs in a container."""
    import time

    end = time.monotonic() + 240
    while time.monotonic() < end:
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and line in (entry / "cmdline").read_bytes():
                    return
            except OSError:
                continue
        time.sleep(0.2)
    raise AssertionError(f"{line!r} never ran")


@pytest.fixture
def small(caller: Person, station: Station, ground: Path, trials: Path) -> Iterator[Person]:
    """A user whose container storage has room for the base and little more."""
    if os.geteuid():
        pytest.skip("a small file system is made by root")
    person = Person(station, ground / "small", pwd.getpwuid(os.geteuid()))
    images = person.folder / "images"
    images.mkdir()
    size = boxes.base_tar().stat().st_size // 2**20 + 50
    done = boxes.call(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", images])
    if done.code:
        pytest.skip(f"no file system can be mounted: {boxes.last(done)}")
    try:
        person.prepare()
        person.ok("add", "collection", str(trials))
        yield person
    except boxes.Lack as lack:
        pytest.skip(str(lack))
    finally:
        person.close()


def test_disk_full(small: Person) -> None:
    said = small.refused("docker", "script", "--tags=use,tool", *GIVEN, timeout=300)
    assert "no space left" in said.lower() or "full" in said.lower(), said
    _clean(small)
