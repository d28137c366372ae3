"""Which engine is taken, and what is said when none can be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from enginestage import context

from cm_docker.engine import Engine
from cm_docker.engines import builtin, choose, health
from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman
from cm_docker.records import Launch, Problem, State
from cmcore.context import Context
from cmcore.errors import CmError, UsageError

CLOSED = Problem("its door is closed", "open the door")
WORKED_AROUND = Problem("its door squeaks", "oil it", fatal=False)


class Toy(Engine):
    """An engine of which only the state matters."""

    def __init__(self, name: str, rank: int, *problems: Problem) -> None:
        self.name, self.rank, self.problems = name, rank, problems
        self.looked = 0

    def state(self) -> State:
        self.looked += 1
        return State(not any(one.fatal for one in self.problems), "1", True, self.problems)

    def build(self, *_: object) -> object:  # type: ignore[override]
        raise NotImplementedError

    image = labels = run = clean = remove_image = push = build  # type: ignore[assignment]


class Manager:
    def __init__(self, *engines: object) -> None:
        self.found = list(engines)

    def container_engines(self, ctx: Context) -> list[object]:
        return self.found


def ctx_with(*engines: object) -> Context:
    ctx = context({})
    ctx._manager = Manager(*engines)  # type: ignore[assignment]
    return ctx


def test_the_first_that_works_by_rank() -> None:
    last, first, broken = Toy("c", 30), Toy("b", 20, WORKED_AROUND), Toy("a", 10, CLOSED)
    ctx = ctx_with(last, first, broken, "no engine at all")
    assert choose.choose(ctx) is first
    assert choose.choose(ctx, "auto") is first
    assert choose.choose(ctx, "c") is last
    assert [engine.name for engine in choose.engines(ctx)] == ["a", "b", "c"]


def test_the_one_that_was_asked_for_says_why_not() -> None:
    ctx = ctx_with(Toy("podman", 10, CLOSED), Toy("docker", 20))
    with pytest.raises(CmError) as caught:
        choose.choose(ctx, "podman")
    assert str(caught.value) == "podman cannot be used: its door is closed; open the door"


def test_none_works() -> None:
    away = Problem("podman is not installed", "install podman")
    ctx = ctx_with(Toy("podman", 10, away), Toy("docker", 20, WORKED_AROUND, CLOSED))
    with pytest.raises(CmError) as caught:
        choose.choose(ctx)
    assert str(caught.value) == (
        "no container engine can be used (podman: podman is not installed; docker: its door is"
        " closed); docker: open the door"
    )


def test_a_name_that_no_engine_has() -> None:
    with pytest.raises(UsageError, match="no container engine 'podmann'; did you mean podman"):
        choose.choose(ctx_with(Toy("podman", 10)), "podmann")


def test_what_is_worked_around_is_a_detail(capsys: pytest.CaptureFixture[str]) -> None:
    ctx = ctx_with(Toy("podman", 10, WORKED_AROUND))
    ctx.console.verbosity = 0
    choose.choose(ctx)
    assert capsys.readouterr().err == ""
    ctx.console.verbosity = 1
    choose.choose(ctx)
    assert capsys.readouterr().err == "podman: its door squeaks (oil it)\n"


def test_lines_of_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Toy("podman", 10, WORKED_AROUND), Toy("docker", 20, CLOSED)]
    monkeypatch.setattr(builtin, "engines", lambda ctx: found)
    well, other = health.checks(context({}))
    assert (well.name, well.ok, well.detail) == (
        "containers: podman",
        True,
        "1, rootless; its door squeaks",
    )
    # Nobody needs two.
    assert (other.ok, other.detail, other.hint) == (True, "its door is closed", "open the door")
    found.pop(0)
    (alone,) = health.checks(context({}))
    assert not alone.ok


def stand_in(folder: Path, name: str, text: str) -> dict[str, str]:
    """Variables with a program of that name that does what a shell text says."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "CM_HOME": str(folder / "h")}


def problems_of(engine: Engine) -> list[str]:
    return [problem.text for problem in engine.state().problems]


INFO = """cat <<'END'
{"host": {"security": {"rootless": %s}, "idMappings": {"uidmap": [{"size": 1}, {"size": %d}]},
 "ociRuntime": {"name": "%s"}, "cgroupVersion": "v1"},
 "store": {"graphDriverName": "overlay"}, "version": {"Version": "%s"}}
END"""


def test_podman_of_a_user_without_ranges(tmp_path: Path) -> None:
    engine = Podman(context(stand_in(tmp_path, "podman", INFO % ("true", 0, "runc", "4.3.1"))))
    assert not engine.state().usable
    assert "/etc/subuid" in problems_of(engine)[0]
    assert "usermod --add-subuids" in engine.state().problems[0].remedy


def test_podman_that_is_too_old(tmp_path: Path) -> None:
    engine = Podman(context(stand_in(tmp_path, "podman", INFO % ("true", 65536, "runc", "2.1.0"))))
    assert "podman 2.1.0 is too old: its builds know no secrets" in problems_of(engine)
    assert not engine.state().usable


def test_crun_on_a_mixed_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cm_docker.engines import ground, programs

    environ = stand_in(tmp_path, "podman", INFO % ("true", 65536, "crun", "4.3.1"))
    monkeypatch.setattr(ground, "mixed_cgroups", lambda: True)
    known = {"podman": str(tmp_path / "podman"), "runc": "/x/runc"}
    monkeypatch.setattr(programs, "find", lambda name, _: known.get(name, ""))
    engine = Podman(context(environ))
    assert engine.state().usable
    assert engine.words("ps")[1:] == ["--runtime", "/x/runc", "ps"]
    del known["runc"]
    engine = Podman(context(environ))
    assert not engine.state().usable
    assert "runc" in engine.state().problems[0].remedy


