"""Containers really run: what goes in, what comes out, what stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from enginestage import DRIVE, IMAGE, ME, MINE, containers

from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman
from cm_docker.records import Launch, Limits, Mount
from cmcore.errors import CmError, NotFoundError

Both = Podman | Docker


def shell(text: str, **more: object) -> Launch:
    return Launch(IMAGE, ("sh", "-c", text), network="host", labels=MINE)._replace(**more)


@pytest.mark.parametrize("code", [0, 1, 3, 125, 126, 127, 130, 137, 143, 255])
def test_exit_codes_come_back_exactly(engine: Both, code: int) -> None:
    assert engine.run(shell(f"exit {code}")).code == code
    assert containers(engine) == ""


def test_the_streams_are_the_callers(engine: Both, capfd: pytest.CaptureFixture[str]) -> None:
    engine.run(shell("echo to out; echo to err >&2"))
    out, err = capfd.readouterr()
    assert (out, "to err\n" in err) == ("to out\n", True)


def test_stdout_steps_aside_for_a_document(
    engine: Both, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.ctx.console, "json", True)
    engine.run(shell("echo to out"))
    out, err = capfd.readouterr()
    assert (out, "to out\n" in err) == ("", True)


def test_a_container_sees_what_it_is_given(
    engine: Both, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dict_of(engine), "http_proxy", "http://proxy.invalid:1")
    given, made, odd = tmp_path / "given", tmp_path / "made", tmp_path / "a:b"
    for folder in (given, made, odd):
        folder.mkdir()
    (given / "in").write_text("input")
    (tmp_path / "token").write_text("planted")
    ended = engine.run(
        shell(
            "pwd; cat in; cat /run/secrets/cm/TOKEN; echo x > /made/out; echo no > in; env",
            mounts=(
                Mount(str(given), "/given"),
                Mount(str(made), "/made", True),
                Mount(str(odd), "/odd"),
            ),
            env={"WORD": 'a "b" $c\nd'},
            secrets={"TOKEN": str(tmp_path / "token")},
            workdir="/given",
        )
    )
    out = capfd.readouterr().out
    assert ended.code == 0
    assert out.startswith("/given\ninputplanted")
    assert 'WORD=a "b" $c\nd\n' in out
    assert "proxy.invalid" not in out
    assert (given / "in").read_text() == "input"
    assert (made / "out").stat().st_uid == os.getuid()


def dict_of(engine: Both) -> dict[str, str]:
    environ = engine.ctx.environ
    assert isinstance(environ, dict)
    return environ


def test_network_off(engine: Both, capfd: pytest.CaptureFixture[str]) -> None:
    engine.run(shell("ls /sys/class/net", network="off"))
    assert capfd.readouterr().out.split() in (["lo"], ["lo", "sit0"], ["lo", "tunl0"])


def test_the_user_in_the_container(engine: Both, capfd: pytest.CaptureFixture[str]) -> None:
    engine.run(shell("id -u; id -g", user="1234:1235"))
    assert capfd.readouterr().out.split() == ["1234", "1235"]


def test_resource_limits(engine: Both, capfd: pytest.CaptureFixture[str]) -> None:
    if engine.state().rootless:
        pytest.skip("limits are for root here")
    ended = engine.run(
        shell("dd if=/dev/zero of=/dev/null bs=200M count=1", limits=Limits(memory="20m"))
    )
    assert ended.code == 137
    assert "memory limit of 20m" in ended.note
    engine.run(shell("df -k /dev/shm | tail -1", limits=Limits(shm_size="7m")))
    assert "7168" in capfd.readouterr().out


def test_a_limit_of_time(engine: Both) -> None:
    ended = engine.run(shell("sleep 300", limits=Limits(timeout="2s")))
    assert (ended.code, ended.note) == (124, "stopped after its time limit of 2s")
    assert containers(engine) == ""


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("no-such-program",), 127, "the image has no program no-such-program"),
        (("/etc/notes",), 126, "the program /etc/notes in the image cannot be executed"),
    ],
)
def test_a_command_that_cannot_be_started(
    engine: Both, command: tuple[str, ...], code: int, said: str
) -> None:
    with pytest.raises(CmError, match=said) as caught:
        engine.run(Launch(IMAGE, command, network="host"))
    assert caught.value.code == code
    assert containers(engine) == ""


def test_what_is_not_there(engine: Both, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"{engine.name} has no image localhost/none:1"):
        engine.run(Launch("localhost/none:1", ("true",)))
    with pytest.raises(NotFoundError, match="to be mounted does not exist"):
        engine.run(shell("true", mounts=(Mount(str(tmp_path / "none"), "/x"),)))
    assert containers(engine) == ""
    assert not (tmp_path / "none").exists()


def test_gpus_that_are_not_there_are_no_silence(engine: Both) -> None:
    if os.path.exists("/etc/cdi") or os.path.exists("/var/run/cdi"):
        pytest.skip("this machine has GPUs for containers")
    with pytest.raises(CmError, match="GPUs to containers"):
        engine.run(shell("true", gpus="all"))


def test_a_detached_container_outlives_its_command(podman: Podman) -> None:
    words = [sys.executable, str(DRIVE), "detach", "podman", "sleep 300"]
    subprocess.run(words, env=dict(podman.ctx.environ), check=True)
    try:
        assert podman.clean(ME) == []
        assert [item.state for item in podman.items(ME)] == ["running"]
    finally:
        podman.ask("rm", "--force", "--all")


def test_a_detached_container(engine: Both) -> None:
    ended = engine.run(shell("sleep 300", detached=True, name="cm-test-away"))
    try:
        assert ended == (0, "cm-test-away", "")
        (item,) = (one for one in engine.items(ME) if one.kind == "container")
        assert (item.name, item.state) == ("cm-test-away", "running")
        assert engine.clean(ME) == []
        with pytest.raises(CmError, match="there is a container cm-test-away already"):
            engine.run(shell("true", name="cm-test-away"))
        # The other one is not ours to remove.
        assert len(engine.items(ME)) == 1
    finally:
        engine.ask("kill", "cm-test-away")
        engine.stop("cm-test-away")
    assert containers(engine) == ""


@pytest.mark.parametrize("name", ["podman", "docker", "daemon"])
def test_input_reaches_an_interactive_container(name: str, request: pytest.FixtureRequest) -> None:
    engine: Both = request.getfixturevalue(name)
    done = subprocess.run(
        [sys.executable, str(DRIVE), "interact", name, "read a; echo got $a; exit 4"],
        input="hello\n",
        env=dict(engine.ctx.environ),
        capture_output=True,
        text=True,
    )
    assert "got hello" in done.stdout
    assert "code=4" in done.stdout


def test_without_interaction_there_is_no_input(podman: Podman) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVE), "run", "podman", "cat; echo end"],
        input="hello\n",
        env=dict(podman.ctx.environ),
        capture_output=True,
        text=True,
    )
    assert "hello" not in done.stdout
    assert "end\n" in done.stdout


@pytest.mark.parametrize("name", ["podman", "daemon"])
def test_a_terminal_reaches_the_container(name: str, request: pytest.FixtureRequest) -> None:
    import pty

    engine: Both = request.getfixturevalue(name)

    ours, theirs = pty.openpty()
    words = [sys.executable, str(DRIVE), "interact", name, "test -t 0 && read a; echo -$a-"]
    with subprocess.Popen(
        words,
        env=dict(engine.ctx.environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: _control(theirs),
    ) as process:
        os.close(theirs)
        os.write(ours, b"typed\n")
        told = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            told += part
        os.close(ours)
        process.wait(60)
    assert b"-typed-" in told
    assert b"code=0" in told
    assert containers(engine) == ""


def _control(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("name", ["podman", "daemon"])
def test_many_at_once(name: str, request: pytest.FixtureRequest) -> None:
    engine: Both = request.getfixturevalue(name)
    words = [sys.executable, str(DRIVE), "run", name]
    running = [
        subprocess.Popen(
            [*words, f"exit {code}"],
            env=dict(engine.ctx.environ),
            stdout=subprocess.PIPE,
            text=True,
        )
        for code in range(20, 24)
    ]
    ends = [process.communicate()[0] for process in running]
    assert ends == [f"code={code} note=\n" for code in range(20, 24)]
    assert containers(engine) == ""
