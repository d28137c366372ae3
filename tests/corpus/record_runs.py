"""Run published recipes in the reference engines and here, show every difference, record.

    nox -s reference-runs [-- --dialect cm --group host --run detect-os --record]

Installs cmind and mlcflow from the package index, each into a fresh environment with a home of its
own. Without `--record` every value on this machine is compared; with it, what the references
answered is written to `recorded/`, less what only this machine has. `--keep FOLDER` keeps homes
and answers for the next call.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import compare_reference
import corpora
import engines
import kit
import runs
import stage as stages
import stage_files

RECORDED = Path(__file__).with_name("recorded")


@contextmanager
def stage_in(folder: Path) -> Iterator[stages.Stage]:
    """A stage with an index of our own wheels, the small one, and those that recipes install."""
    index = folder / "index"
    index.mkdir(exist_ok=True)
    for wheel in stages.wheels().glob("*.whl"):
        if not (index / wheel.name).exists():
            (index / wheel.name).symlink_to(wheel)
    stages.worlds.add_tiny_wheel(index, folder)
    shutil.rmtree(folder / "stage", ignore_errors=True)
    (folder / "stage").mkdir()
    with (
        kit.package_index(index) as served,
        stages.set_up(folder / "stage", served) as stage,
    ):
        yield stage


def our_command(folder: Path, given: str) -> Path:
    """A `cm` to compare: the one named, or one installed from this checkout."""
    if given:
        return Path(given)
    venv = folder / "venv"
    if not venv.exists():
        kit.must(kit.run([sys.executable, "-m", "venv", venv]))
        packages = [str(kit.CHECKOUT / name) for name in kit.PACKAGES]
        kit.must(kit.run([venv / "bin/python", "-m", "pip", "install", "-q", *packages]))
    return venv / "bin" / "cm"


def without_machine(value: Any, key: str = "") -> Any:
    """A recorded answer without what only this machine has."""
    if compare_reference.OF_THE_MACHINE.search(key) or stage_files.OF_THE_MACHINE.search(key):
        return compare_reference.ANY
    if isinstance(value, dict):
        return {name: without_machine(item, name) for name, item in value.items()}
    return value


def complaints(run: runs.Run, outcome: engines.Outcome) -> list[str]:
    """What the run did not leave behind or say although it should."""
    found = [f"does not say {text!r}" for text in run.says if text not in outcome.text]
    return found + [f"left no {name}" for name in run.files if not (outcome.work / name).exists()]


def ask(engine: engines.Engine, run: runs.Run, stage: stages.Stage) -> dict[str, Any]:
    """Run it and sum it up; `tail` has the end of the output."""
    outcome = engine.run(run, stage)
    tail = "\n".join(outcome.text.splitlines()[-12:])
    answer = {**engine.summary(outcome, stage), "tail": tail}
    found = complaints(run, outcome)
    return {**answer, "complaints": found} if found else answer


def main() -> int:
    """Compare or record; exit code 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=("cm", "mlc"))
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--run", action="append", default=[])
    parser.add_argument("--record", action="store_true", help="write recorded/ and stop")
    parser.add_argument("--keep", type=Path, help="folder that keeps homes and answers")
    parser.add_argument("--command", default="", help="the cm to compare")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(exist_ok=True)
        return _all(options.keep.resolve(), options)
    with tempfile.TemporaryDirectory(prefix="runs-") as name:
        return _all(Path(name).resolve(), options)


def _all(scratch: Path, options: argparse.Namespace) -> int:
    count = 0
    for dialect in ("cm", "mlc"):
        if options.dialect in (None, dialect):
            folder = scratch / dialect
            folder.mkdir(exist_ok=True)
            count += _dialect(folder, dialect, options)
    return 1 if count else 0


def _dialect(folder: Path, dialect: str, options: argparse.Namespace) -> int:
    groups = runs.runs(dialect, *options.group)
    answers = folder / "answers.json"
    theirs: dict[str, Any] = json.loads(answers.read_text()) if answers.exists() else {}
    count = 0
    with stage_in(folder) as stage:
        (folder / "reference").mkdir(exist_ok=True)
        reference = engines.reference(dialect, folder / "reference")
        (folder / "ours").mkdir(exist_ok=True)
        for group, every in groups.items():
            for run in every:
                if options.run and run.name not in options.run:
                    continue
                if options.run or run.name not in theirs:
                    theirs[run.name] = ask(reference, run, stage)
                    answers.write_text(json.dumps(theirs, indent=1))
                if not options.record:
                    root = corpora.cm_root() if dialect == "cm" else corpora.mlc_root()
                    command = our_command(folder, options.command)
                    mine = ask(engines.ours(dialect, folder / "ours", command, root), run, stage)
                    count += _report(f"{dialect} {group} {run.name}", theirs[run.name], mine)
            if options.record:
                _write(dialect, group, [run.name for run in every], theirs)
    return count


def _report(title: str, theirs: dict[str, Any], mine: dict[str, Any]) -> int:
    def facts(answer: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in answer.items() if key != "tail"}

    found = compare_reference.differences(facts(theirs), facts(mine))
    failed = [
        f"{who}: {answer.get('ends', '')} {answer.get('complaints', '')}\n{answer['tail']}"
        for who, answer in (("reference", theirs), ("ours", mine))
        if "ends" in answer or "complaints" in answer
    ]
    print(f"{title}: {'same' if not found else ''}", flush=True)
    for line in [*found, *failed]:
        print(f"    {line}", flush=True)
    return bool(found)


def _write(dialect: str, group: str, names: list[str], theirs: dict[str, Any]) -> None:
    RECORDED.mkdir(exist_ok=True)
    facts = {}
    for name in names:
        answer = {key: value for key, value in theirs[name].items() if key != "tail"}
        if "complaints" in answer:
            print(f"{dialect} {name}: {answer['complaints']}, not recorded", flush=True)
            continue
        facts[name] = without_machine(answer)
    text = json.dumps(facts, indent=1, sort_keys=True)
    (RECORDED / f"{dialect}-{group}.json").write_text(text + "\n", encoding="utf-8")
    print(f"{dialect} {group}: {len(facts)} recorded")


if __name__ == "__main__":
    sys.exit(main())
