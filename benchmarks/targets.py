"""What is wanted: each target a ratio of two figures of the same benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from generate import CHAIN, FAN, FEW, MANY
from measuring import Figures
from workloads import ENTRIES, RECIPES

CACHED = "run fan-out of {} cached"
UNCACHED = "run fan-out of {} uncached"
COLD = "run fan-out of {} cold"
REFERENCE = {"cm": "cmind", "mlc": "mlcflow"}


class Target(NamedTuple):
    """One line of the table.

    Attributes:
        ours, theirs: the two figures as (text, number); the second is what it is held against.
        limit: greatest ours / theirs, or least theirs / ours where `faster`.
    """

    workload: str
    ours: tuple[str, float | None]
    theirs: tuple[str, float | None]
    limit: float
    faster: bool = False

    @property
    def ratio(self) -> float | None:
        """The figure that is compared with the limit."""
        own, other = self.ours[1], self.theirs[1]
        if own is None or other is None:
            return None
        # A slope below what can be told from nothing is as good as nothing.
        above, below = (other, max(own, 1e-9)) if self.faster else (own, max(other, 1e-9))
        return above / below

    @property
    def met(self) -> bool | None:
        """None when it was not measured."""
        ratio = self.ratio
        if ratio is None:
            return None
        return ratio >= self.limit if self.faster else ratio <= self.limit


def targets(figures: Figures) -> Iterator[Target]:
    """All targets, in the order of the page."""
    cpu = figures.cpu

    def against(
        load: str, other: str, limit: float, engine: str = "cmcore", workload: str = ""
    ) -> Target:
        return Target(workload or load, (load, cpu(load)), (other, cpu(other, engine)), limit)

    def faster(load: str, engine: str, limit: float) -> Target:
        return Target(load, (load, cpu(load)), (engine, cpu(load, engine)), limit, True)

    yield against("--version", "python", 1.3, "floor")
    yield against("--help", "click", 1.1, "floor")
    for name, engine in REFERENCE.items():
        for kind in ("tags", "UID", "alias"):
            yield faster(f"find by {kind}, {name}", engine, {"cm": 2, "mlc": 50}[name])
    for name in REFERENCE:
        yield against(f"find nothing, {name}", f"find by tags, {name}", 1.1)
    yield faster("list all, cm", "cmind", 25)
    least = f"{RECIPES[0]:,}"
    for count in RECIPES[1:]:
        for kind in ("by tags", "by UID", "by alias", "nothing"):
            yield against(f"find {kind}, {count:,}", f"find {kind}, {least}", 1.3)
    for name in REFERENCE:
        yield against(f"first index, {name}", f"parse {name}", 1.5, "floor")
    plain = f"find by tags, {RECIPES[1]:,}"
    yield against(f"{plain}, one edited", plain, 1.2)
    for name in ("small", *REFERENCE):
        yield against(f"run hello, {name}", "python + bash", 2, "floor")
    yield from _slopes(figures)
    chain = f"run chain of {CHAIN} cached"
    yield against(chain, "run one cached", 1.1)
    least = f"run one cached, {ENTRIES[0]:,} entries"
    for count in ENTRIES[1:]:
        yield against(f"run one cached, {count:,} entries", least, 1.2)
    started = figures.processes.get((CACHED.format(FAN), "cmcore"))
    yield Target(
        f"processes started by {CACHED.format(FAN)}",
        ("started", None if started is None else started - 1.0),
        ("the root's own step", 1.0),
        1,
    )
    yield _memory(figures)


def _slopes(figures: Figures) -> Iterator[Target]:
    def slope(load: str, engine: str = "cmcore") -> float | None:
        return figures.slope(load, FEW, MANY, engine)

    one = slope(CACHED)
    for engine in REFERENCE.values():
        theirs = (engine, slope(CACHED, engine))
        yield Target(f"one more cached dependency, {engine}", ("slope", one), theirs, 20, True)
    step = slope(UNCACHED)
    bare = figures.slope("steps {}", FEW, MANY, "floor")
    workload = "one more uncached dependency with a native step"
    yield Target(workload, ("slope", step), ("bash + read-back", bare), 2)
    workload = "one more dependency cold, written to the cache"
    yield Target(workload, ("slope", slope(COLD)), ("uncached slope", step), 3)


def _memory(figures: Figures) -> Target:
    """The workload in which we come closest to what cmind needs, or exceed it most."""
    both: list[tuple[float, str, int, int]] = []
    for (load, engine), _ in figures.samples.items():
        own, theirs = figures.memory(load), figures.memory(load, "cmind")
        if engine == "cmcore" and own and theirs:
            both.append((own / theirs, load, own, theirs))
    if not both:
        return Target("peak memory", ("", None), ("cmind", None), 1)
    _, load, own, theirs = max(both)
    return Target(f"peak memory, worst of {len(both)}: {load}", (load, own), ("cmind", theirs), 1)


#: Why a target can be out of reach: (beginning of the workload, part of it, sentence).
REASONS = (
    (
        "--version",
        "",
        "`--version`: console scripts that pip before 25 writes import `re`, which costs two thirds"
        " of a bare interpreter; the module behind it imports nothing.",
    ),
    *(
        (
            f"find nothing, {name}",
            "",
            "Nothing found: by instructions it costs what a hit costs (112.1 million and 112.5 in"
            " the CM recipes, 115.4 and 115.8 in those of MLCFlow); a difference in time is noise.",
        )
        for name in REFERENCE
    ),
    (
        "find by tags, 10,000",
        "edited",
        "One recipe edited: its file is parsed by PyYAML, whose import alone is 124 million"
        " instructions, three times a bare interpreter; reading the recipe and storing it is 20.",
    ),
    (
        "find",
        "0,000",
        "Searches among many recipes: no answer may be older than the files, and there is no daemon"
        " that could watch them. Each search therefore asks the file system about every recipe, two"
        " `stat` calls for each, which is most of what it takes; the answer itself comes from the"
        " index in the same time as with few. Neither call can be spared: an editor that writes in"
        " place changes the times of the meta file alone, a second meta file those of the folder"
        " alone, and any recipe may come to fit by being edited. A C program that does nothing but"
        " one `stat` of each meta file took 36 ms for 10,000 and 360 ms for 100,000 where a bare"
        " interpreter took 25 ms, so the limit of 1.3 is below what the kernel takes. Paths begin"
        " at the opened folder, which spares a sixth; threads would spare waiting, not work.",
    ),
    (
        "run hello",
        "",
        "A trivial recipe: 125 million instructions where a bare interpreter takes 39. Importing"
        " the 80 modules of the core and the engine that take part is 70 of them: per module 0.4"
        " for finding and opening it and 0.25 for reading its code, before its first line runs."
        " None of `re`, `json`, `enum`, `functools`, `collections` is imported any more; the rest"
        " is the price of small modules in an interpreted language without a daemon.",
    ),
    (
        "one more cached dependency",
        "",
        "One more cached dependency: 2.2 million instructions, spread over some 3,000 calls. Four"
        " tenths are the look-up (by tags in the index, then the entry's own meta, its key and the"
        " files it names compared with what is asked, so that nothing stale is served), a sixth the"
        " choice of the recipe, a third composing its environment, variations and versions by the"
        " references' rules. No single part stands out; half of it would mean not to look.",
    ),
    (
        "one more uncached dependency",
        "",
        "One more uncached dependency: 3.5 million instructions of our own beside 2.5 of bash. 1.2"
        " of them are the look ahead that finds missing recipes, unknown variations and undefined"
        " placeholders before the first step runs: it reads the recipe's code and composes it once"
        " more, because the steps in between may change what it is composed to. The rest is the"
        " choice of the recipe, its environment, three files for bash, and reading back what it"
        " set.",
    ),
    (
        "run chain",
        "",
        "The chain of cached recipes: its root is served from the cache without a look at what is"
        " below, with 1.02 times the instructions of a single one; more than that is noise.",
    ),
)


def reason(target: Target) -> str:
    """The sentence for this target, or ""."""
    for beginning, part, sentence in REASONS:
        if target.workload.startswith(beginning) and part in target.workload:
            return sentence
    return ""
