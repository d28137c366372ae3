"""`cm find|stop|prune container`, through the hooks of an installed plugin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from enginestage import IMAGE, Driven, containers, wait_for

from cm_docker import owner
from cm_docker.engines import manage
from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman
from cm_docker.records import Build, Launch
from cmcore.context import Context
from cmcore.errors import NotFoundError, UsageError
from cmcore.types import Request

Both = Podman | Docker


@pytest.fixture
def ctx(engine: Both, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A context in which the engine is the only one."""
    monkeypatch.setattr("cm_docker.engines.choose.engines", lambda ctx: [engine])
    return engine.ctx


@pytest.fixture
def made(engine: Both, ctx: Context, tmp_path: Path) -> str:
    """An image of this home, and two containers: one that runs, one that has ended."""
    (tmp_path / "Containerfile").write_text(
        f"FROM {IMAGE}\nLABEL org.cmcore.made=cmcore\nRUN echo {os.urandom(4).hex()} > /x\n"
    )
    labels = owner.labels(ctx)
    tag = "localhost/cm-test/managed:1"
    engine.build(
        Build(str(tmp_path), str(tmp_path / "Containerfile"), tag, labels, "host"), lambda _: None
    )
    for name, text in (("cm-test-runs", "sleep 300"), ("cm-test-over", "exit 3")):
        launch = Launch(tag, ("sh", "-c", text), network="host", labels=labels)
        engine.run(launch._replace(name=name, detached=True))
    wait_for(lambda: "exited 3" in [item.state for item in engine.items(owner.owner(ctx))], "it")
    return tag


def test_what_is_there_is_found_stopped_and_pruned(engine: Both, ctx: Context, made: str) -> None:
    found = manage.search(ctx, Request("search", "container")).data["containers"]
    kinds = sorted((one["kind"], one["name"], one["state"]) for one in found)
    assert kinds == [
        ("container", "cm-test-over", "exited 3"),
        ("container", "cm-test-runs", "running"),
        ("image", made, ""),
    ]
    only = manage.search(ctx, Request("search", "container", ("*runs",))).data["containers"]
    assert [one["name"] for one in only] == ["cm-test-runs"]

    folder = Path(ctx.paths.home, "containers", "0123abcd")
    folder.mkdir(parents=True)
    (folder / "Containerfile").write_text("FROM x\n")
    dry = manage.prune(ctx, Request("prune", "container", flags={"dry_run": True}))
    assert "container cm-test-over" in dry.data["removed"]
    assert folder.exists()
    assert len(manage.search(ctx, Request("search", "container")).data["containers"]) == 3

    first = manage.prune(ctx, Request("prune", "container"))
    assert "container cm-test-over" in first.data["removed"]
    assert not folder.exists()
    # What runs stays, and what it runs from.
    assert any("cm stop container cm-test-runs" in text for text in first.data["kept"])
    left = manage.search(ctx, Request("search", "container")).data["containers"]
    assert sorted(one["name"] for one in left) == ["cm-test-runs", made]

    engine.ask("kill", "cm-test-runs")  # the shell as first process ignores the polite signal
    stopped = manage.stop(ctx, Request("stop", "container", ("cm-test-runs",)))
    assert stopped.data == {"stopped": ["cm-test-runs"]}
    last = manage.prune(ctx, Request("prune", "container"))
    assert f"image {made}" in last.data["removed"]
    assert manage.search(ctx, Request("search", "container")).data["containers"] == []
    assert containers(engine) == ""
    assert engine.image(IMAGE)


def test_a_container_that_is_not_there(ctx: Context) -> None:
    with pytest.raises(UsageError, match="which container"):
        manage.stop(ctx, Request("stop", "container"))
    with pytest.raises(NotFoundError, match="there is no container nope; there are: none"):
        manage.stop(ctx, Request("stop", "container", ("nope",)))


def test_a_folder_that_is_built_from_stays(podman: Podman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cm_docker.engines.choose.engines", lambda ctx: [podman])
    folder = Path(podman.ctx.paths.home, "containers", "feed")
    folder.mkdir(parents=True)
    (folder / "Containerfile").write_text(f"FROM {IMAGE}\nRUN echo begun; sleep 4\n")
    driven = Driven(dict(podman.ctx.environ), "build", "podman", str(folder))
    driven.until("begun")
    manage.prune(podman.ctx, Request("prune", "container"))
    assert folder.exists()
    assert "Built(" in driven.end()
    manage.prune(podman.ctx, Request("prune", "container"))
    assert not folder.exists()
    podman.remove_image("localhost/cm-test/slow:1")
