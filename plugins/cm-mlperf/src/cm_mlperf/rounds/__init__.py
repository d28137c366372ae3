"""What each round of MLPerf inference demands: targets, seeds, scenarios, counts, limits, tests.

The facts stand in `data/<round>.json`, each with the commit of mlcommons/inference they were read
from. Nothing here judges; `cm_mlperf.submission` and the workflow do.
"""

from cm_mlperf.rounds.reader import ROUNDS, Bound, ModelRules, Round, get, newest

__all__ = ["ROUNDS", "Bound", "ModelRules", "Round", "get", "newest"]
