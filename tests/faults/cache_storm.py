"""Kill runs that fill a cache, let processes race, damage files, and count what goes wrong.

    python tests/faults/cache_storm.py --kills 1000 --rounds 200 --processes 8 --damage --seed 1

Works with the `cm` beside the Python that runs it (or `--cm`), in a folder of its own that is
removed at the end unless something went wrong. Exit code 1 when a rule did not hold.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from storm_damage import Damage
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
    (
        "served again, made anew for another tool",
        "of these: made with an earlier tool, and so built anew",
    ),
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
DAMAGE = (
    ("cases", "kinds of damage"),
    ("runs", "runs after it, each given whole results"),
    ("rebuilt", "of these: built something anew"),
    ("commands", "`cm find, show, verify, prune, rm cache` and `cm find script` after it"),
    ("told", "runs and commands that named what was wrong"),
    ("told, and overcome by the next run", "runs that failed with a sentence, once"),
    ("asked of a full disk", "commands and runs on a full disk"),
    ("skipped: root reads everything here", "skipped: unreadable files, root reads everything"),
    ("skipped: no file system may be mounted", "skipped: full disk, nothing may be mounted"),
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
    ("traceback", "traceback"),
    ("wordless", "failure without a word"),
)


class Numbers(NamedTuple):
    """What came out of one storm: counts of its parts, and a sentence for each fault."""

    kills: Counter[str]
    races: Counter[str]
    damage: Counter[str]
    said: list[str]


def storm(
    cm: Path, folder: Path, *, kills: int = 0, rounds: int = 0, processes: int = 8, seed: int = 1
) -> Numbers:
    """Kills and races, in `folder`, which must not exist."""
    folder.mkdir()
    world = World(cm, folder)
    first, second = Kills(world, seed, say), Races(world, seed, processes, say)
    if kills:
        first.run(kills)
    if rounds:
        second.run(rounds)
    return Numbers(first.counts, second.counts, Counter(), first.said + second.said)


def spoil(cm: Path, folder: Path, *, step: int = 1, first: int = 0) -> Numbers:
    """Every `step`-th kind of damage from the `first` on, in `folder`, which must not exist."""
    folder.mkdir()
    damage = Damage(World(cm, folder), say)
    damage.run(step, first)
    return Numbers(Counter(), Counter(), damage.counts, damage.said)


def storms(given: argparse.Namespace, folder: Path) -> Numbers:
    """As many storms side by side as asked for, each with its own user; the sums."""
    jobs = given.jobs

    def one(k: int) -> list[Numbers]:
        kills, rounds = ((n + k) // jobs for n in (given.kills, given.rounds))
        more = {"processes": given.processes, "seed": given.seed + k}
        found = [storm(given.cm, folder / f"storm-{k}", kills=kills, rounds=rounds, **more)]
        if given.damage:
            found.append(spoil(given.cm, folder / f"damage-{k}", step=jobs, first=k))
        return found

    total = Numbers(Counter(), Counter(), Counter(), [])
    with ThreadPoolExecutor(jobs) as pool:
        for numbers in (one for several in pool.map(one, range(jobs)) for one in several):
            total.kills.update(numbers.kills)
            total.races.update(numbers.races)
            total.damage.update(numbers.damage)
            total.said.extend(numbers.said)
    return total


def add(numbers: Numbers, given: argparse.Namespace, earlier: dict[str, Any]) -> float:
    """Add what an earlier run has counted, and what it was given; the minutes that it took."""
    for name in ("kills", "races", "damage"):
        getattr(numbers, name).update(earlier[name])
    numbers.said.extend(earlier["said"])
    given.kills += earlier["given"][0]
    given.rounds += earlier["given"][1]
    given.damage = given.damage or bool(earlier["damage"])
    return float(earlier["minutes"])


def say(text: str) -> None:
    """Progress, for whoever watches."""
    print(text, file=sys.stderr, flush=True)


def table(counts: Counter[str], rows: tuple[tuple[str, str], ...]) -> list[str]:
    """A Markdown table of some counts."""
    return ["| | |", "|---|---:|", *(f"| {text} | {counts[key]:,} |" for key, text in rows), ""]


def by_kind(counts: Counter[str]) -> list[str]:
    """A Markdown table of what each kind of damage came to."""
    columns = ("cases", "runs", "rebuilt", "commands", "told")
    kinds = sorted(key.removesuffix(": cases") for key in counts if key.endswith(": cases"))
    rows = [
        f"| {kind} | " + " | ".join(f"{counts[f'{kind}: {c}']:,}" for c in columns) + " |"
        for kind in kinds
    ]
    head = "| | cases | runs | built anew | commands | told what was wrong |"
    return [head, "|---|---:|---:|---:|---:|---:|", *rows, ""] if rows else []


def report(numbers: Numbers, given: argparse.Namespace, minutes: float) -> str:
    """The report, as Markdown."""
    command = f"--kills {given.kills} --rounds {given.rounds}"
    command += f" --processes {given.processes} --seed {given.seed} --jobs {given.jobs}"
    command += " --damage" if given.damage else ""
    faults = Counter({key: 0 for key, _ in RULES})
    for counts in (numbers.kills, numbers.races, numbers.damage):
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
        "## Damage",
        "",
        "Each file of a finished and of an unfinished entry, of both indexes, the list of",
        "collections, the settings and the records, in turn: cut to half, emptied, invalid UTF-8,",
        "`null`, a folder in its place, removed, unreadable (for a process without root's rights).",
        "Entry folders removed, renamed, copied by hand, unreadable; file times and entries from",
        "the future and the past; indexes of a newer version or without tables; a full disk.",
        "",
        *table(numbers.damage, DAMAGE),
        *by_kind(numbers.damage),
    ]
    return "\n".join([*lines, *numbers.said]).rstrip() + "\n"


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--damage", action="store_true", help="also every kind of damage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="storms side by side")
    parser.add_argument("--cm", type=Path, default=Path(sys.executable).with_name("cm"))
    parser.add_argument("--numbers", type=Path, help="write them as JSON to this file as well")
    parser.add_argument("--add", type=Path, help="add the numbers that an earlier run has written")
    parser.add_argument("--report", type=Path, help="write the numbers as Markdown to this file")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cache-storm-"))
    began = time.monotonic()
    numbers = storms(given, folder)
    minutes = (time.monotonic() - began) / 60
    if given.add:
        minutes += add(numbers, given, json.loads(given.add.read_text("utf-8")))
    text = report(numbers, given, minutes)
    if given.numbers:
        kept = {**numbers._asdict(), "given": [given.kills, given.rounds], "minutes": minutes}
        given.numbers.write_text(json.dumps(kept), "utf-8")
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
