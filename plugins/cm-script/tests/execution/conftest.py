"""Stand-ins for the run of a recipe, so that steps, hooks and helpers are tested by themselves."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cm_script.dialects import CM, MLC, Dialect
from cm_script.facade.automation import AutomationFacade
from cm_script.hooks import RecipeCode, load_code
from cm_script.osinfo import os_info
from cm_script.scope import Scope
from cmcore.types import Artifact, Collection


class StubConsole:
    """Remembers what was said; copies the output of children into a file."""

    def __init__(self, folder: Path) -> None:
        self.interactive = False
        self.said: list[str] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.answers: list[int] = []
        self._path = folder / "children.txt"
        self._stream = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def child_stream(self) -> int:
        return self._stream

    def log(self, text: str, *, verbose: bool = False) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def err(self, text: str) -> None:
        self.errors.append(text)

    def ask(self, question: str, options: Sequence[str], default: int | None = None) -> int | None:
        return self.answers.pop(0)

    def children(self) -> str:
        """What native steps printed."""
        return self._path.read_text(encoding="utf-8", errors="surrogateescape")

    def close(self) -> None:
        os.close(self._stream)


class StubEngine:
    def __init__(self, console: StubConsole, home: Path) -> None:
        self.console = console
        paths = SimpleNamespace(home=str(home), logs=str(home / "logs"))
        self.ctx = SimpleNamespace(paths=paths)
        self.literal: set[str] = set()
        self.imported: dict[str, str] = {}
        self.session = None
        self.quiet = self.silent = self.verbose = False
        self.stop = None
        self.chain: list[str] = []
        self.asked: list[dict[str, Any]] = []

    def access(self, i: Mapping[str, Any], /, dialect: Dialect = CM) -> dict[str, Any]:
        self.asked.append(dict(i))
        return {"return": 0, "list": []}


class StubRun:
    """As much of a run as the execution half touches, around a real scope and recipe folder."""

    def __init__(
        self, engine: StubEngine, folder: Path, dialect: Dialect, meta: dict[str, Any]
    ) -> None:
        collection = Collection("probe", "0" * 16, str(folder), str(folder), "folder")
        self.engine = engine
        self.console = engine.console
        self.dialect = dialect
        self.artifact = Artifact(
            "script", folder.name, "f" * 16, (), str(folder), dialect.name, collection, "{}"
        )
        self.scope = Scope(meta={"alias": folder.name, **meta})
        self.options = SimpleNamespace(ignore_script_error=False)
        self.os_info = os_info(dialect)
        self.spaces = ""
        self.code: RecipeCode | None = None
        self.ran: list[str] = []
        self.rsi: dict[str, Any] = {
            "path": str(folder),
            "env": self.scope.env,
            "state": self.scope.state,
        }

    @property
    def name(self) -> str:
        return self.artifact.name

    def key(self, name: str) -> str:
        return self.dialect.key(name)

    def run_deps(self, kind: str) -> None:
        self.ran.append(kind)

    def hook_input(self, **extra: Any) -> dict[str, Any]:
        return {
            "automation": AutomationFacade(self),
            "env": self.scope.env,
            "state": self.scope.state,
            "meta": self.scope.meta,
            "os_info": self.os_info,
            "recursion_spaces": "",
            "run_script_input": self.rsi,
            **extra,
        }

    def load(self) -> RecipeCode:
        """Load the recipe's customize.py."""
        self.code = load_code(self)
        assert self.code is not None
        return self.code


@pytest.fixture
def console(tmp_path: Path) -> Iterator[StubConsole]:
    made = StubConsole(tmp_path)
    yield made
    made.close()


@pytest.fixture
def engine(console: StubConsole, tmp_path: Path) -> StubEngine:
    return StubEngine(console, tmp_path / "home")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(params=[CM, MLC], ids=["cm", "mlc"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
def recipe(engine: StubEngine, work: Path, tmp_path: Path) -> Callable[..., StubRun]:
    """Makes a recipe from its files and gives a run of it."""

    def make(
        files: Mapping[str, str] | None = None,
        dialect: Dialect = CM,
        name: str = "probe",
        **meta: Any,
    ) -> StubRun:
        folder = tmp_path / "recipes" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in (files or {}).items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            if text.startswith("#!"):
                path.chmod(0o755)
        return StubRun(engine, folder, dialect, meta)

    return make


@pytest.fixture
def print_env() -> str:
    """A shell line that writes the environment as JSON to `env.json`."""
    code = "import json, os; json.dump(dict(os.environ), open('env.json', 'w'))"
    return f'"{sys.executable}" -c "{code}"\n'


@pytest.fixture
def seen(work: Path) -> Callable[[], dict[str, str]]:
    """The environment that `print_env` wrote."""
    return lambda: json.loads((work / "env.json").read_text())
