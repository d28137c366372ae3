"""All points of a request, one after the other, and what is told about them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from cm_mlperf.workflow import job as jobs
from cm_mlperf.workflow import names, options, point, record, request, table
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.workflow.job import Job

_OTHER_PARTS = ("adr", "add_deps_recursive")


def from_recipe(i: dict[str, Any]) -> dict[str, Any]:
    """Recipe run-mlperf-inference-cm: measure everything that was asked for.

    Returns:
        `return` 0, 1 when a run is INVALID or an accuracy is missed, or the number of an error.
    """
    env, state = i["env"], i["state"]
    try:
        wishes = options.check(
            options.from_variables(env), str(env.get("CM_TMP_CURRENT_PATH") or "")
        )
        request.refuse_elsewhere(wishes)
        job = jobs.gather(wishes, env, state)
        results = measure(job, _around(i, long=wishes.execution_mode != "test"))
    except CmError as error:
        return {"return": error.code, "error": request.sentence(error)}
    state["mlperf_results"] = results
    env["CM_MLPERF_RESULTS_DIR"] = job.root
    return {"return": 0}


def measure(job: Job, around: point.Around) -> list[dict[str, Any]]:
    """Measure every scenario of a job.

    Raises:
        CmError: a run failed; points that were finished before stay.
    """
    wishes = job.wishes
    stamp = record.STAMPS[wishes.execution_mode]
    around.tell(
        f"{wishes.model} ({wishes.precision}) on {wishes.device} with {job.backend['name']} "
        f"{job.backend['version']}, LoadGen {job.loadgen}" + (f"; {stamp}" if stamp else "")
    )
    results = []
    for scenario in wishes.scenarios:
        result = point.measure(job, scenario, around)
        if result:
            results.append(result)
    if results:
        sys.stdout.write(table.of(job, results))
        sys.stdout.flush()
    return results


def _around(i: Mapping[str, Any], *, long: bool) -> point.Around:
    """Runs are recipes; lines go to stderr, where a terminal also shows what is being done.

    Without a terminal the beginning of a run is told when it takes a minute and more.
    """
    terminal = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    given = i.get("input") or {}
    parts = {key: given[key] for key in _OTHER_PARTS if given.get(key)}

    def tell(text: str) -> None:
        sys.stderr.write(("\r\x1b[2K" if terminal else "") + text + "\n")
        sys.stderr.flush()

    def doing(text: str) -> None:
        if terminal:
            sys.stderr.write("\r\x1b[2K" + text)
            sys.stderr.flush()
        elif long:
            tell(text)

    def run(config: str, settings: str, mode: str) -> None:
        answer = i["automation"].run(
            {
                "tags": "measure,mlperf-point",
                "env": {
                    "CM_MLPERF_POINT_CONFIG": config,
                    "CM_MLPERF_POINT_SETTINGS": settings,
                    "CM_MLPERF_POINT_MODE": mode,
                },
                # A folder of its own: steps of two measurements in one folder would wait in turn.
                "outdirname": os.path.dirname(config),
                "quiet": True,
                "silent": True,
                **parts,
            }
        )
        if answer["return"]:
            if terminal:
                sys.stderr.write("\r\x1b[2K")
            raise CmError(str(answer.get("error")), code=int(answer["return"]))
        _tidy(os.path.dirname(config))

    return point.Around(run, tell, doing)


def _tidy(folder: str) -> None:
    """Take away what the engine wrote for the step; after a failure it stays, to be looked at."""
    for name in os.listdir(folder):
        if name.startswith("tmp-"):
            os.remove(os.path.join(folder, name))


def planned(wishes: options.Wishes) -> list[dict[str, Any]]:
    """The points of a request, for a plan: scenario, modes, about how long."""
    seconds = {"test": 3, "fast": 65, "valid": 660}[wishes.execution_mode]
    return [
        {
            "model": wishes.model,
            "scenario": scenario,
            "modes": list(wishes.modes),
            "execution_mode": wishes.execution_mode,
            "about_seconds": seconds,
            "folder": os.path.join(
                f"{wishes.execution_mode}_results", "...", wishes.model, names.SCENARIOS[scenario]
            ),
        }
        for scenario in wishes.scenarios
    ]
