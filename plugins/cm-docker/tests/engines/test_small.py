"""Marks of processes, counting of steps, words of mounts and limits, secrets without secrets."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from cm_docker.engines import bound, marks, sifnames, words
from cm_docker.engines.programs import numbers
from cm_docker.engines.steps import Steps
from cm_docker.records import Build
from cmcore.errors import CmError, NotFoundError


def test_a_mark_tells_the_living_from_the_dead() -> None:
    with subprocess.Popen(["sleep", "300"]) as process:
        mark = marks.mark(process.pid)
        assert marks.pid_of(mark) == process.pid
        assert not marks.ended(mark)
        process.kill()
        process.wait()
    assert marks.ended(mark)


def test_a_mark_of_an_earlier_process_of_the_same_number() -> None:
    host, boot, pid, start = marks.mark().split(" ")
    assert not marks.ended(marks.mark())
    assert marks.ended(f"{host} {boot} {pid} {int(start) - 1}")
    assert marks.ended(f"{host} another-boot {pid} {start}")


def test_who_answers_to_a_number() -> None:
    assert marks.answers(os.getpid())
    assert marks.answers(1), "processes of other users are there, too"
    assert not marks.answers(999999999)
    assert not marks.answers(10**20), "a number that no process can have"


def test_nobody_judges_processes_of_other_hosts() -> None:
    assert not marks.ended(f"not-{socket.gethostname()} boot 999999999 1")
    assert not marks.ended("nonsense")
    assert not marks.ended("")


@pytest.mark.parametrize(
    ("text", "steps", "reused"),
    [
        (
            "[1/2] STEP 1/2: FROM x\n[1/2] STEP 2/2: RUN a\n--> Using cache 12\n--> 12\n"
            "[2/2] STEP 1/2: FROM y\n[2/2] STEP 2/2: COPY a b\n--> 34\n",
            2,
            1,
        ),
        (
            "Step 1/3 : FROM x\n ---> 1\nStep 2/3 : RUN a\n ---> Using cache\nStep 3/3 : RUN b\n",
            2,
            1,
        ),
        (
            "#1 [internal] load build definition\n#4 [1/3] FROM x\n#4 CACHED\n#5 [2/3] RUN a\n"
            "#5 CACHED\n#6 [stage-1 3/3] RUN b\n#6 0.1 hello\n#6 DONE 0.2s\n",
            2,
            1,
        ),
        ("noise\nSTEP by step\n", 0, 0),
    ],
)
def test_steps_are_counted(text: str, steps: int, reused: int) -> None:
    seen = Steps()
    for line in text.splitlines():
        seen.see(line)
    assert (seen.steps, seen.reused) == (steps, reused)


def test_mounts(tmp_path: Path) -> None:
    plain, odd, worse = tmp_path / "a,b", tmp_path / "a:b", tmp_path / "a:b,c"
    for path in (plain, odd, worse):
        path.mkdir()
    assert words.mount(str(plain), "/x", False) == ["--volume", f"{plain}:/x:ro"]
    assert words.mount(str(plain), "/x", True) == ["--volume", f"{plain}:/x"]
    assert words.mount(str(odd), "/x", False) == [
        "--mount",
        f"type=bind,source={odd},target=/x,readonly",
    ]
    with pytest.raises(CmError, match="':' and ','"):
        words.mount(str(worse), "/x", False)
    with pytest.raises(NotFoundError, match="does not exist"):
        words.mount(str(tmp_path / "none"), "/x", False)
    with pytest.raises(CmError, match="absolute"):
        words.mount(str(plain), "x", False)


@pytest.mark.parametrize(
    ("text", "value"), [("", 0), ("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)]
)
def test_limits_of_time(text: str, value: float) -> None:
    assert words.seconds(text) == value


@pytest.mark.parametrize("text", ["x", "-1", "0", "5 minutes", "1e20", "nan"])
def test_no_limits_of_time(text: str) -> None:
    with pytest.raises(CmError, match="no limit of time"):
        words.seconds(text)


def test_gpus() -> None:
    assert words.gpu_numbers("all") == ("all",)
    assert words.gpu_numbers("2") == ("0", "1")
    assert words.gpu_numbers("0,2") == ("0", "2")
    assert words.gpu_numbers("1,") == ("1",)


def test_secrets_become_mounts_of_files() -> None:
    text = (
        "FROM x\n"
        "RUN --mount=type=secret,id=pip --mount=type=cache,target=/c a\n"
        "RUN --mount=type=secret,id=ca,target=/etc/ca.pem b\n"
        "RUN --mount=type=secret,id=other c\n"
    )
    assert bound.rewritten(text, ("pip", "ca")) == (
        "FROM x\n"
        "RUN --mount=type=bind,source=.cm-secrets/pip,target=/run/secrets/pip,ro"
        " --mount=type=cache,target=/c a\n"
        "RUN --mount=type=bind,source=.cm-secrets/ca,target=/etc/ca.pem,ro b\n"
        "RUN  c\n"
    )


def test_a_private_context_is_gone_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_text("content")
    (folder / "Containerfile").write_text("RUN --mount=type=secret,id=a x\n")
    (tmp_path / "secret").write_text("planted")
    build = Build(
        str(folder),
        str(folder / "Containerfile"),
        "x:1",
        secrets={"a": str(tmp_path / "secret")},
    )
    with bound.context(build) as changed:
        there = Path(changed.folder)
        assert (there / "sub" / "file").read_text() == "content"
        assert (there / ".cm-secrets" / "a").read_text() == "planted"
        assert "type=bind" in Path(changed.file).read_text()
        assert changed.secrets == {}
        assert there.stat().st_mode & 0o077 == 0
    assert not there.exists()
    assert sorted(os.listdir(folder)) == ["Containerfile", "sub"]


def test_a_private_context_of_a_killed_build_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Containerfile").write_text("FROM x\n")
    with bound.context(Build(str(folder), str(folder / "Containerfile"), "x:1")) as changed:
        assert bound.clean(str(tmp_path)) == []
        left = Path(changed.folder)
        host, boot, pid, start = marks.mark().split(" ")
        (left / ".cm-run").write_text(f"{host} {boot} {pid} {int(start) - 1}")
        assert bound.clean(str(tmp_path)) == ["removed what a build left that was killed"]
        assert not left.exists()
    assert bound.clean(str(tmp_path / "none")) == []


def test_names_of_images_as_files() -> None:
    name = sifnames.file_name("localhost/local/cm-script-a:b-1")
    assert name.startswith("localhost_local_cm-script-a_b-1-")
    assert name.endswith(".sif")
    assert sifnames.file_name("a:b") != sifnames.file_name("a_b")


def test_numbers_of_versions() -> None:
    assert numbers("4.3.1") == (4, 3, 1)
    assert numbers("5.0.0-dev") == (5, 0, 0)
    assert numbers("") == ()
