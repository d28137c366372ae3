"""CPU time of short commands, beside the floor and beside cmind, mlcflow and cmeta.

    nox -s bench [-- --rounds 9 --output page.md --without mlcflow]

Each engine gets its own environment, home and working folder, and the published recipes of its
dialect. Commands are run in turn, round after round, so that a busy machine slows all alike; what
counts is the median of user + system time of the whole process tree, and its ratio.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import corpora
import kit
import trials

REFERENCES = {"cmind": "cmind==4.2.0", "mlcflow": "mlcflow==1.3.8", "cmeta": "cmeta"}
CLICK = """import click
@click.group()
def main(): pass
for name in "search add run load show remove copy".split():
    main.command(name, help="do it")(lambda: None)
main()
"""
HELLO = """#!/bin/bash
echo hello
"""
OWNER = "automation_alias: script\nautomation_uid: 5b4e0237da074764\n"


class Command(NamedTuple):
    """One cell: a workload in one engine."""

    workload: str
    engine: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    codes: tuple[int, ...] = (0,)


class Sample(NamedTuple):
    """One execution: CPU and wall seconds."""

    cpu: float
    wall: float


def execute(command: Command) -> Sample:
    """Run once; the exit code is checked, because a failing command is fast."""
    start = time.perf_counter()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    # posix_spawn has no working folder of its own: env does the chdir, for every command alike.
    argv = ["/usr/bin/env", "-C", command.cwd, *command.argv]
    pid = os.posix_spawn(argv[0], argv, command.env, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in command.codes:
        raise SystemExit(f"{command.engine}: {' '.join(command.argv)} ended with {code}")
    return Sample(usage.ru_utime + usage.ru_stime, time.perf_counter() - start)


#: `{(workload, engine): what each execution took}`.
Samples = dict[tuple[str, str], list[Sample]]


class Place:
    """Folders and environments of one benchmark run."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        files = {
            "cmr.yaml": "alias: bench\nuid: 1f0e1d2c3b4a5968\n",
            **trials.recipe("hello", "aaaaaaaaaaaaaaa1", cache=False, run=HELLO),
        }
        files["script/make-hello/_cm.yaml"] += OWNER
        self.small = kit.write_tree(scratch / "small", files)
        self.work = scratch / "work"
        self.work.mkdir()
        kit.write_tree(scratch, {"click_main.py": CLICK})

    def environment(self, home: Path, venv: Path, **more: str) -> dict[str, str]:
        """What a shell would give; no PYTHON* variable, they change what is measured."""
        home.mkdir(parents=True, exist_ok=True)
        path = f"{venv / 'bin'}:{kit.SYSTEM_PATH}"
        return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **more}

    def venv(self, name: str, requirement: str) -> Path:
        """A fresh environment with one reference engine."""
        folder = self.scratch / f"venv-{name}"
        kit.must(kit.run([sys.executable, "-m", "venv", folder]))
        kit.must(kit.run([folder / "bin/python", "-m", "pip", "install", "-q", requirement]))
        return folder


def floor(place: Place, venv: Path) -> list[Command]:
    """What nobody can go below."""
    env = place.environment(place.scratch / "home-floor", venv)
    python = str(venv / "bin/python")
    both = "import os; os.waitpid(os.posix_spawn('/bin/bash', ['bash', '-c', 'echo'], {}), 0)"
    rows = {
        "python": (python, "-c", "pass"),
        "click": (python, str(place.scratch / "click_main.py"), "--help"),
        "bash": ("/bin/bash", "-c", "echo"),
        "python + bash": (python, "-c", both),
    }
    return [Command(name, "floor", argv, env, str(place.work)) for name, argv in rows.items()]


def ours(place: Place, venv: Path) -> list[Command]:
    """This project: with the small collection, and with the published recipes beside it."""
    cm = str(venv / "bin/cm")
    envs = {}
    for name, roots in {
        "small": [place.small],
        "cm": [place.small, corpora.cm_root()],
        "mlc": [place.small, corpora.mlc_root()],
    }.items():
        home = place.scratch / f"home-ours-{name}"
        envs[name] = place.environment(home, venv, CM_HOME=str(home / "cm"))
        for root in roots:
            kit.must(kit.run([cm, "add", "collection", str(root)], env=envs[name]))
    hello = ("run", "script", "--tags=make,hello", "--quiet")
    cells: list[tuple[str, tuple[str, ...], str]] = [
        ("--version", ("--version",), "small"),
        ("--help", ("--help",), "small"),
    ]
    for corpus in ("cm", "mlc"):
        cells += [
            (f"find by tags, {corpus}", ("find", "script", "--tags=detect,os"), corpus),
            (f"find by alias, {corpus}", ("find", "script", "detect-os"), corpus),
            (f"find nothing, {corpus}", ("find", "script", "--tags=no,such"), corpus),
            (f"list all, {corpus}", ("find", "script"), corpus),
            (f"run hello, {corpus}", hello, corpus),
        ]
    cells.append(("run hello, small", hello, "small"))
    cells.append(("run detect os, cm", ("run", "script", "--tags=detect,os", "--quiet"), "cm"))
    return [
        Command(load, "cmcore", (cm, *words), envs[name], str(place.work))
        for load, words, name in cells
    ]


def cmind(place: Place, venv: Path) -> list[Command]:
    """The same in cmind; its recipes and their engine come from the published package."""
    return _reference(place, venv, "cmind", "cm", str(venv / "bin/cm"))


