"""MLPerf's main job in a container: the same measurement, its results on the host."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boxes
import pytest
from boxes import BASE, Person, Station
from kit import CHECKOUT, Index, build_wheel, must, run
from real_switch import EVERYTHING

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(not EVERYTHING, reason="CMCORE_TEST_CONTAINERS=all runs it"),
]
JOB = ("run-mlperf inference", "--model=digits", "--execution_mode=test", "--scenario=Offline")
GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


@pytest.fixture(scope="module")
def measurer(ground: Path, index: Index) -> Iterator[Person]:
    """Somebody with the MLPerf package; its libraries come from the package registry once."""
    import os
    import pwd

    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    fetch += ["--disable-pip-version-check", f"--dest={index.folder}", "--python-version=3.11"]
    fetch += [f"--platform={kind}_{platform.machine()}" for kind in ("manylinux_2_28",)]
    fetch += [f"--platform=manylinux2014_{platform.machine()}"]
    wheel = build_wheel(CHECKOUT / "plugins/cm-mlperf", index.folder)
    # Wheels of the others are in the index folder already.
    must(run([*fetch, f"--find-links={index.folder}", str(wheel)], timeout=900))
    try:
        station = Station(ground / "measuring", index, "cm-plugin-docker", "cm-plugin-mlperf")
        person = Person(station, ground / "measurer", pwd.getpwuid(os.geteuid()))
        person.prepare()
    except boxes.Lack as lack:
        pytest.skip(str(lack))
    yield person
    person.close()


def test_the_main_job(measurer: Person) -> None:
    outside, inside = measurer.work / "native", measurer.work / "container"
    must(measurer.cm("run", "script", *JOB, f"--output_dir={outside}", "--quiet", timeout=900))
    words = (*JOB, f"--output_dir={inside}", *GIVEN)
    told = measurer.docker(*words, timeout=1800)
    assert told["engine"] == "podman"
    assert _names(inside) == _names(outside)
    # How fast it was differs; what was asked and how well it answered does not.
    for found, wanted in zip(_results(inside), _results(outside), strict=True):
        accuracy = [{**result["accuracy"], "wall_s": 0} for result in (found, wanted)]
        assert accuracy[0] == accuracy[1]
    assert {path.stat().st_uid for path in inside.rglob("*")} == {measurer.who.pw_uid}
    images = measurer.images()
    again = measurer.docker(*words[:-1], "--docker.memory=4g", "--rerun", "--quiet", timeout=900)
    assert again["built"]["reused"] == again["built"]["steps"]
    assert measurer.images() == images
    assert measurer.containers() == []


def _names(folder: Path) -> list[str]:
    """Files, without the name of the machine, which is another one inside."""
    found = set()
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not parts[0].startswith("."):
            found.add("/".join(p for i, p in enumerate(parts) if i != 1 or len(parts) == 2))
    return sorted(found)


def _results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("cm-result.json"))]
