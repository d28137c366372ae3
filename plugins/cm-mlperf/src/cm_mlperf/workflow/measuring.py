"""`python -m cm_mlperf.workflow.measuring CONFIG.json`: the harness, which ends with its starter.

When the command that started a run is killed, a harness that goes on would disturb the next run on
this machine, and write into its folder.
"""

from __future__ import annotations

import os
import sys

#: prctl option of Linux: the signal for this process when the one that started it ends.
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def end_with(parent: int) -> bool:
    """Have this process killed when its parent ends, where the system can do that.

    Args:
        parent: the process that started this one; when it is gone already, this one ends at once.

    Returns:
        False where the system cannot do it.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    try:
        done = ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    if done == 0 and os.getppid() != parent:
        os._exit(128 + _SIGKILL)
    return bool(done == 0)


def main(words: list[str]) -> int:
    """The command; the exit code is the harness's."""
    from cm_mlperf.harness.__main__ import main as harness

    end_with(os.getppid())
    return harness(words)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
