"""Whatever breaks: one clear sentence, and nothing left behind."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boxes
import pytest
from boxes import BASE, Person, Station

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


ENGINES = ("podman", "docker", "apptainer")


def _clean(person: Person) -> None:
    """No container, no secret, no unfinished build folder is left."""
    assert person.containers() == []
    assert sorted(path.name for path in (person.folder / "tmp").iterdir()) == []
    left = [path for path in person.runtime.rglob("*") if "secret" in path.name]
    assert left == []


def test_no_engine(caller: Person) -> None:
    """Programs of the engines are hidden from one process; a search in the usual places, too."""
    cm = [str(caller.station.bin / "cm"), "docker", "script", "--tags=use,tool"]
    there = [path for name in ENGINES if (path := boxes.which(name))]
    hide = "".join(f"mount --bind /dev/null {path} && " for path in there)
    alone = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'{hide}exec "$@"', "sh"]
    if there and caller.run(*alone, "true").code:
        pytest.skip("programs cannot be hidden here: that needs root and a mount of its own")
    answer = caller.run(*(alone if there else []), *cm)
    assert answer.code != 0, answer.text
    assert "Traceback" not in answer.text, answer.text
    said = answer.err.strip().splitlines()[-1]
    assert said.startswith("cm: error: "), answer.text
    for engine in ENGINES:
        assert engine in answer.err, answer.text
    assert "install" in answer.err, answer.text


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
    said = caller.refused("docker", "script", "--tags=use,broken", *GIVEN)
    assert "break" in said, said
    assert not [names for names in caller.images().values() if "use-broken" in str(names)]
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
    started = caller.start("docker", "script", "--tags=use,slow", *GIVEN)
    _reach(caller, b"sleep\x00600")
    _kill(started)
    caller.ok("docker", "script", "--tags=use,tool", *GIVEN)
    assert _children(caller, "build") == []
    assert not [names for names in caller.images().values() if "use-slow" in str(names)]
    _clean(caller)


def test_killed_while_running(caller: Person) -> None:
    started = caller.start("docker", "script", "--tags=use,tool", "--seconds=600", *GIVEN)
    _reach(caller, b"sleep\x00600")
    assert len(caller.containers()) == 1
    _kill(started)
    caller.ok("docker", "script", "--tags=use,tool", *GIVEN)
    _clean(caller)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_running(caller: Person, number: signal.Signals) -> None:
    started = caller.start("docker", "script", "--tags=use,tool", "--seconds=600", *GIVEN)
    _reach(caller, b"sleep\x00600")
    os.killpg(started.pid, number)
    said, _ = started.communicate(timeout=90)
    assert started.returncode != 0, said
    assert "Traceback" not in said, said
    _clean(caller)


def _reach(person: Person, line: bytes) -> None:
    """Wait until a process with this command line runs in a container."""
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
