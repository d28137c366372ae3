"""Compare our shallow plans with one recording of a reference engine.

    python run_golden.py RECORDED.jsonl[.xz] RECIPES [--show CLASS] [--only TEXT] [--limit N]

RECIPES is the folder with the recipe folders. Printed are the number of cases per class of
difference and per rule that explains differences and, with --show, each open case of a class. The
exit code is 0 when every case agrees or differs for a reason that `explained.json` gives.
"""

from __future__ import annotations

import argparse
import collections
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import compare
import explain


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recorded")
    parser.add_argument("recipes")
    parser.add_argument("--show", default="", help="print the open cases of this class")
    parser.add_argument("--only", default="", help="cases whose id holds this text")
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    recipes = compare.Recipes(options.recipes)
    classes: collections.Counter[str] = collections.Counter()
    rules: collections.Counter[str] = collections.Counter()
    shown = total = agree = 0
    for case in compare.read_cases(options.recorded):
        if options.only not in case["id"]:
            continue
        total += 1
        outcome = compare.compare(case, recipes)
        agree += not outcome.differences
        found = [(d, explain.explain(case, outcome, d, recipes)) for d in outcome.differences]
        rules.update({rule for _, rule in found if rule})
        unexplained = [difference for difference, rule in found if not rule]
        classes.update({difference.name for difference in unexplained})
        for name, detail, *_ in unexplained:
            if options.show and options.show in name and shown < options.limit:
                shown += 1
                print(f"--- {case['id']} [{name}]\n{detail}")
    for name, count in classes.most_common():
        print(f"{count:7} cases differ: {name}")
    texts = explain.load()
    for rule, count in rules.most_common():
        print(f"{count:7} cases explained: {rule}: {texts[rule]['what']}")
    print(f"{agree:7} of {total} cases agree in full")
    return int(bool(classes))


if __name__ == "__main__":
    sys.exit(main())
