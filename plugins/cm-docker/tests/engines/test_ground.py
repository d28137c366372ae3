"""What the machine and the user's rights mean for containers."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from cm_docker.engines import ground


def limits(monkeypatch: pytest.MonkeyPatch, rights: bool, files: int, processes: int) -> None:
    table = {resource.RLIMIT_NOFILE: (1024, files), resource.RLIMIT_NPROC: (100, processes)}
    monkeypatch.setattr(resource, "getrlimit", table.__getitem__)
    monkeypatch.setattr(ground, "_has_right", lambda _: rights)
    monkeypatch.setattr(ground, "_number", lambda _: 32768)


def test_low_limits_are_those_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, False, 20000, 96365)
    # podman itself goes down to the highest process number before it starts anything
    assert ground.low_limits() == ["nofile=20000:20000", "nproc=32768:32768"]


def test_limits_are_left_alone_where_they_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, True, 20000, 96365)
    assert ground.low_limits() == []
    limits(monkeypatch, False, 1048576, resource.RLIM_INFINITY)
    assert ground.low_limits() == []


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("[containers]\ndefault_ulimits = []\n", True),
        ('[containers]\n  default_ulimits=["nofile=1:1"]\n', True),
        ("[containers]\n# default_ulimits = []\n", False),
        ('[engine]\nruntime = "runc"\n', False),
    ],
)
def test_limits_that_a_user_chose(tmp_path: Path, text: str, chosen: bool) -> None:
    conf = tmp_path / "containers.conf"
    conf.write_text(text)
    assert ground.limits_chosen({"CONTAINERS_CONF": str(conf)}) is chosen


def test_where_podman_reads_its_settings(tmp_path: Path) -> None:
    more = tmp_path / ".config" / "containers" / "containers.conf.d"
    more.mkdir(parents=True)
    (more / "b.conf").write_text("")
    (more / "a.conf").write_text("")
    found = ground.configurations({"HOME": str(tmp_path)})
    assert found[0] == "/usr/share/containers/containers.conf"
    assert found[-3:] == [
        str(tmp_path / ".config/containers/containers.conf"),
        str(more / "a.conf"),
        str(more / "b.conf"),
    ]
    assert ground.configurations({"CONTAINERS_CONF": "/one"}) == ["/one"]


def test_mixed_cgroups(tmp_path: Path) -> None:
    assert not ground.mixed_cgroups(str(tmp_path))
    (tmp_path / "unified").mkdir()
    controllers = tmp_path / "unified" / "cgroup.controllers"
    controllers.write_text("\n")
    assert not ground.mixed_cgroups(str(tmp_path))
    controllers.write_text("hugetlb\n")
    assert ground.mixed_cgroups(str(tmp_path))


def test_a_run_folder_of_somebody_else_is_left_out(tmp_path: Path) -> None:
    mine = {"XDG_RUNTIME_DIR": str(tmp_path), "A": "b"}
    assert ground.environment(mine) == mine
    assert ground.environment({"XDG_RUNTIME_DIR": str(tmp_path / "none"), "A": "b"}) == {"A": "b"}
    if os.geteuid():
        assert "XDG_RUNTIME_DIR" not in ground.environment({"XDG_RUNTIME_DIR": "/"})