def test_a_program_that_does_not_start_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cm_docker.engines import programs

    text = (INFO % ("true", 65536, "crun", "4.3.1")).replace('{"name": "crun"}', "null")
    environ = stand_in(tmp_path, "podman", text)
    known = {"podman": str(tmp_path / "podman"), "runc": "/x/runc"}
    monkeypatch.setattr(programs, "find", lambda name, _: known.get(name, ""))
    assert Podman(context(environ)).state().usable
    del known["runc"]
    engine = Podman(context(environ))
    assert problems_of(engine)[0] == "the program that starts podman's containers does not work"
    assert not engine.state().usable


def test_rootless_without_a_tunnel_shares_the_hosts_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cm_docker.engines import ground

    environ = stand_in(tmp_path, "podman", INFO % ("true", 65536, "runc", "4.3.1"))
    monkeypatch.setattr(ground, "can_tunnel", lambda: False)
    engine = Podman(context(environ))
    engine.ctx.console.verbosity = 0
    assert engine.state().usable
    launch = engine.adapted(Launch("x", ("y",)))
    assert launch.network == "host"
    assert engine.adapted(Launch("x", ("y",), network="off")).network == "off"
    engine.adapted(launch._replace(network="on"))
    err = capsys.readouterr().err
    assert err.count("/dev/net/tun is closed to this user") == 1


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("", []),
        ("root", ["--user", "root"]),
        ("0:0", ["--user", "0:0"]),
        ("1234:55", ["--userns", "keep-id:uid=1234,gid=55", "--user", "1234:55"]),
        ("ME", ["--userns", "keep-id", "--user", "ME"]),
    ],
)
def test_users_of_rootless_containers(tmp_path: Path, user: str, words: list[str]) -> None:
    engine = Podman(context(stand_in(tmp_path, "podman", INFO % ("true", 65536, "runc", "4.3.1"))))
    if user == "ME":
        if not os.getuid():
            pytest.skip("root is root")
        user = f"{os.getuid()}:{os.getgid()}"
        words = [*words[:-1], user]
    engine.state()
    assert engine._user(user, True) == words


def docker_says(version: Mapping[str, object], info: str = "{}") -> str:
    import json

    return (
        f"case $1 in version) echo '{json.dumps(version)}';; info) echo '{info}';;"
        ' buildx) [ -n "$KIT" ];; *) exit 9;; esac'
    )


REAL = {
    "Client": {"Version": "28.2.2"},
    "Server": {"Version": "28.2.2", "ApiVersion": "1.50", "Components": [{"Name": "Engine"}]},
}


def test_docker_with_and_without_buildx(tmp_path: Path) -> None:
    environ = stand_in(tmp_path, "docker", docker_says(REAL))
    engine = Docker(context(environ))
    assert engine.state().usable
    assert problems_of(engine) == [
        "docker's buildx is missing, so its builds cannot be given secrets"
    ]
    assert Docker(context({**environ, "KIT": "1"})).state().problems == ()


def test_docker_before_buildx_was_needed(tmp_path: Path) -> None:
    older = {**REAL, "Client": {"Version": "20.10.24"}}
    engine = Docker(context(stand_in(tmp_path, "docker", docker_says(older))))
    assert engine.state().problems == ()
    assert engine.kit()


def test_docker_that_is_too_old(tmp_path: Path) -> None:
    old = {"Client": {"Version": "18.09"}, "Server": {"Version": "18.09", "ApiVersion": "1.39"}}
    engine = Docker(context(stand_in(tmp_path, "docker", docker_says(old))))
    assert problems_of(engine) == ["docker 18.09 is too old"]
    assert not engine.state().usable


def test_docker_on_another_machine(tmp_path: Path) -> None:
    environ = stand_in(tmp_path, "docker", docker_says(REAL))
    engine = Docker(context({**environ, "DOCKER_HOST": "ssh://me@far.example"}))
    assert not engine.state().usable
    assert "another machine (me@far.example)" in problems_of(engine)[0]
    near = Docker(context({**environ, "DOCKER_HOST": "tcp://localhost:2375"}))
    assert near.state().usable


def test_docker_that_is_podman(tmp_path: Path) -> None:
    said = "echo 'Emulate Docker CLI using podman.' >&2; echo 'Client: Podman Engine'"
    engine = Docker(context(stand_in(tmp_path, "docker", said)))
    assert problems_of(engine) == ["the program docker is podman's stand-in"]


def test_docker_without_a_daemon(tmp_path: Path) -> None:
    said = (
        "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?'"
        ' >&2; echo \'{"Client": {}, "Server": null}\'; exit 1'
    )
    engine = Docker(context(stand_in(tmp_path, "docker", said)))
    assert problems_of(engine) == ["docker's daemon does not run"]


def test_what_docker_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Docker(context(stand_in(tmp_path, "docker", docker_says(REAL))))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "getgid", lambda: 1001)
    launch = Launch("x", ("y",), gpus="0,1", network="off")
    assert engine.placing(launch) == [
        *("--network", "none", "--user", "1000:1001", "--gpus", '"device=0,1"')
    ]
    assert "--user" not in Docker(
        context(
            stand_in(
                tmp_path, "docker", docker_says(REAL, '{"SecurityOptions": ["name=rootless"]}')
            )
        )
    ).placing(Launch("x", ("y",)))
    from cm_docker.records import Build, Limits

    with pytest.raises(CmError, match="limit the time of a detached"):
        engine.placing(Launch("x", ("y",), detached=True, limits=Limits(timeout="5")))
    with pytest.raises(CmError, match="cannot give secrets to build steps: buildx is missing"):
        engine.build(Build("/x", "/x/y", "z", secrets={"a": "/b"}), lambda _: None)
