"""`python -m cm_mlperf.workflow.judging CONFIG.json`: how many answers of a run were right.

Reads the log of the accuracy run that the configuration describes, and writes accuracy.txt (as the
rules want it) and accuracy.json (for the workflow) beside it.
"""

from __future__ import annotations

import os
import sys

from cmcore.errors import CmError
from cmcore.hints import Any


def judge(config: dict[str, Any]) -> dict[str, Any]:
    """Judge one accuracy run.

    Returns:
        What accuracy.json holds: metric, value, unit, good, samples.

    Raises:
        CmError: the log or the data set cannot be read, or does not fit.
    """
    from cm_mlperf import accuracy, logs
    from cm_mlperf.harness import data
    from cm_mlperf.workflow import outcome, tree
    from cm_mlperf.workflow.fetch import sha256

    folder = config["output"]
    log = os.path.join(folder, logs.ACCURACY)
    if not isinstance(config["dataset"], str):
        raise CmError("random numbers have no right answers: there is no accuracy to judge")
    dataset = data.read(config["dataset"], config.get("count"))
    found = accuracy.evaluate(log, dataset)
    facts = {
        "metric": found.metric,
        "value": found.value,
        "unit": found.unit,
        # A measure that is no count of right answers has none.
        "good": found.good if found.good >= 0 else None,
        "samples": found.total,
    }
    text = f"{found.text}\nhash={sha256(log)}\n"
    tree.write_text(os.path.join(folder, outcome.ACCURACY_TEXT), text)
    tree.write_json(os.path.join(folder, outcome.ACCURACY_FACTS), facts)
    return facts


def main(words: list[str]) -> int:
    """The command; 0, or 3 with a sentence on stderr."""
    from cmcore.storage import read_json

    try:
        config = read_json(words[0])
        judge(config if isinstance(config, dict) else {})
    except CmError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
