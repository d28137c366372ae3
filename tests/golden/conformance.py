"""Compare this engine with the reference engines on the published recipes, and write the report.

    nox -s conformance [-- --recordings DIR] [--full] [--number N] [--snapshot NAME=FOLDER ...]

Downloads both recipe collections, then
* loads, lints and plans them, dependencies followed (`--full`: every variation, not one in ten);
* compares our shallow plans with what the reference engines plan. DIR holds recordings
  `plan-<package>-<version>.jsonl[.xz]`; without it both engines are installed into fresh
  environments and asked now (`--full`: everything, otherwise about N cases a collection);
* runs a part of the same requests with `--fake_run --fake_deps` through the engine that runs
  recipes, and compares with its own plans;
* does the comparison for other snapshots of the collections, FOLDER being such a checkout.

What was not measured this time stays in the report as it was. The exit code is 0 when nothing
crashed and every difference is explained. CPU time on one core: 8 minutes, of which 3 for linting;
with `--full` about 50 minutes, half of it the reference engines.
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import compare
import corpora
import explain
import questions
import record
import report
import through
import whole

RESULTS = Path(__file__).with_name("conformance.json")
#: Every so many recorded cases go through the engine that runs recipes.
THROUGH_EACH = 10


def main() -> int:
    options = _options()
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        given = (item.partition("=") for item in options.python)
        engines = Engines(Path(scratch), {dialect: Path(path) for dialect, _, path in given})
        for pin in (corpora.CM, corpora.MLC):
            name = pin.requirement.replace("==", "-")
            if options.only and options.only not in name:
                continue
            root = corpora.cm_root() if pin is corpora.CM else corpora.mlc_root()
            found = record.repository(root)
            entry = results.setdefault("collections", {}).setdefault(name, {})
            entry.update(requirement=pin.requirement, sha256=pin.sha256, dialect=found.dialect)
            key, cases, source = _cases(options, name, found, engines)
            entry[key] = compared(cases, str(found.scripts), source)
            told(name, entry[key])
            entry["through"] = through.check(root, str(found.scripts), cases[::THROUGH_EACH])
            print(f"{name}: {entry['through']}")
            if not options.no_whole:
                before = entry.get("whole", {}).get("refused", [])
                entry["whole"] = whole.check(root, full=options.full, progress=_progress)
                engines.settle(found, entry["whole"]["refused"], before)
                refused = entry["whole"]["refused"]
                print(f"{name}: {entry['whole']['asked']} plans, {len(refused)} refused")
        for label, _, folder in (item.partition("=") for item in options.snapshot):
            found = record.repository(Path(folder))
            cases = engines.ask(found, options.number)
            comparison = compared(cases, str(found.scripts), engines.version(found.dialect))
            results.setdefault("snapshots", {})[label] = comparison
            told(label, comparison)
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    report.write(results)
    return int(bool(report.findings(results)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder with recordings to compare with")
    parser.add_argument("--full", action="store_true", help="everything instead of samples")
    parser.add_argument("--number", type=int, default=800, help="cases of a sample")
    parser.add_argument("--snapshot", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="DIALECT=PYTHON",
        help="interpreter that has the engine for a dialect (cm, mlc), to install nothing",
    )
    parser.add_argument("--only", default="", help="collections whose name holds this text")
    parser.add_argument("--no-whole", action="store_true", help="leave loading and planning out")
    return parser.parse_args()


class Engines:
    """Interpreters with the reference engines, made when they are needed."""

    def __init__(self, folder: Path, known: dict[str, Path]) -> None:
        self.folder = folder
        self.known = known

    def python(self, dialect: str) -> Path:
        """The interpreter for a dialect."""
        if dialect not in self.known:
            self.known[dialect] = record.environment_for(dialect, self.folder / dialect)
        return self.known[dialect]

    def version(self, dialect: str) -> str:
        """Name and version of the engine for a dialect."""
        return record.engine_version(dialect, self.python(dialect))

    def ask(self, found: record.Repository, number: int) -> list[dict[str, Any]]:
        """Record about `number` cases (0: all)."""
        made = list(questions.questions(record.recipes(found), found.dialect))
        chosen = questions.sample(made, number)
        return list(record.answers(found, chosen, self.python(found.dialect)))

    def settle(
        self,
        found: record.Repository,
        refused: list[dict[str, str]],
        before: list[dict[str, str]],
    ) -> None:
        """Put the requests that make plans fail to the reference engine, too.

        Each entry of `refused` gets `reference`: its error, or "" where it has none. Without a
        network, what `before` says of the same request holds.
        """
        said = {one["asked"]: one["reference"] for one in before if "reference" in one}
        asked = sorted({entry["asked"] for entry in refused})
        blank = {"kind": "refused", "script": "", "uid": "", "args": [], "cmd": "", "path": "/-"}
        cases = [{"id": tags, "tags": tags, **blank} for tags in asked]
        try:
            python = self.python(found.dialect)
        except subprocess.CalledProcessError:
            print(f"{record.ENGINES[found.dialect]} cannot be installed; it was not asked again")
        else:
            for case in record.answers(found, cases, python):
                error = str(case["shallow"].get("error", ""))
                said[case["id"]] = " ".join(error.split())[:200]
        for entry in refused:
            if entry["asked"] in said:
                entry["reference"] = said[entry["asked"]]


def _cases(
    options: argparse.Namespace, name: str, found: record.Repository, engines: Engines
) -> tuple[str, list[dict[str, Any]], str]:
    """Where the comparison is kept, its cases, and what they come from."""
    if options.recordings:
        for suffix in (".jsonl.xz", ".jsonl"):
            path = options.recordings / f"plan-{name}{suffix}"
            if path.is_file():
                return "recorded", list(compare.read_cases(str(path))), f"recording {path.name}"
        raise SystemExit(f"{options.recordings} holds no recording plan-{name}.jsonl.xz")
    number = 0 if options.full else options.number
    return "asked", engines.ask(found, number), engines.version(found.dialect)


def compared(cases: Iterable[dict[str, Any]], scripts: str, source: str) -> dict[str, Any]:
    """Compare cases: agreement by kind, cases by the rule that explains them, and what is open."""
    recipes = compare.Recipes(scripts)
    kinds: dict[str, dict[str, int]] = collections.defaultdict(lambda: {"cases": 0, "agree": 0})
    rules: dict[str, set[str]] = collections.defaultdict(set)
    unexplained: dict[str, list[str]] = {}
    hidden = 0
    for case in cases:
        kinds[case["kind"]]["cases"] += 1
        outcome = compare.compare(case, recipes)
        kinds[case["kind"]]["agree"] += not outcome.differences
        if not outcome.differences and case["shallow"]["rc"] == 0:
            hidden += compare.lists_more(case, recipes)
        for difference in outcome.differences:
            rule = explain.explain(case, outcome, difference, recipes)
            if rule:
                rules[rule].add(case["id"])
            else:
                told = f"{difference.name}\n{difference.detail}"
                unexplained.setdefault(case["id"], []).append(told)
    return {
        "source": source,
        "kinds": dict(kinds),
        "rules": {rule: sorted(ids) for rule, ids in rules.items()},
        "open": unexplained,
        "hidden": hidden,
    }


def told(name: str, comparison: dict[str, Any]) -> None:
    """Say on the terminal what a comparison found."""
    kinds = comparison["kinds"].values()
    total, agree = sum(k["cases"] for k in kinds), sum(k["agree"] for k in kinds)
    print(f"{name}: {agree} of {total} cases agree in full, {len(comparison['open'])} are open")
    for case, details in comparison["open"].items():
        print(f"--- {case}", *details, sep="\n")


def _progress(number: int) -> None:
    if number % 200 == 0:
        print(f"  {number} plans", flush=True)


if __name__ == "__main__":
    sys.exit(main())
