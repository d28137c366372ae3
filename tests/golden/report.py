"""The conformance report, from the results that `conformance.py` keeps."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import explain

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/conformance.md"

HEAD = """\
# Conformance with the reference engines

`nox -s conformance` writes this page: it takes the published recipe collections, asks this engine
and the reference engines (`cmind` with the `script` automation that a CM collection carries,
`mlcflow` with its own engine) what they would run, and compares. The numbers are kept in
`tests/golden/conformance.json`, the rules that explain differences in `tests/golden/explain.py`
and `explained.json`: a rule is a test on request, meta and plan, not a list of cases, so it holds
for other snapshots of the collections too.
"""

COMPARED = """\
## Plans beside the references' plans

One case is one recipe with one request: as it is, with each variation, each version, every mapped
flag, picks from several groups, two of one group (must fail), a default ruled out, an unknown
variation (must fail), edits of dependencies, variables. Compared are the recipe chosen, its
variations, the dependencies whose conditions hold with tags and entries, the environment before
the export filter, what is exported, and the version.
"""

WHOLE = """\
## Whole plans

Every recipe and variation is loaded, linted and planned with `cm plan script`, dependencies
followed. A plan is refused when a request below it cannot be met; that request was then put to the
reference engine.
"""

SWITCHED_OFF = """\
## Through the engine that runs

