"""The Markdown page."""

from __future__ import annotations

from collections.abc import Callable

from generate import CHAIN, FAN, FEW, MANY
from measuring import Figures, Sample
from targets import CACHED, COLD, UNCACHED, Target, reason, targets
from workloads import ENTRIES, RECIPES

ENGINES = ("cmind", "mlcflow", "cmeta")

HEAD = """# Speed

Written by `nox -s bench`, which measures everything again: this project, `cmind`, `mlcflow` and
`cmeta`, each in a virtual environment of its own, and the floor (a bare interpreter, bare click,
bare bash). What counts is CPU time, user and system, of the whole process tree; wall time depends
on what else the machine does. All commands take turns, round after round, so that other work on
the machine slows all alike. Each execution is checked: exit code, output, and how many native
steps really ran. Figures are medians.

![CPU time of the workloads in each engine, logarithmic](speed.svg)
"""

WORDS = f"""
- *cm* and *mlc* behind a workload name the published recipes that it meets: those in the CM
  dialect (cmx4mlops) and those in the MLCFlow dialect (mlc-scripts). *small* is a collection of
  {2 * MANY + CHAIN + 8} generated recipes alone; a number stands for as many generated recipes of
  about 1 KB each.
- One more dependency: the difference between fan-outs of {MANY} and of {FEW}, round by round,
  divided by {MANY - FEW}. The floor of an uncached one is bash that sources the recipe's script,
  and reading what it wrote.
- *cold*: the cache is empty; every dependency runs its native step and becomes an entry.
- *first index*: a search without any index; the floor parses each meta file once with libyaml.
- Memory is the highest peak of one process in the tree.
"""


def page(figures: Figures) -> str:
    """The whole page."""
    lines = [HEAD]
    lines += [f"{key}: {value}  " for key, value in figures.facts.items()]
    lines += ["", "## Targets", "", *_targets(figures)]
    lines += ["", "## CPU time, milliseconds", "", *_cpu(figures)]
    lines += ["", "## One more dependency, CPU milliseconds", "", *_slopes(figures)]
    lines += ["", "## Wall time, milliseconds", "", *_each(figures, _wall)]
    lines += ["", "## Peak memory, MB", "", *_each(figures, _memory)]
    lines += ["", "## Processes, the command itself among them", "", *_processes(figures)]
    if figures.failed:
        lines += ["", "## Left out", ""]
        lines += [f"- {load} in {name}: {why}" for (load, name), why in figures.failed.items()]
    lines += ["", "## Words", WORDS.rstrip()]
    return "\n".join(lines) + "\n"


def milliseconds(seconds: float | None) -> str:
    """Three figures that matter."""
    if seconds is None:
        return ""
    value = seconds * 1e3
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def _targets(figures: Figures) -> list[str]:
    rows, notes = [], []
    for target in targets(figures):
        verdict = {None: "not measured", True: "met", False: "**missed**"}[target.met]
        ratio = target.ratio
        sign = "at least" if target.faster else "at most"
        rows.append(
            [
                target.workload,
                _quantity(target, target.ours[1]),
                f"{target.theirs[0]} {_quantity(target, target.theirs[1])}",
                "" if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}",
                f"{sign} {target.limit:g}",
                verdict,
            ]
        )
        why = reason(target) if target.met is False else ""
        if why and f"- {why}" not in notes:
            notes.append(f"- {why}")
    head = ["workload", "here", "held against", "ratio", "target", ""]
    return _table(head, rows) + (["", "Why some are missed:", "", *notes] if notes else [])


def _quantity(target: Target, value: float | None) -> str:
    if value is None:
        return ""
    if target.workload.startswith("processes"):
        return f"{value:.0f}"
    if target.workload.startswith("peak memory"):
        return f"{value / 1024:.1f} MB"
    return f"{milliseconds(value)} ms"


def _loads(figures: Figures) -> list[str]:
    return list(dict.fromkeys(load for load, engine in figures.samples if engine == "cmcore"))


