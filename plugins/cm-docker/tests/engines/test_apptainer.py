"""apptainer: what its program is asked to do, with a program in its place that writes it down."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from enginestage import ME, MINE, context

from cm_docker.engines.apptainer import Apptainer, arguments
from cm_docker.records import Build, Ended, Launch, Limits, Mount
from cmcore.errors import CmError, NotFoundError

#: Notes its words, its folder and a secret variable's absence; makes the image it is to build.
STAND_IN = f"""#!{sys.executable}
import json, os, sys
words = sys.argv[1:]
if words == ["--version"]:
    print("apptainer version 1.3.4"); sys.exit()
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps([words, os.getcwd()]) + "\\n")
if words[0] == "build":
    print("INFO: Starting build")
    if os.environ.get("FAIL"):
        open(words[-2], "w").close()
        print("FATAL: While performing build: no space left on device")
        sys.exit(255)
    open(words[-2], "w").write("sif")
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    program = tmp_path / "bin" / "apptainer"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CM_HOME": str(tmp_path / "home"),
        "NOTES": str(tmp_path / "notes"),
    }


@pytest.fixture
def engine(environ: dict[str, str]) -> Apptainer:
    return Apptainer(context(environ))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "recipe.def").write_text("Bootstrap: localimage\n")
    secret = tmp_path / "pip.conf"
    secret.write_text("planted")
    return Build(
        str(folder),
        str(folder / "recipe.def"),
        "localhost/local/cm-script-a:1",
        MINE,
        secrets={"pip": str(secret)},
    )


def notes(environ: dict[str, str]) -> list[tuple[list[str], str]]:
    return [json.loads(line) for line in Path(environ["NOTES"]).read_text().splitlines()]


def test_it_is_there(engine: Apptainer) -> None:
    state = engine.state()
    assert (state.usable, state.version, state.problems) == (True, "1.3.4", ())
    assert engine.file_form() == "definition"


def test_an_image_is_a_file(engine: Apptainer, build: Build, environ: dict[str, str]) -> None:
    lines: list[str] = []
    built = engine.build(build, lines.append)
    ((words, cwd),) = notes(environ)
    assert words[:2] == ["build", "--force"]
    assert ("--fakeroot" in words) == bool(os.geteuid())
    assert words[words.index("--bind") + 1] == f"{build.secrets['pip']}:/run/secrets/pip:ro"
    assert words[-1] == build.file
    assert cwd == build.folder
    assert lines == ["INFO: Starting build"]
    assert (built.steps, built.reused) == (1, 0)
    assert Path(built.image).read_text() == "sif"
    assert built.image.endswith(".sif")
    assert engine.image(build.tag) == built.image
    assert dict(engine.labels(build.tag)) == MINE
    (item,) = engine.items(ME)
    assert (item.kind, item.name) == ("image", build.tag)
    assert engine.items("somebody else") == []
    engine.remove_image(build.tag)
    assert engine.image(build.tag) == ""
    assert os.listdir(os.path.dirname(built.image)) == []
    with pytest.raises(NotFoundError):
        engine.remove_image(build.tag)


def test_a_failed_build_leaves_nothing(
    build: Build, environ: dict[str, str], tmp_path: Path
) -> None:
    engine = Apptainer(context({**environ, "FAIL": "1"}))
    with pytest.raises(CmError, match="the disk is full"):
        engine.build(build, lambda _: None)
    assert os.listdir(tmp_path / "home/containers/sif") == []


def test_a_killed_build_is_cleaned_up(engine: Apptainer, tmp_path: Path) -> None:
    folder = tmp_path / "home/containers/sif"
    folder.mkdir(parents=True)
    (folder / ".999999999-abc.building").write_text("half")
    (folder / f".{os.getpid()}-abc.building").write_text("at work")
    assert engine.clean(ME) == ["removed what a build left that was killed"]
    assert os.listdir(folder) == [f".{os.getpid()}-abc.building"]


def test_words_of_a_container(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "token").write_text("planted")
    launch = Launch(
        "x.sif",
        ("cm", "run"),
        mounts=(Mount(str(tmp_path / "in"), "/in"), Mount(str(tmp_path), "/out", True)),
        env={"A": "b c", "LIST": 'x,"y"'},
        secrets={"TOKEN": str(tmp_path / "token")},
        workdir="/out",
        network="off",
        gpus="0,1",
        devices=("/dev/x:/dev/y",),
        limits=Limits("4g", "1.5", "100"),
        user="root",
        extra=("--debug",),
    )
    assert arguments(launch) == [
        *("run", "--containall", "--no-home", "--writable-tmpfs"),
        *("--bind", f"{tmp_path}/in:/in:ro"),
        *("--bind", f"{tmp_path}:/out"),
        *("--bind", f"{tmp_path}/token:/run/secrets/cm/TOKEN:ro"),
        *("--env", "A=b c", "--env", 'LIST="x,""y"""'),
        *("--pwd", "/out", "--net", "--network", "none"),
        *("--nv", "--env", 'CUDA_VISIBLE_DEVICES="0,1"'),
        *("--fakeroot", "--bind", "/dev/x"),
        *("--memory", "4g", "--cpus", "1.5", "--pids-limit", "100", "--debug"),
    ]
    assert "planted" not in " ".join(arguments(launch))
    with pytest.raises(NotFoundError):
        arguments(launch._replace(mounts=(Mount("/does/not/exist", "/x"),)))
    odd = tmp_path / "a:b"
    odd.mkdir()
    with pytest.raises(CmError, match="no path with ':'"):
        arguments(launch._replace(mounts=(Mount(str(odd), "/x"),)))


def test_its_exit_code_is_ours(engine: Apptainer, build: Build, environ: dict[str, str]) -> None:
    with pytest.raises(NotFoundError, match="has no image"):
        engine.run(Launch(build.tag, ("true",)))
    built = engine.build(build, lambda _: None)
    failing = Apptainer(context({**environ, "CODE": "7"}))
    assert failing.run(Launch(build.tag, ("cm", "run"))) == Ended(7)
    assert notes(environ)[-1][0][-3:] == [built.image, "cm", "run"]
    with pytest.raises(CmError, match="no detached containers"):
        engine.run(Launch(build.tag, ("true",), detached=True))


def test_an_old_one_and_none(environ: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "bin" / "apptainer"
    program.write_text("#!/bin/sh\necho singularity version 3.8.7\n")
    state = Apptainer(context(environ)).state()
    assert not state.usable
    assert "singularity 3.8.7 is too old" in state.problems[0].text
    program.unlink()
    state = Apptainer(context({**environ, "PATH": str(tmp_path)})).state()
    assert state.problems[0].text == "apptainer is not installed"
