"""Real podman on ground that it does not like, and as an ordinary user."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from enginestage import (
    DRIVE,
    IMAGE,
    MINE,
    busybox,
    containers,
    context,
    environment,
    storage,
    wait_for,
)

from cm_docker.engines.podman import Podman
from cm_docker.records import Build, Launch
from cmcore.errors import CmError

LOW = resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1048576


def test_low_limits_are_worked_around_and_the_users_settings_stay(
    podman: Podman, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """podman itself would fail here: its limits for containers are above those of the machine."""
    conf = tmp_path / "containers.conf"
    conf.write_text('[containers]\nenv = ["FROM_CONF=kept"]\n')
    environ = {**podman.ctx.environ, "CONTAINERS_CONF": str(conf)}
    engine = Podman(context(environ))
    text = "echo $FROM_CONF; ulimit -n"
    assert engine.run(Launch(IMAGE, ("sh", "-c", text), network="host")).code == 0
    kept, number = capfd.readouterr().out.split()
    assert kept == "kept"
    if LOW:
        assert int(number) <= resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert conf.read_text() == '[containers]\nenv = ["FROM_CONF=kept"]\n'


def test_limits_that_a_user_chose_are_not_replaced(
    podman: Podman, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / "containers.conf"
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=600:700"]\n')
    engine = Podman(context({**podman.ctx.environ, "CONTAINERS_CONF": str(conf)}))
    try:
        engine.run(Launch(IMAGE, ("sh", "-c", "ulimit -n; ulimit -Hn"), network="host"))
    except CmError as error:
        # Half of them chosen, the other half podman's, which this machine refuses.
        assert "the limits that the engine sets" in str(error)  # noqa: PT017
    else:
        assert capfd.readouterr().out.split() == ["600", "700"]


def test_a_program_for_containers_that_does_not_work(podman: Podman, tmp_path: Path) -> None:
    if shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        pytest.skip("no runc here to be used instead")
    broken = tmp_path / "crun"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    conf = tmp_path / "containers.conf"
    conf.write_text(f'[engine]\nruntime = "{broken}"\n')
    engine = Podman(context({**podman.ctx.environ, "CONTAINERS_CONF": str(conf)}))
    assert "runc is used instead" in " ".join(one.text for one in engine.state().problems)
    assert engine.run(Launch(IMAGE, ("sh", "-c", "exit 6"), network="host")).code == 6


def test_a_storage_that_is_full(podman: Podman, place: Path, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root makes a small disk")
    small = tmp_path / "small"
    small.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(small)], capture_output=True
    )
    if made.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        environ = {**podman.ctx.environ, "CONTAINERS_STORAGE_CONF": str(storage(small))}
        engine = Podman(context(environ))
        engine.must("import", "import", str(place / "busybox.tar"), IMAGE)
        file = tmp_path / "Containerfile"
        file.write_text(f"FROM {IMAGE}\nRUN dd if=/dev/zero of=/big bs=1M count=50\n")
        with pytest.raises(CmError, match="the disk is full"):
            engine.build(Build(str(tmp_path), str(file), "localhost/x:1", MINE), lambda _: None)
        assert containers(engine) == ""
    finally:
        subprocess.run(["umount", "-l", str(small / "root" / "overlay")], capture_output=True)
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.fixture
def ordinary(ground: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and variables of an ordinary user who may run containers."""
    if os.geteuid():
        pytest.skip("the caller is an ordinary user; the other tests are about that")
    try:
        lines = Path("/etc/subuid").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[0] for line in lines]
    known = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid}
    name = next((name for name in names if name in known), "")
    if not name:
        pytest.skip("no ordinary user has a range of user ids: useradd someone")
    folder = ground / "ordinary"
    folder.mkdir()
    shutil.chown(folder, name)
    environ = environment(folder)
    packed = busybox(folder)
    # A Python that everybody may read.
    environ["PYTHONPATH"] = os.pathsep.join([*sys.path, sysconfig.get_path("purelib")])
    environ.update(HOME=pwd.getpwnam(name).pw_dir, PATH="/usr/sbin:/usr/bin:/sbin:/bin")
    done = as_user(name, environ, "podman", "import", str(packed), IMAGE)
    if done.returncode:
        pytest.skip(f"{name} cannot use podman: {done.stderr[-300:]}")
    yield name, environ
    as_user(name, environ, "podman", "rm", "--force", "--all")
    as_user(name, environ, "podman", "unshare", "rm", "-rf", str(folder / "root"))
    shutil.rmtree(folder, ignore_errors=True)


def as_user(name: str, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run something as another user."""
    entry = pwd.getpwnam(name)
    return subprocess.run(
        words,
        env=environ,
        cwd="/",
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
    )


def test_an_ordinary_user(ordinary: tuple[str, dict[str, str]], ground: Path) -> None:
    name, environ = ordinary
    python = shutil.which("python3", path=environ["PATH"]) or "python3"
    drive = ground / "ordinary" / "drive.py"
    shutil.copy(DRIVE, drive)

    def driven(*words: str) -> subprocess.CompletedProcess[str]:
        return as_user(name, environ, python, str(drive), *words)

    done = driven("run", "podman", "id -u; exit 9")
    if "ModuleNotFoundError" in done.stderr or "Permission" in done.stderr:
        pytest.skip(f"{name} cannot read this Python: {done.stderr[-200:]}")
    assert "0\ncode=9 note=" in done.stdout, done
    folder = ground / "ordinary" / "context"
    folder.mkdir()
    (folder / "Containerfile").write_text(f"FROM {IMAGE}\nRUN echo {os.urandom(4).hex()} > /x\n")
    assert "steps=2, reused=0" in driven("build", "podman", str(folder)).stdout
    assert "steps=2, reused=2" in driven("build", "podman", str(folder)).stdout
    (folder / "Containerfile").write_text(f"FROM {IMAGE}\nRUN echo begun; sleep 76543\n")
    killed = subprocess.Popen(
        [python, str(drive), "build", "podman", str(folder)],
        env=environ,
        cwd="/",
        user=name,
        group=pwd.getpwnam(name).pw_gid,
        extra_groups=[],
        stdout=subprocess.PIPE,
    )
    assert killed.stdout
    with killed.stdout:
        while b"begun" not in (line := killed.stdout.readline()):
            assert line
        killed.kill()
        killed.wait()
    assert "removed what a build left" in driven("clean", "podman", "").stdout
    assert subprocess.run(["pgrep", "-f", "sleep 76543"], capture_output=True).stdout == b""
    assert as_user(name, environ, "podman", "ps", "-aq", "--external").stdout == ""
    builds = Path(environ["CM_HOME"], "containers", "builds")
    wait_for(lambda: not os.listdir(builds), "the end of the build's folder")
