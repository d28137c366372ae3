"""`python -m cm_mlperf.workflow.preparing KIND FOLDER TARGET [COUNT]`: prepare a data set."""

from __future__ import annotations

import sys

from cmcore.errors import CmError, UsageError


def main(words: list[str]) -> int:
    """The command; 0, or 3 with a sentence on stderr."""
    from cm_mlperf.workflow.preparing import classes, detection, squad

    makers = {
        "imagenet": classes.prepare,
        "openimages": detection.prepare,
        "coco": detection.prepare,
        "squad": squad.prepare,
    }
    try:
        kind, folder, target = words[:3]
        if kind not in makers:
            raise UsageError(f"there is no way to prepare '{kind}'")
        makers[kind](folder, target, int(words[3]) if len(words) > 3 else 0)
    except CmError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
