"""Images are really built: what is counted, what is kept, what a failure says."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from enginestage import ME, MINE, containers

from cm_docker.engine import OWNER
from cm_docker.engines.commandline import MADE
from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman
from cm_docker.records import Build, Built
from cmcore.errors import CmError, NotFoundError

Both = Podman | Docker
TAG = "localhost/cm-test/made:1"
BASE = f"FROM localhost/cm-test/busybox:1\nLABEL {MADE}=cmcore\n"


@pytest.fixture(params=["podman", "docker", "daemon", "plain"])
def engine(request: pytest.FixtureRequest) -> Both:
    """Each builder: podman's, the same behind docker's socket, BuildKit, docker's old one."""
    found: Both = request.getfixturevalue(request.param)
    return found


def of_buildkit(engine: Both) -> bool:
    return isinstance(engine, Docker) and engine.kit()


def build(engine: Both, folder: Path, text: str, **more: object) -> tuple[Built, list[str]]:
    file = folder / "Containerfile"
    file.write_text(text)
    lines: list[str] = []
    wanted = Build(str(folder), str(file), TAG, MINE, "host")._replace(**more)
    return engine.build(wanted, lines.append), lines


@pytest.fixture(autouse=True)
def tidy(engine: Both) -> object:
    yield
    for item in engine.items(ME):
        engine.remove_image(item.name or item.id)
    engine.prune(ME)


def test_layers_are_reused_and_counted(engine: Both, tmp_path: Path) -> None:
    unique = os.urandom(4).hex()
    text = f"{BASE}RUN echo {unique} > /tool\nRUN echo two > /two\nCMD [%s]\n"
    first, lines = build(engine, tmp_path, text % '"a"')
    assert any("two > /two" in line for line in lines)
    # BuildKit tells only of steps that make a layer.
    steps, kept = (2, 2) if of_buildkit(engine) else (5, 3)
    assert (first.steps, first.reused) == (steps, 0 if first.reused == 0 else 1)
    again, _ = build(engine, tmp_path, text % '"a"')
    assert (again.image, again.steps, again.reused) == (first.image, steps, steps)
    option, _ = build(engine, tmp_path, text % '"b"')
    # Only the command and our label behind it are new.
    assert (option.steps, option.reused) == (steps, kept)
    assert option.image != first.image
    anew, _ = build(engine, tmp_path, text % '"a"', rebuild=True)
    assert anew.reused == 0
    assert engine.image(TAG) == anew.image
    assert engine.labels(TAG)[OWNER] == ME


def test_pull_looks_for_no_image_of_this_machine(engine: Both, tmp_path: Path) -> None:
    made, _ = build(engine, tmp_path, f"{BASE}RUN true\n", pull=True)
    assert made.image


def test_a_secret_is_in_no_layer(
    engine: Both, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    secret = f"planted-{os.urandom(8).hex()}"
    (tmp_path / "token").write_text(secret)
    context = tmp_path / "context"
    context.mkdir()
    (context / "file").write_text("content")
    # The test itself must not write it: the digest proves that the step has seen it.
    step = "RUN --mount=type=secret,id=token cat /run/secrets/token | md5sum > /digest\n"
    text = f"{BASE}{step}COPY file /file\nRUN ls -la /run /run/secrets > /left 2>&1; true\n"
    given = {"token": str(tmp_path / "token")}
    if request.node.callspec.params["engine"] == "plain":
        with pytest.raises(CmError, match="cannot give secrets to build steps: buildx is missing"):
            build(engine, context, text, secrets=given)
        return
    _, lines = build(engine, context, text, secrets=given)
    from hashlib import md5

    packed = tmp_path / "image.tar"
    engine.must("save", "save", "--output", str(packed), TAG)
    layers = contents(packed)
    assert md5(secret.encode(), usedforsecurity=False).hexdigest().encode() in layers
    assert secret.encode() not in layers
    assert secret not in "\n".join(lines)
    assert [path.name for path in context.iterdir() if path.name.startswith(".")] == []


def test_a_secret_that_is_not_given(engine: Both, tmp_path: Path) -> None:
    step = "RUN --mount=type=secret,id=token test ! -e /run/secrets/token\n"
    made, _ = build(engine, tmp_path, f"{BASE}{step}COPY Containerfile /copied\n")
    assert made.image


def contents(packed: Path) -> bytes:
    """All bytes of an image: its configuration and its layers, unpacked."""
    import gzip
    import io

    found = b""
    with tarfile.open(packed) as archive:
        for member in archive:
            if file := archive.extractfile(member):
                data = file.read()
                found += gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
                if member.name.endswith("layer.tar"):
                    with tarfile.open(fileobj=io.BytesIO(data)) as layer:
                        found += b"".join(one.name.encode() for one in layer)
    return found


def test_a_step_that_fails(engine: Both, tmp_path: Path) -> None:
    with pytest.raises(CmError) as caught:
        build(engine, tmp_path, f"{BASE}RUN echo the reason >&2; exit 3\n")
    assert caught.value.code == 2
    assert "step `RUN echo the reason >&2; exit 3` ended with code 3" in str(caught.value)
    assert "its last words: the reason" in str(caught.value)
    assert nothing_left(engine)


def test_a_step_of_ours_says_itself_what_failed(engine: Both, tmp_path: Path) -> None:
    with pytest.raises(CmError) as caught:
        build(engine, tmp_path, f"{BASE}RUN echo cm-build: no tool; echo noise; exit 1\n")
    assert caught.value.hint == "no tool"


def test_a_base_image_that_is_not_there(engine: Both, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="the image localhost/none:1 is not on this machine"):
        build(engine, tmp_path, "FROM localhost/none:1\nRUN true\n")
    assert nothing_left(engine)


def test_a_file_that_is_not_there(engine: Both, tmp_path: Path) -> None:
    with pytest.raises(CmError, match=f"{engine.name} cannot build the image {TAG}: .*none"):
        build(engine, tmp_path, f"{BASE}COPY none /\n")
    assert nothing_left(engine)


def test_a_full_disk(engine: Both, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="the disk is full"):
        build(engine, tmp_path, f"{BASE}RUN echo x > /dev/full\n")
    assert nothing_left(engine)


def test_an_image_that_is_not_there_cannot_be_removed(engine: Both) -> None:
    assert engine.image(TAG) == ""
    with pytest.raises(NotFoundError, match="has no image"):
        engine.remove_image(TAG)


def test_an_address_that_does_not_answer(engine: Both, tmp_path: Path) -> None:
    build(engine, tmp_path, f"{BASE}RUN true\n")
    with pytest.raises(CmError, match=f"{engine.name} cannot push"):
        engine.push(TAG, "localhost:1/nobody/made:1", lambda _: None)
    engine.ask("rmi", "localhost:1/nobody/made:1")


def nothing_left(engine: Both) -> bool:
    builds = Path(engine.ctx.paths.home, "containers", "builds")
    return containers(engine) == "" and not (builds.exists() and list(builds.iterdir()))
