"""Recipes run natively in a plain container, for comparison with what cm docker makes of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import boxed
import pytest
from boxes import TOOLS, Lack, Person
from kit import Answer, Index, must
from real_switch import AS_ORDINARY, EVERYTHING
from world import add_tiny_wheel

NATIVE = "localhost/cm-test/native:1"


@pytest.fixture(scope="session")
def tools(request: pytest.FixtureRequest) -> Person:
    """The one whose recipes are compared, with the image `TOOLS` in their storage."""
    person: Person = request.getfixturevalue("ordinary" if AS_ORDINARY else "root")
    try:
        person.with_tools()
    except Lack as lack:
        pytest.skip(str(lack))
    return person


@pytest.fixture(scope="session")
def registered(tools: Person, cm_root: Path, mlc_root: Path) -> Person:
    """The same, with both published collections registered."""
    tools.ok("add", "collection", str(cm_root))
    tools.ok("add", "collection", str(mlc_root))
    return tools


@pytest.fixture(scope="session")
def inputs(tools: Person, ground: Path, index: Index) -> Path:
    """Files that recipes read, or write beside; the index gets the library that one installs."""
    add_tiny_wheel(index.folder, ground)
    made = boxed.inputs(ground / "input")
    for path in (made, *made.rglob("*")):
        os.chown(path, tools.who.pw_uid, tools.who.pw_gid)
    return made


@pytest.fixture(scope="session")
def natives(
    tools: Person, cm_root: Path, mlc_root: Path, inputs: Path, ground: Path
) -> dict[str, tuple[Answer, Path]]:
    """What each recipe answers where it is installed by hand: `{name: (answer, its folder)}`."""
    folder = ground / "native"
    tools.own(folder, 0o755)
    names = boxed.NAMES if EVERYTHING else [name for name in boxed.NAMES if boxed.case(name).quick]
    asked = {}
    for name in names:
        work = folder / name
        tools.own(work.parent, 0o755)
        tools.own(work, 0o755)
        asked[name] = (str(work), boxed.words(name, inputs, work))
    (folder / "cases.json").write_text(json.dumps(asked))
    (folder / "driver.py").write_text(boxed.DRIVER)
    (folder / "Containerfile").write_text(
        f"FROM {TOOLS}\nARG INDEX\nENV PATH=/opt/native/bin:$PATH CM_HOME=/opt/native/home\n"
        "RUN python3 -m venv /opt/native && /opt/native/bin/pip install -q --index-url $INDEX "
        "cm-plugin-script cm-plugin-cache\n"
    )
    at = tools.station.index.url
    made = ["build", "--network=host", f"--build-arg=INDEX={at}", "-t", NATIVE]
    must(tools.podman(*made, folder, timeout=600))
    places = [f"--volume={place}:{place}" for place in (folder, inputs, cm_root, mlc_root)]
    script = (
        f"cm add collection {cm_root} && cm add collection {mlc_root} && "
        f"python3 {folder}/driver.py {folder}/cases.json {folder}/answers.json"
    )
    environment = [f"--env=PIP_INDEX_URL={at}", "--env=LANG=C.UTF-8"]
    words = ["run", "--rm", "--network=host", *environment, *places, NATIVE, "sh", "-c", script]
    must(tools.podman(*words, timeout=900))
    answers = json.loads((folder / "answers.json").read_text())
    return {n: (Answer(out, err, code), folder / n) for n, (code, out, err) in answers.items()}
