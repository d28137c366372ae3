"""One way to run a published recipe in any engine and to put its answer in comparable form.

An `Engine` is a command with a home, a cache and a Python of its own; the reference engines and
ours get the same words, the same environment block and the same stage.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import compare_reference
import kit
import sandbox
import world as worlds
from runs import Run
from stage import Stage

#: Written by every run of either engine; how an engine talks to a step is its own affair.
OF_THE_ENGINE = re.compile(r"^tmp-|^__pycache__|\.pyc$|^\.|^cm-cached|^mlc-cached|^nohup\.out$")
#: Seconds that one run may take; it then counts as failed.
LIMIT = 420
#: Facts that differ from run to run.
VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?"), "<TIME>"),
    (re.compile(r"/tmp/tmp[a-z0-9_]{8}"), "<TMP>"),
)


class Outcome(NamedTuple):
    """How one run ended.

    Attributes:
        code: exit code of the command.
        answer: the JSON document it printed, empty when there is none.
        text: both streams.
        work: the folder it ran in.
    """

    code: int
    answer: dict[str, Any]
    text: str
    work: Path


class Engine:
    """A command that runs recipes of one dialect, with everything that belongs to it.

    Args:
        dialect: "cm" or "mlc".
        command: the program and the words that come before `run script`.
        folder: scratch folder of this engine.
        places: `{folder: role}` for the engine's own folders.
        variables: environment variables that the engine itself needs.
        flag: what makes it print its answer as JSON.
    """

    def __init__(
        self,
        dialect: str,
        command: Path,
        folder: Path,
        places: Mapping[str, str],
        variables: Mapping[str, str],
        flag: tuple[str, ...],
    ) -> None:
        self.dialect, self.command, self.folder, self.flag = dialect, command, folder, flag
        self.variables = dict(variables)
        self.top, self.home, self.python = folder / "runs", folder / "home", folder / "python"
        self.top.mkdir(exist_ok=True)
        self.home.mkdir(exist_ok=True)
        if not self.python.exists():
            # Recipes install packages into the Python they find: never into the engine's own.
            kit.must(kit.run([sys.executable, "-m", "venv", self.python]))
        self.own = {
            **places,
            str(self.python): "PYTHON",
            str(self.top): "RUNS",
            str(self.home): "HOME",
        }
        self.box = sandbox.Sandbox(folder / "box", folder.parent)

    def work(self, run: Run) -> Path:
        """The folder that a run starts in."""
        folder = self.top / run.name
        folder.mkdir(exist_ok=True)
        return folder

    def environment(self, run: Run, stage: Stage) -> dict[str, str]:
        """The complete environment block of a run."""
        tools = "" if run.system else f"{stage.tools}:"
        if run.mirror:
            tools = f"{stage.folder / 'trusting'}:{tools}"
        return {
            "PATH": f"{tools}{self.python / 'bin'}:{kit.SYSTEM_PATH}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **stage.environment(),
            **(stage.sites() if run.mirror else {}),
            **self.variables,
            **dict(stage.fill(pair, self.dialect, self.top).split("=", 1) for pair in run.env),
        }

    def run(self, run: Run, stage: Stage, *extra: str) -> Outcome:
        """Run it once, from its own folder."""
        work = self.work(run)
        words = [stage.fill(word, self.dialect, self.top, work) for word in run.words()]
        argv = [str(self.command), "run", "script", *words, "--quiet", *extra, *self.flag]
        env = self.environment(run, stage)
        # What a recipe does to the machine is not known before: root never runs one outside.
        if os.geteuid() == 0:
            if sandbox.unsafe():
                raise RuntimeError(f"no recipe is run as root: {sandbox.unsafe()}")
            argv = self.box.argv(argv, work)
        try:
            done = kit.run(argv, cwd=work, env=env, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return Outcome(124, {}, f"not done within {LIMIT} seconds", work)
        answer = compare_reference.last_json(done.err + "\n" + done.out)
        return Outcome(done.code, answer, done.out + done.err, work)

    def summary(self, outcome: Outcome, stage: Stage) -> dict[str, Any]:
        """The part of an outcome that engines are compared by."""
        if outcome.code or outcome.answer.get("return"):
            return {"ends": "with an error"}
        places = {**self.own, **stage.places_of_world()}
        env = outcome.answer.get("new_env") or {}
        state = outcome.answer.get("new_state") or {}
        return {
            "new_env": _steady(worlds.neutral(env, places)),
            "new_state": _steady(worlds.neutral(state, places)),
            "paths": _paths(env, (str(self.folder), *self.own)),
            "files": _files(outcome.work),
        }


def _steady(value: Any) -> Any:
    """`value` without what differs from run to run."""
    if isinstance(value, dict):
        return {_steady(key): _steady(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_steady(item) for item in value]
    if isinstance(value, str):
        for pattern, word in VOLATILE:
            value = pattern.sub(word, value)
    return value


def _paths(env: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, str]:
    """What lies where the exported variables point to, for paths in the engine's own folders."""
    found = {}
    for key, value in env.items():
        if isinstance(value, str) and value.startswith(inside) and "\n" not in value:
            kind = "file" if os.path.isfile(value) else "folder" if os.path.isdir(value) else ""
            found[key] = kind or "nothing"
    return found


def _files(work: Path) -> list[str]:
    """Names of what a run left in its folder, two levels deep."""
    names = []
    for path in sorted([*work.glob("*"), *work.glob("*/*")]):
        parts = path.relative_to(work).parts
        if not any(OF_THE_ENGINE.search(part) for part in parts):
            names.append("/".join(parts) + ("/" if path.is_dir() else ""))
    return names


def reference(dialect: str, folder: Path) -> Engine:
    """The reference engine of a dialect, installed into `folder` from the package index."""
    made = compare_reference.Reference(dialect, folder)
    places = {str(made.venv): "VENV", str(made.cache): "CACHE", str(made.recipes): "RECIPES"}
    flag = "--out=json" if dialect == "cm" else "-j"
    return Engine(dialect, made.command, folder, places, made.variables, (flag,))


def ours(dialect: str, folder: Path, command: Path, root: Path) -> Engine:
    """This project's `cm`, with the published recipes below `root` registered in a new home."""
    home = folder / "cm"
    places = {
        str(command.parent.parent): "VENV",
        str(home / "cache"): "CACHE",
        str(home / "local/cache"): "CACHE",
        str(root): "RECIPES",
    }
    engine = Engine(
        dialect,
        command,
        folder,
        places,
        {"CM_HOME": str(home)},
        (f"--dialect={dialect}", "--out=json"),
    )
    if not home.exists():
        env = {"HOME": str(engine.home), "CM_HOME": str(home), "PATH": kit.SYSTEM_PATH}
        kit.must(kit.run([command, "add", "collection", root], env=env))
    return engine


def recorded(folder: Path, dialect: str) -> dict[str, Any]:
    """All recorded answers of one dialect, by name of the run."""
    answers: dict[str, Any] = {}
    for path in sorted(folder.glob(f"{dialect}-*.json")):
        answers.update(json.loads(path.read_text(encoding="utf-8")))
    return answers
