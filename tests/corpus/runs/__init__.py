"""Published recipes that are really run, in both dialects, and how they are asked for.

Words may hold `{p}` (CM or MLC), `{work}` (the run's folder), `{top}` (all runs' folders) and the
places of a `Stage`. What the reference engines answered is in `recorded/`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

GROUPS = (
    "host",
    "tools",
    "files",
    "python",
    "models",
    "sources",
    "mlperf",
    "small",
    "more",
    "system",
    "last",
)
#: What the reference engines answered, one file per dialect and group.
RECORDED = Path(__file__).resolve().parent.parent / "recorded"


class Run(NamedTuple):
    """One request.

    Attributes:
        name: unique; the folder of the recipe, with a suffix after `+` for a further run of it.
        tags: what is asked for.
        flags: further words of the command line.
        cached: a second run must be served from the cache.
        after: runs that must come before, in the same home.
        says: text that either engine's output must have.
        files: files that must be there afterwards, below the run's folder.
        env: `NAME=value` for the process.
        needs: programs without which the run is skipped.
        only: "cm" or "mlc" when the other dialect lacks the recipe or the request.
        system: it changes the machine: it runs in a sandbox, with the real sudo and apt-get.
        mirror: every web site is the one of `mirror.py`, and checksums of downloads hold.
        beyond: why a reference fails at it where this engine does what the recipe says.
        standin: what on the stage takes the place of the real thing, for the page of recipes.
    """

    name: str
    tags: str
    flags: tuple[str, ...] = ()
    cached: bool = False
    after: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    only: str = ""
    system: bool = False
    mirror: bool = False
    standin: str = ""
    beyond: str = ""

    @property
    def recipe(self) -> str:
        """Folder of the recipe."""
        return self.name.partition("+")[0]

    def words(self) -> tuple[str, ...]:
        """The command line after `run script`."""
        return (f"--tags={self.tags}", *self.flags)


def runs(dialect: str, *groups: str) -> dict[str, tuple[Run, ...]]:
    """`{group: runs}` of one dialect."""
    found = {}
    for group in groups or GROUPS:
        every = import_module(f"runs.{group}").RUNS
        found[group] = tuple(run for run in every if run.only in ("", dialect))
    return found


def recorded(dialect: str) -> dict[str, tuple[Run, ...]]:
    """The same for the groups whose answers of the reference are recorded."""
    there = [group for group in GROUPS if (RECORDED / f"{dialect}-{group}.json").is_file()]
    return runs(dialect, *there) if there else {}
