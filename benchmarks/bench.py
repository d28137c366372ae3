"""CPU time, memory and processes of commands, beside cmind, mlcflow, cmeta and the floor.

    nox -s bench [-- --work DIR --rounds 9 --quick --without mlcflow]

writes docs/reference/speed.md and speed.svg. `--work` names a folder in which environments and
big generated collections stay for the next benchmark; delete it to begin anew. `--quick` leaves
out what takes long. `--again` writes the page from the last samples, `--only` measures a part.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import chart
import kit
import places
import report
import workloads
from measuring import Cell, Figures, measure

REFERENCE = kit.CHECKOUT / "docs/reference"


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float, default=60, help="seconds for one cell")
    parser.add_argument("--work", type=Path, help="folder kept for the next benchmark")
    parser.add_argument("--output", type=Path, default=REFERENCE, help="folder of page and chart")
    parser.add_argument("--quick", action="store_true", help="no 100,000s, references no 10,000")
    parser.add_argument("--again", action="store_true", help="only write the page again")
    parser.add_argument("--only", default="", help="only workloads with this text, and the floor")
    parser.add_argument("--without", nargs="*", default=[], choices=places.REFERENCES)
    parser.add_argument(
        "--venv", nargs="*", default=[], metavar="ENGINE=FOLDER", help="instead of a fresh one"
    )
    return parser.parse_args()


def cells(chosen: argparse.Namespace, work: Path, figures: Figures) -> list[Cell]:
    """Everything that is measured, with all that it needs made."""
    own = Path(sys.prefix)
    given = dict(word.split("=", 1) for word in chosen.venv)
    ours = places.Engine(work, Path(given.get("cmcore", own)))
    found = [*workloads.floor(work, ours.venv, ours.corpus)]
    found += workloads.everything(ours, quick=chosen.quick)
    figures.facts = places.machine()
    versions = [ours.version()]
    for name, requirement in places.REFERENCES.items():
        if name in chosen.without:
            continue
        try:
            venv = given.get(name) or places.make_venv(work / f"venv-{name}", requirement)
        except AssertionError as error:
            print(f"{name} left out: {str(error).splitlines()[-1]}", file=sys.stderr)
            continue
        if name == "cmeta":
            found += workloads.cmeta(work, Path(venv))
        else:
            engine = {"cmind": places.Cmind, "mlcflow": places.Mlcflow}[name](work, Path(venv))
            found += workloads.everything(engine, quick=chosen.quick)
        versions.append(requirement.replace("==", "-"))
    figures.facts["measured"] = ", ".join(versions)
    return [cell for cell in found if cell.engine == "floor" or chosen.only in cell.load]


def main() -> int:
    """Measure and write; 1 when a workload of ours did not do its work."""
    chosen = options()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        work = (chosen.work or Path(name)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if chosen.again:
            figures = Figures.load(work / "samples.json")
        else:
            figures = Figures()
            todo = cells(chosen, work, figures)
            measure(todo, chosen.rounds, chosen.limit, work, figures)
            figures.facts["load at the end"] = f"{os.getloadavg()[0]:.1f}"
            figures.facts["rounds"] = f"at most {chosen.rounds}"
            figures.save(work / "samples.json")
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "speed.md").write_text(report.page(figures), encoding="utf-8")
    (chosen.output / "speed.svg").write_text(chart.chart(figures), encoding="utf-8")
    print(f"{chosen.output / 'speed.md'} and speed.svg")
    return int(any(engine == "cmcore" for _, engine in figures.failed))


if __name__ == "__main__":
    sys.exit(main())
