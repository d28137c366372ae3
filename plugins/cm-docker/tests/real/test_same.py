"""A recipe gives in a container what it gives where everything was installed by hand."""

from __future__ import annotations

from pathlib import Path

import boxed
import pytest
from boxes import TOOLS, Person
from kit import Answer
from real_switch import EVERYTHING

#: Where the same things lie in an image made by cm docker, and in the one made by hand.
PLACES = {
    "/opt/cm/home": "HOME",
    "/opt/cm/venv": "VENV",
    "/opt/native/home": "HOME",
    "/opt/native": "VENV",
}


def _selected() -> list[object]:

    why = "CMCORE_TEST_CONTAINERS=all runs it"
    return [
        pytest.param(
            name,
            marks=[]
            if EVERYTHING or boxed.case(name).quick
            else [pytest.mark.slow, pytest.mark.skip(reason=why)],
        )
        for name in boxed.NAMES
    ]


@pytest.mark.network
@pytest.mark.parametrize("name", _selected())
def test_result_is_that_of_a_native_run(
    name: str,
    registered: Person,
    natives: dict[str, tuple[Answer, Path]],
    inputs: Path,
    cm_root: Path,
    mlc_root: Path,
) -> None:
    native, there = natives[name]
    assert native.code == 0, native.text
    here = registered.work / name.replace("/", "-")
    registered.own(here, 0o755)
    given = [f"--docker.base_image={TOOLS}", "--docker.engine=podman"]
    told = registered.docker(
        *boxed.words(name, inputs, here, boxed=True), *given, cwd=here, timeout=900
    )
    places = {str(cm_root): "CM", str(mlc_root): "MLC", str(there): "WORK", str(here): "WORK"}
    places |= PLACES
    found = {key: told.get(key) or {} for key in ("new_env", "new_state")}
    assert boxed.plain(found, places) == boxed.plain(boxed.answer(native.out), places)
    wanted = boxed.case(name).files
    assert set(boxed.left(here, wanted)) == set(wanted)
    assert boxed.left(here, wanted) == boxed.left(there, wanted)
    owner = {path.stat().st_uid for path in here.rglob("*")}
    assert owner <= {registered.who.pw_uid}
    assert registered.containers() == []