def _engines(figures: Figures) -> list[str]:
    return [name for name in ENGINES if any(name == engine for _, engine in figures.samples)]


def _cpu(figures: Figures) -> list[str]:
    engines = _engines(figures)
    head = ["workload", "cmcore", "from ... to", "n"]
    for name in engines:
        head += [name, "from ... to", "x"]
    rows = []
    for load, engine in figures.samples:
        if engine not in ("floor", "cmcore"):
            continue
        own = figures.cpu(load, engine)
        had = figures.samples[load, engine]
        name = load if engine == "cmcore" else f"*floor:* {load}"
        row = [name, milliseconds(own), _spread(had), str(len(had))]
        for other in engines:
            theirs = figures.cpu(load, other) if engine == "cmcore" else None
            if theirs is None or not own:
                row += ["", "", ""]
            else:
                spread = _spread(figures.samples[load, other])
                row += [milliseconds(theirs), spread, f"{theirs / own:,.1f}"]
        rows.append(row)
    return _table(head, rows)


def _spread(had: list[Sample]) -> str:
    cpu = [sample.cpu for sample in had]
    return f"{milliseconds(min(cpu))} ... {milliseconds(max(cpu))}" if cpu else ""


def _slopes(figures: Figures) -> list[str]:
    names = ["cmcore", "cmind", "mlcflow"]
    rows = []
    loads = {"cached": CACHED, "uncached, with a native step": UNCACHED, "cold": COLD}
    for name, load in loads.items():
        values = [figures.slope(load, FEW, MANY, engine) for engine in names]
        floor = figures.slope("steps {}", FEW, MANY, "floor") if "native" in name else None
        rows.append([name, milliseconds(floor), *map(milliseconds, values)])
    return _table(["one more", "floor", *names], rows)


def _each(figures: Figures, cell: Callable[[Figures, str, str], str]) -> list[str]:
    names = ["cmcore", *_engines(figures)]
    rows = [[load, *(cell(figures, load, name) for name in names)] for load in _loads(figures)]
    return _table(["workload", *names], rows)


def _wall(figures: Figures, load: str, engine: str) -> str:
    return milliseconds(figures.wall(load, engine))


def _memory(figures: Figures, load: str, engine: str) -> str:
    peak = figures.memory(load, engine)
    return "" if peak is None else f"{peak / 1024:.1f}"


def _processes(figures: Figures) -> list[str]:
    names = ["cmcore", *_engines(figures)]
    rows = []
    for load in dict.fromkeys(load for load, _ in figures.processes):
        counts = [figures.processes.get((load, name)) for name in names]
        rows.append([load, *("" if count is None else str(count) for count in counts)])
    return _table(["workload", *names], rows)


#: Rows of the chart: `(label, workload, floor)`.
CHART = (
    ("--version", "--version", "python"),
    ("--help", "--help", "click"),
    ("find by tags, published recipes", "find by tags, {}", ""),
    ("find nothing, published recipes", "find nothing, {}", ""),
    ("list all, published recipes", "list all, {}", ""),
    ("first index, published recipes", "first index, {}", "parse {}"),
    (f"find by tags, {RECIPES[1]:,} recipes", f"find by tags, {RECIPES[1]:,}", ""),
    (f"find nothing, {RECIPES[1]:,} recipes", f"find nothing, {RECIPES[1]:,}", ""),
    (f"find by tags, {RECIPES[2]:,} recipes", f"find by tags, {RECIPES[2]:,}", ""),
    ("trivial recipe", "run hello, small", "python + bash"),
    ("trivial recipe beside published ones", "run hello, {}", "python + bash"),
    (f"chain of {CHAIN}, all cached", f"run chain of {CHAIN} cached", ""),
    (f"fan-out of {FAN}, all cached", CACHED.format(FAN), ""),
    (f"cached run, {ENTRIES[1]:,} entries", f"run one cached, {ENTRIES[1]:,} entries", ""),
    (f"cached run, {ENTRIES[2]:,} entries", f"run one cached, {ENTRIES[2]:,} entries", ""),
)