def mlcflow(place: Place, venv: Path) -> list[Command]:
    """The same in mlcflow."""
    return _reference(place, venv, "mlcflow", "mlc", str(venv / "bin/mlc"))


def cmeta(place: Place, venv: Path) -> list[Command]:
    """cmeta has no recipes of these dialects, and its --version asks a server: --help only."""
    env = place.environment(place.scratch / "home-cmeta", venv)
    command = str(venv / "bin/cmeta")
    return [Command("--help", "cmeta", (command, "--help"), env, str(place.work), (0, 1))]


def _reference(place: Place, venv: Path, name: str, dialect: str, command: str) -> list[Command]:
    home = place.scratch / f"home-{name}"
    env = place.environment(home, venv, **{f"{dialect.upper()}_REPOS": str(home / "repos")})
    recipes = home / "recipes"
    # The reference engines write beside the recipes: they get a copy.
    root = corpora.cm_root() if dialect == "cm" else corpora.mlc_root()
    kit.must(kit.run(["cp", "-r", root, recipes]))
    small = home / "small"
    kit.must(kit.run(["cp", "-r", place.small, small]))
    listed = [str(small), str(recipes)]
    if dialect == "mlc":
        meta = {"alias": "local", "name": "local", "uid": "0f0e0d0c0b0a0908"}
        kit.write_tree(home / "repos/local", {"meta.yaml": meta})
        (home / "repos/local/cache").mkdir()
        (small / "cmr.yaml").rename(small / "meta.yaml")
        recipe = small / "script/make-hello"
        (recipe / "_cm.yaml").rename(recipe / "meta.yaml")
        listed.insert(0, str(home / "repos/local"))
    kit.write_tree(home / "repos", {"repos.json": str(listed).replace("'", '"')})
    words = {
        "--version": ("--version",),
        "--help": ("--help",) if dialect == "mlc" else ("help",),
        f"find by tags, {dialect}": ("find", "script", "--tags=detect,os"),
        f"find by alias, {dialect}": ("find", "script", "detect-os"),
        f"find nothing, {dialect}": ("find", "script", "--tags=no,such"),
        f"list all, {dialect}": ("find", "script"),
        f"run hello, {dialect}": ("run", "script", "--tags=make,hello", "--quiet"),
    }
    if dialect == "cm":
        words["run detect os, cm"] = ("run", "script", "--tags=detect,os", "--quiet")
    return [
        # Only a search that finds nothing may say so with its exit code.
        Command(
            load,
            name,
            (command, *argv),
            env,
            str(place.work),
            (0, 1) if "nothing" in load else (0,),
        )
        for load, argv in words.items()
    ]


#: Which floor a workload is held against.
FLOOR = {"--version": "python", "--help": "click", "run": "python + bash"}


def measure(commands: Sequence[Command], rounds: int, limit: float) -> Samples:
    """Every command once per round, in turn; one stops when it has used up `limit` seconds."""
    samples: Samples = {(command.workload, command.engine): [] for command in commands}
    for command in commands:
        # Fills caches and indices, for all alike; the figures are of the second run and later.
        execute(command)
    for _ in range(rounds):
        for command in commands:
            had = samples[command.workload, command.engine]
            if len(had) < 3 or sum(sample.wall for sample in had) < limit:
                had.append(execute(command))
    return samples


def page(samples: Samples) -> str:
    """The Markdown page."""
    cells = {key: statistics.median(s.cpu for s in had) for key, had in samples.items()}
    engines = [engine for engine in REFERENCES if any(key[1] == engine for key in cells)]
    loads = [load for load, engine in cells if engine == "cmcore"]
    lines = [
        "# Benchmarks",
        "",
        f"CPU time (user + system, whole process tree), median, milliseconds. Python"
        f" {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f};"
        f" up to {max(map(len, samples.values()))} rounds, all commands in turn.",
        "",
        "| floor | ms |",
        "|---|---:|",
    ]
    lines += [f"| {k[0]} | {v * 1e3:.0f} |" for k, v in cells.items() if k[1] == "floor"]
    head = " | ".join(f"{engine} | x" for engine in engines)
    lines += ["", f"| workload | cmcore | x floor | {head} |"]
    lines += ["|---|---:|---:|" + "---:|---:|" * len(engines)]
    for load in loads:
        own = cells[load, "cmcore"]
        base = next((cells[v, "floor"] for k, v in FLOOR.items() if load.startswith(k)), 0)
        row = [load, f"{own * 1e3:.0f}", f"{own / base:.2f}" if base else ""]
        for engine in engines:
            other = cells.get((load, engine))
            row += [f"{other * 1e3:.0f}", f"{other / own:.1f}"] if other else ["", ""]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float, default=60, help="seconds for one cell")
    parser.add_argument("--output", default="")
    parser.add_argument("--without", nargs="*", default=[], choices=REFERENCES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Place(Path(name).resolve())
        mine = Path(sys.prefix)
        commands = [*floor(place, mine), *ours(place, mine)]
        makers = {"cmind": cmind, "mlcflow": mlcflow, "cmeta": cmeta}
        for engine, requirement in REFERENCES.items():
            if engine in options.without:
                continue
            try:
                venv = place.venv(engine, requirement)
            except AssertionError as error:
                print(f"{engine} left out: {str(error).splitlines()[-1]}", file=sys.stderr)
                continue
            commands += makers[engine](place, venv)
        text = page(measure(commands, options.rounds, options.limit))
    print(text)
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
