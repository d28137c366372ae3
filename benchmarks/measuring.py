"""Executing commands in turn and keeping what each execution took."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

#: Seconds after which a command is given up.
TIMEOUT = 3600
#: A cell gets at least so many samples, or one when a single execution uses up the limit.
LEAST = 3


class CellError(RuntimeError):
    """A command did not do what it is measured for."""


class Cell(NamedTuple):
    """One workload in one engine: what is executed, and how one sees that it did its work.

    Attributes:
        env: the whole process environment. `BENCH_LOG` in it is the file to which every native
            step of the generated recipes adds a line.
        wants: text that the output must have.
        codes: accepted exit codes; a failing command is fast, so they are checked each time.
        ran: native steps that must have run, no more, no less; None where recipes are not ours.
        before: prepares each execution, unmeasured.
        processes: count the processes as well, once.
    """

    load: str
    engine: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    wants: str = ""
    codes: tuple[int, ...] = (0,)
    ran: int | None = None
    before: Callable[[], None] | None = None
    processes: bool = False


class Sample(NamedTuple):
    """One execution: CPU seconds (user + system) and peak memory in KiB of the process tree."""

    cpu: float
    wall: float
    memory: int


class Figures:
    """All samples of one benchmark, and the numbers that the reports are made of."""

    def __init__(self) -> None:
        self.samples: dict[tuple[str, str], list[Sample]] = {}
        #: `{(workload, engine): processes, the command itself among them}`.
        self.processes: dict[tuple[str, str], int] = {}
        #: `{(workload, engine): why there are no samples}`.
        self.failed: dict[tuple[str, str], str] = {}
        self.facts: dict[str, str] = {}

    def cpu(self, load: str, engine: str = "cmcore") -> float | None:
        """Median CPU seconds, None when not measured."""
        had = self.samples.get((load, engine))
        return statistics.median(sample.cpu for sample in had) if had else None

    def wall(self, load: str, engine: str = "cmcore") -> float | None:
        """Median wall seconds."""
        had = self.samples.get((load, engine))
        return statistics.median(sample.wall for sample in had) if had else None

    def memory(self, load: str, engine: str = "cmcore") -> int | None:
        """Peak memory in KiB: the highest of all executions."""
        had = self.samples.get((load, engine))
        return max(sample.memory for sample in had) if had else None

    def slope(self, load: str, few: int, many: int, engine: str = "cmcore") -> float | None:
        """Median CPU seconds for one more: `load` names both cells with a `{}` for the number.

        The two executions of one round are neighbours in time, so the difference is taken there.
        """
        low = self.samples.get((load.format(few), engine))
        high = self.samples.get((load.format(many), engine))
        if not low or not high:
            return None
        pairs = zip(low, high, strict=False)
        return statistics.median((b.cpu - a.cpu) / (many - few) for a, b in pairs)

    def save(self, path: Path) -> None:
        """Write everything as JSON; `load` reads it."""
        content = {
            "facts": self.facts,
            "samples": [[*key, had] for key, had in self.samples.items()],
            "processes": [[*key, count] for key, count in self.processes.items()],
            "failed": [[*key, why] for key, why in self.failed.items()],
        }
        path.write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Figures:
        """Read what `save` wrote."""
        content = json.loads(path.read_text("utf-8"))
        made = cls()
        made.facts = content["facts"]
        for load, engine, had in content["samples"]:
            made.samples[load, engine] = [Sample(*values) for values in had]
        made.processes = {(load, engine): count for load, engine, count in content["processes"]}
        made.failed = {(load, engine): why for load, engine, why in content["failed"]}
        return made


def execute(cell: Cell, scratch: Path) -> Sample:
    """Prepare, run once and check.

    Raises:
        CellError: the command failed, said something else or ran another number of steps.
    """
    if cell.before:
        cell.before()
    log = Path(cell.env.get("BENCH_LOG", scratch / "none"))
    log.unlink(missing_ok=True)
    report, output = scratch / "report", scratch / "output"
    report.unlink(missing_ok=True)
    small = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
    words = [*small, str(report), cell.cwd, str(output), *cell.argv]
    done = subprocess.run(
        words, env=cell.env, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if not report.is_file():
        raise CellError(done.stderr.strip().splitlines()[-1])
    code, cpu, wall, memory = report.read_text().split()
    text = output.read_text("utf-8", "replace")
    tail = text.strip().splitlines()[-1:] or ["no output"]
    if int(code) not in cell.codes:
        raise CellError(f"exit code {code}: {tail[0][:200]}")
    if cell.wants not in text:
        raise CellError(f"no {cell.wants!r} in the output: {tail[0][:200]}")
    if cell.ran is not None:
        ran = len(log.read_text().splitlines()) if log.exists() else 0
        if ran != cell.ran:
            raise CellError(f"{ran} native steps ran instead of {cell.ran}")
    return Sample(float(cpu), float(wall), int(memory))


def count_processes(cell: Cell, scratch: Path) -> int | None:
    """How many processes one execution is made of, itself included; None without strace."""
    if not shutil.which("strace"):
        return None
    if cell.before:
        cell.before()
    trace = scratch / "trace"
    calls = "trace=clone,clone3,fork,vfork"
    argv = ["strace", "-f", "-qq", "-e", calls, "-o", str(trace), *cell.argv]
    path = {"PATH": f"{cell.env['PATH']}:{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        argv, env=cell.env | path, cwd=cell.cwd, capture_output=True, timeout=TIMEOUT, check=False
    )
    if done.returncode not in cell.codes:
        return None
    # A call that another process interrupts stands in two lines; its result in the second.
    lines = trace.read_text("utf-8", "replace").splitlines()
    begun = [line for line in lines if re.search(r"\b(v?fork|clone3?)\(", line)]
    return 1 + sum("CLONE_THREAD" not in line for line in begun)


def measure(
    cells: Sequence[Cell], rounds: int, limit: float, scratch: Path, figures: Figures
) -> None:
    """Every command once per round, in turn, so that a busy machine slows all alike.

    Args:
        rounds: most samples of one cell.
        limit: seconds of wall time after which a cell has enough.
    """
    first: dict[tuple[str, str], float] = {}
    live: list[Cell] = []
    for cell in cells:
        start = time.perf_counter()
        try:
            # Fills caches and indices, for all alike; the figures are of the second run and later.
            execute(cell, scratch)
            if cell.processes:
                count = count_processes(cell, scratch)
                if count is not None:
                    figures.processes[cell.load, cell.engine] = count
        except (CellError, subprocess.TimeoutExpired) as error:
            _give_up(cell, error, figures)
            continue
        first[cell.load, cell.engine] = time.perf_counter() - start
        live.append(cell)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for cell in live:
            had = figures.samples.setdefault((cell.load, cell.engine), [])
            slow = first[cell.load, cell.engine] > limit
            enough = len(had) >= (1 if slow else LEAST)
            if (cell.load, cell.engine) in figures.failed:
                continue
            if enough and sum(sample.wall for sample in had) > limit:
                continue
            try:
                had.append(execute(cell, scratch))
            except (CellError, subprocess.TimeoutExpired) as error:
                _give_up(cell, error, figures)
        figures.save(scratch / "samples.json")


def _give_up(cell: Cell, error: Exception, figures: Figures) -> None:
    figures.failed[cell.load, cell.engine] = str(error)
    figures.samples.pop((cell.load, cell.engine), None)
    print(f"left out: {cell.load} in {cell.engine}: {error}", file=sys.stderr, flush=True)
