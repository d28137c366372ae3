"""Kill runs that fill a cache at random moments, let processes race, and count what goes wrong.

    python tests/faults/cache_storm.py --kills 1000 --rounds 200 --processes 8 --seed 1

Works with the `cm` beside the Python that runs it (or `--cm`), in a folder of its own that is
removed at the end unless something went wrong. Exit code 1 when a rule did not hold.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from storm_kills import Kills
from storm_races import Races
from storm_world import World

KILLS = (
    ("kills", "runs killed with SIGKILL, each followed by a run"),
    ("again", "of these: that next run was killed as well before the one that has to succeed"),
    ("alone", "only `cm` killed, its native step goes on; else the whole process group"),
    ("renewal", "while an entry was being renewed"),
    ("tool replaced", "after the tool that an entry had detected was replaced"),
    ("left an unfinished entry", "left an unfinished entry"),
    ("left a partial download", "left a partial download"),
    ("too late", "more kills that came after the end and do not count"),
    ("next runs", "next runs and runs that were not hit"),
    ("cleared", "said what they cleared"),
    ("continued", "said what they continue"),
    ("resumed", "downloads that went on where they were"),
    ("left to others", "said that a step of the killed run still works, and built elsewhere"),
    ("looks", "looks through the whole cache"),
    ("entries", "finished entries seen in them"),
    ("files", "files compared with what their recipes write"),
    ("listings", "listings compared with what lies there"),
    ("homes", "homes verified (`--deep`), pruned and compared at their end"),
    ("pruned", "unfinished folders that `cm prune cache --unfinished` found there"),
    ("served again", "older entries asked for again"),
)
RACES = (
    ("rounds", "rounds"),
    ("kills", "rounds in which a process was killed"),
    ("builders killed", "of these: one that was building"),
    ("succeeded", "processes that succeeded, all with equal results"),
    ("waited", "said for whom they wait"),
    ("took over", "took over from the one that was killed"),
    ("built", "entries built"),
    ("begun again", "native steps begun a second time, after a kill"),
)
RULES = (
    ("half", "half or wrong entry served"),
    ("duplicate", "two entries for one key"),
    ("lost", "entry lost"),
    ("rebuilt", "finished entry not served"),
    ("hang", "hang"),
    ("locked", "lock left behind"),
    ("silent", "cleared or continued without a word"),
    ("failed", "next run, or command, failed"),
    ("garbage", "something left after prune"),
    ("not once", "built twice, or not at all"),
    ("unequal", "processes with different results"),
)


class Numbers(NamedTuple):
    """What came out of one storm: counts of both parts, and a sentence for each fault."""

    kills: Counter[str]
    races: Counter[str]
    said: list[str]


def storm(cm: Path, folder: Path, kills: int, rounds: int, processes: int, seed: int) -> Numbers:
    """Both parts, in `folder`, which must not exist."""
    folder.mkdir()
    world = World(cm, folder)
    first, second = Kills(world, seed, say), Races(world, seed, processes, say)
    if kills:
        first.run(kills)
    if rounds:
        second.run(rounds)
    return Numbers(first.counts, second.counts, first.said + second.said)


def storms(given: argparse.Namespace, folder: Path) -> Numbers:
    """As many storms side by side as asked for, each with its own user; the sums."""
    jobs = given.jobs

    def one(k: int) -> Numbers:
        kills, rounds = ((n + k) // jobs for n in (given.kills, given.rounds))
        return storm(given.cm, folder / str(k), kills, rounds, given.processes, given.seed + k)

    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(one, range(jobs)))
    total = Numbers(Counter(), Counter(), [])
    for numbers in found:
        total.kills.update(numbers.kills)
        total.races.update(numbers.races)
        total.said.extend(numbers.said)
    return total


def say(text: str) -> None:
    """Progress, for whoever watches."""
    print(text, file=sys.stderr, flush=True)


def table(counts: Counter[str], rows: tuple[tuple[str, str], ...]) -> list[str]:
    """A Markdown table of some counts."""
    return ["| | |", "|---|---:|", *(f"| {text} | {counts[key]:,} |" for key, text in rows), ""]


def report(numbers: Numbers, given: argparse.Namespace, minutes: float) -> str:
    """The report, as Markdown."""
    command = f"--kills {given.kills} --rounds {given.rounds}"
    command += f" --processes {given.processes} --seed {given.seed} --jobs {given.jobs}"
    faults = Counter({key: 0 for key, _ in RULES})
    for counts in (numbers.kills, numbers.races):
        faults.update({k[6:]: n for k, n in counts.items() if k.startswith("fault ")})
    lines = [
        "# Faults: what the cache withstood",
        "",
        f"<!-- Written by tests/faults/cache_storm.py {command}; run: nox -s faults -->",
        "",
        "Real `cm run script` processes fill a cache with a tree of recipes of both dialects:",
        "native steps that write several files, a download with a partial file, a tool found on",
        "the host. What each entry has to hold is known beforehand, to the byte, and compared",
        "after every kill and every run by a program that uses nothing of cmcore.",
        "",
        f"`{command}`: {platform.system()}, Python {platform.python_version()}, about"
        f" {minutes:.0f} minutes.",
        "The load of the machine has a say in the moments: the seed repeats what is asked for,",
        "not the exact counts.",
        "",
        "## What went wrong",
        "",
        *table(faults, RULES),
        "## Kills at random moments",
        "",
        *table(numbers.kills, KILLS),
        f"## {given.processes} processes that ask for the same at once",
        "",
        *table(numbers.races, RACES),
    ]
    return "\n".join([*lines, *numbers.said]).rstrip() + "\n"


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="storms side by side")
    parser.add_argument("--cm", type=Path, default=Path(sys.executable).with_name("cm"))
    parser.add_argument("--report", type=Path, help="write the numbers as Markdown to this file")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cache-storm-"))
    began = time.monotonic()
    numbers = storms(given, folder)
    text = report(numbers, given, (time.monotonic() - began) / 60)
    print(text)
    if numbers.said:
        say(f"left for a closer look: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    if given.report:
        given.report.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
