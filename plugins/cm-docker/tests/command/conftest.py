"""A home of its own, two recipes, and an engine that runs commands on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cm_docker.engine import Engine
from cm_docker.records import Build, Built, Ended, Launch, State
from cmcore.console import Console
from cmcore.context import Context
from cmcore.errors import CmError
from cmcore.grammar import from_dict
from cmcore.types import Result

_META = """
alias: {name}
uid: "{uid}"
automation_alias: script
automation_uid: 5b4e0237da074764
tags: [{tags}]
"""
_PROBE = """
input_mapping:
  input: CM_PROBE_INPUT
  results_dir: CM_PROBE_RESULTS_DIR
  data_path: CM_PROBE_DATA_PATH
  text: CM_PROBE_TEXT
  gh_token: CM_PROBE_TOKEN
new_env_keys: [CM_PROBE_*]
docker:
  mounts: ["${{ CM_PROBE_DATA_PATH }}:/data/in"]
  pre_run_cmds: ["cm pull repo", "true"]
variations:
  not-here: {docker: {run: false}}
  odd: {docker: {shm_size: lots}}
"""

_USER = """
docker:
  deps: [{tags: "get,data"}]
  mounts: ["${{ CM_DATA_PATH }}:${{ CM_DATA_PATH }}"]
"""


class Stage(Engine):
    """Notes what it is asked, and says what it is told to.

    Attributes:
        launches: containers that it was to run.
        builds: images that it was to build.
        fails: raised by the next build.
        code: exit code of its containers.
        acts: called with a launch while the container "runs".
    """

    name = "stage"
    rank = 1

    def __init__(self) -> None:
        self.launches: list[Launch] = []
        self.builds: list[Build] = []
        self.images: dict[str, dict[str, str]] = {}
        self.pushed: list[tuple[str, str]] = []
        self.fails: BaseException | None = None
        self.code = 0
        self.acts: Any = lambda launch: None

    def state(self) -> State:
        return State(True, "1")

    def build(self, build: Build, tell: Any) -> Built:
        tell("STEP 1/2: FROM x")
        tell("cm-build: something")
        if self.fails:
            raise self.fails
        self.builds.append(build)
        self.images[build.tag] = dict(build.labels)
        return Built("id-" + build.tag, 2, 1)

    def image(self, reference: str) -> str:
        return "id-" + reference if reference in self.images else ""

    def labels(self, reference: str) -> dict[str, str]:
        return self.images[reference]

    def run(self, launch: Launch) -> Ended:
        self.launches.append(launch)
        self.acts(launch)
        return Ended(self.code)

    def clean(self, owner: str) -> list[str]:
        return []

    def remove_image(self, reference: str) -> None:
        del self.images[reference]

    def push(self, reference: str, target: str, tell: Any) -> None:
        self.pushed.append((reference, target))


class Desk:
    """One user with a home, a folder to work in, and the stage as the only engine."""

    def __init__(self, root: Path, stage: Stage) -> None:
        self.root = root
        self.stage = stage
        self.home = root / "home"
        self.runtime = root / "runtime"
        self.environ = {
            **{k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")},
            "CM_HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }

    def ask(self, *words: str, action: str = "docker", **flags: Any) -> Result:
        """One request, as from Python."""
        console = Console(verbosity=-1, interactive=False)
        given = {"action": action, "automation": "script", "artifacts": list(words), **flags}
        with Context(environ=self.environ, console=console) as ctx:
            return ctx.call(from_dict(given).request)

    def fails(self, *words: str, **flags: Any) -> CmError:
        with pytest.raises(CmError) as caught:
            self.ask(*words, **flags)
        return caught.value

    @property
    def launch(self) -> Launch:
        return self.stage.launches[-1]

    def left(self) -> list[str]:
        """Private folders that are there."""
        return sorted(os.listdir(self.runtime))


def recipe(root: Path, name: str, uid: str, more: str, script: str) -> None:
    folder = root / "script" / name
    folder.mkdir(parents=True)
    tags = ", ".join(name.split("-"))
    (folder / "_cm.yaml").write_text(_META.format(name=name, uid=uid, tags=tags) + more)
    (folder / "run.sh").write_text(script)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of the packages in use, which are the same for all homes."""
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture
def desk(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    from cm_docker.engines import choose

    root = Path(os.path.realpath(tmp_path))
    for name in ("home", "runtime", "work", "recipes"):
        (root / name).mkdir()
    (root / "home/containers").mkdir()
    (root / "home/containers/wheels").symlink_to(wheels)
    (root / "recipes/cmr.yaml").write_text("alias: probes\nuid: aaaa0000bbbb1111\n")
    recipe(root / "recipes", "make-probe", "1111222233334444", _PROBE, 'echo "$CM_PROBE_TEXT"\n')
    more = "cache: true\nnew_env_keys: [CM_DATA_PATH]\n"
    script = "echo CM_DATA_PATH=$PWD >tmp-run-env.out\n"
    recipe(root / "recipes", "get-data", "1111222233335555", more, script)
    recipe(root / "recipes", "use-data", "1111222233336666", _USER, "ls $CM_DATA_PATH\n")
    for name in ("CM_HOME", "GH_TOKEN", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(root / "work")
    stage = Stage()
    monkeypatch.setattr(choose, "choose", lambda ctx, wanted="": stage)
    made = Desk(root, stage)
    with Context(environ=made.environ, console=Console(verbosity=-1, interactive=False)) as ctx:
        added = {"action": "add", "automation": "collection", "artifact": str(root / "recipes")}
        ctx.call(from_dict(added).request)
    yield made
    assert made.left() == [], "a private folder was left"


def on_host(launch: Launch, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of a container here, to see what the recipe gets."""
    return subprocess.run(launch.command, cwd=cwd, capture_output=True, text=True, check=False)