With dependencies switched off the reference engines lose variables that dependencies do not see
(versions, `*_GIT_*`, `*_INPUT`, values with open placeholders) at the first dependency, and do not
assert constants after it. Dependencies listed later then lack tags that a run would give them. The
comparison above does the same to be exact; `cm run script --fake_run --fake_deps` does not: it
shows what a run does. Here its answers are compared with plans made that way.
"""


def write(results: Mapping[str, Any], page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(text(results), encoding="utf-8")


def text(results: Mapping[str, Any]) -> str:
    """The page as Markdown; the same results give the same text."""
    collections_ = results.get("collections", {})
    parts = [HEAD, *_collections(collections_), COMPARED, *_compared(comparisons(results))]
    parts += ["## Other snapshots\n", *_snapshots(results.get("snapshots", {}))]
    parts += [SWITCHED_OFF, *_through(collections_), WHOLE, *_whole(collections_)]
    parts += ["## The differences, rule by rule\n", *_rules(results)]
    return "\n".join(parts)


def findings(results: Mapping[str, Any]) -> list[str]:
    """What must not be there: crashes, and differences without an explanation."""
    found = []
    for name, entry in results.get("collections", {}).items():
        found += [f"{name}: {case}" for case in entry.get("through", {}).get("differ", ())]
        whole = entry.get("whole", {})
        found += [f"{name}: {crash}" for crash in whole.get("crashes", ())]
        found += [f"{name}: {one['id']}" for one in whole.get("refused", ()) if _ours_alone(one)]
    compared = {**comparisons(results), **results.get("snapshots", {})}
    found += [f"{name}: {case}" for name, entry in compared.items() for case in entry["open"]]
    return found


def comparisons(results: Mapping[str, Any]) -> dict[str, Any]:
    """Comparisons of the two collections: with recordings, and with requests of our own."""
    titles = {"recorded": "recording", "asked": "own requests"}
    return {
        f"{name}, {title}": entry[key]
        for name, entry in sorted(results.get("collections", {}).items())
        for key, title in titles.items()
        if key in entry
    }


def _ours_alone(refused: Mapping[str, str]) -> bool:
    return refused.get("reference") == ""


def _collections(entries: Mapping[str, Any]) -> Iterator[str]:
    yield "| collection | SHA-256 | recipes | variations |\n|---|---|---|---|"
    for _, entry in sorted(entries.items()):
        whole = entry.get("whole", {})
        yield (
            f"| {entry['requirement']} | `{entry['sha256'][:12]}...` | {whole.get('recipes', '')} "
            f"| {whole.get('variations', '')} |"
        )
    yield ""


def _compared(entries: Mapping[str, Any]) -> Iterator[str]:
    names = list(entries)
    kinds = sorted({kind for name in names for kind in entries[name]["kinds"]})
    yield "| kind of request | " + " | ".join(names) + " |"
    yield "|---|" + "---|" * len(names)
    yield "| reference | " + " | ".join(entries[name]["source"] for name in names) + " |"
    total: collections.Counter[tuple[str, str]] = collections.Counter()
    for kind in kinds:
        cells = []
        for name in names:
            numbers = entries[name]["kinds"].get(kind, {"cases": 0, "agree": 0})
            total.update({(name, key): value for key, value in numbers.items()})
            cells.append(f"{numbers['agree']} of {numbers['cases']}" if numbers["cases"] else "")
        yield f"| {kind} | " + " | ".join(cells) + " |"
    for title, key in (("cases", "cases"), ("agree in full", "agree")):
        yield f"| **{title}** | " + " | ".join(str(total[name, key]) for name in names) + " |"
    for title, count in (("explained by a rule below", False), ("open", True)):
        cells = [str(len(_cases(entries[name], count))) for name in names]
        yield f"| **{title}** | " + " | ".join(cells) + " |"
    yield ""


def _cases(comparison: Mapping[str, Any], are_open: bool) -> set[str]:
    opened = set(comparison["open"])
    if are_open:
        return opened
    return {case for ids in comparison["rules"].values() for case in ids} - opened


def _snapshots(entries: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "The same with other states of the collections, each with its own requests, which were "
        "put\nto the reference engine anew.\n"
    )
    yield "| snapshot | reference | cases | agree in full | explained | open |"
    yield "|---|---|---|---|---|---|"
    for name, entry in sorted(entries.items()):
        kinds = entry["kinds"].values()
        cells = [name, entry["source"], sum(k["cases"] for k in kinds)]
        cells += [sum(k["agree"] for k in kinds), len(_cases(entry, False)), len(entry["open"])]
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield ""


def _through(entries: Mapping[str, Any]) -> Iterator[str]:
    for name, entry in sorted(entries.items()):
        through = entry.get("through")
        if through:
            differ = ", ".join(through["differ"]) or "none"
            yield f"- {name}: {through['asked']} requests; different: {differ}."
        if "recorded" in entry:
            yield (
                f"- {name}: in {entry['recorded'].get('hidden', 0)} of the recorded cases a run "
                "lists tags that the reference\n  loses when dependencies are switched off."
            )
    yield ""


def _whole(entries: Mapping[str, Any]) -> Iterator[str]:
    for name, entry in sorted(entries.items()):
        whole = entry.get("whole")
        if not whole:
            continue
        what = "every recipe and variation" if whole["full"] else "every recipe, some variations"
        refused, crashes = whole["refused"], whole["crashes"]
        yield f"### {name}\n"
        found = whole["lint"]
        levels = [level for level in ("error", "warning", "note") if level in found]
        lint = ", ".join(f"{found[level]} {level}s" for level in levels)
        yield (
            f"{whole['recipes']} recipes loaded and linted ({lint}; errors are listed in "
            f"corpus-findings.md).\n{whole['asked']} plans ({what}): "
            f"{whole['asked'] - len(refused) - len(crashes)} complete, {len(refused)} refused, "
            f"{len(crashes)} crashed.\n"
        )
        yield from _refused(refused)


def _refused(refused: Sequence[Mapping[str, str]]) -> Iterator[str]:
    grouped: dict[tuple[str, str, str], list[str]] = collections.defaultdict(list)
    for one in refused:
        key = (one["asked"], _cell(one["error"]), _cell(one.get("reference", "not asked")))
        grouped[key].append(one["id"])
    if not grouped:
        return
    yield "| request that cannot be met | here | in the reference | plans refused |"
    yield "|---|---|---|---|"
    for (asked, ours, theirs), ids in sorted(grouped.items()):
        shown = ", ".join(f"`{case}`" for case in sorted(ids)[:3])
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        yield f"| `{asked}` | {ours} | {theirs or '**works**'} | {shown}{more} |"
    yield ""


def _cell(sentence: str) -> str:
    short = re.sub(r"/\S*/", "", " ".join(sentence.split()))
    short = re.sub(r"\s*(with variations dict_keys|Valid groups are).*", " ...", short)
    return (short if len(short) < 160 else short[:157] + "...").replace("|", "\\|")


def _rules(results: Mapping[str, Any]) -> Iterator[str]:
    texts = explain.load()
    own = comparisons(results)
    places = {**own, **results.get("snapshots", {})}
    for rule, said in texts.items():
        hits = {
            name: entry["rules"][rule] for name, entry in places.items() if rule in entry["rules"]
        }
        if not hits:
            continue
        yield f"### {rule}: {said['what']}\n"
        yield f"- The reference {said['reference']}.\n- Here: {said['why']}"
        for name, ids in sorted(hits.items()):
            if name in own:
                yield f"- {name}, {len(ids)}: " + "; ".join(_by_recipe(ids)) + "."
            else:
                recipes = sorted({case.partition("#")[0] for case in ids})
                yield f"- {name}, {len(ids)}: " + ", ".join(recipes) + "."
        yield ""


def _by_recipe(ids: Sequence[str]) -> Iterator[str]:
    recipes: dict[str, list[str]] = collections.defaultdict(list)
    for case in ids:
        recipe, _, what = case.partition("#")
        recipes[recipe].append(f"`{what}`")
    for recipe, asked in sorted(recipes.items()):
        yield f"{recipe} " + " ".join(asked)
