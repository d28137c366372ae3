"""One point: measured until it is VALID or nothing more can be done, judged, and written down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from cm_mlperf.workflow import configuration, modes, outcome, record, retry, tree
from cm_mlperf.workflow import job as jobs
from cm_mlperf.workflow.modes import Settings
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.compliance.verify import Verdict
    from cm_mlperf.workflow.job import Job

#: Seconds that the second, longer look at an Offline target takes.
_LOOK_SECONDS = 5


class Around(NamedTuple):
    """What a point needs from outside.

    Attributes:
        run: makes one LoadGen run; takes configuration file, settings file and mode, and raises
            CmError when the run did not come to its end.
        tell: called with one line about what has happened.
        doing: called with a few words before something that takes a while.
    """

    run: Callable[[str, str, str], None]
    tell: Callable[[str], None]
    doing: Callable[[str], None]


def measure(job: Job, scenario: str, around: Around) -> dict[str, Any]:
    """Measure one scenario in the wanted modes.

    Returns:
        The result, in the form of `cm-result.json`, which is written as well.

    Raises:
        CmError: a run failed; what earlier runs of the point left stays, without a result file.
    """
    from cmcore.storage import lock

    point = tree.Point(job.root, job.wishes.execution_mode, job.system, job.wishes.model, scenario)
    with lock(
        point.lock,
        what=f"{job.wishes.model} {scenario}",
        on_wait=around.tell,
    ):
        return _Point(job, point, around).measured()


class _Point:
    """The state of one point on its way."""

    def __init__(self, job: Job, point: tree.Point, around: Around) -> None:
        self.job = job
        self.point = point
        self.around = around
        self.scenario = point.scenario
        self.demand = modes.rules(
            job.wishes.round,
            "" if job.model["loadgen"] == job.wishes.model == "digits" else job.model["loadgen"],
            job.wishes.model,
            self.scenario,
        )
        self.tuned = tree.tuned(job.root, point.system, point.model, point.scenario)
        self.common = jobs.made_from(job)
        self.asked = jobs.asked_of_performance(job.wishes, self.scenario)

    def measured(self) -> dict[str, Any]:
        wanted = [mode for mode in ("performance", "accuracy") if mode in self.job.wishes.modes]
        if "find_performance" in self.job.wishes.modes:
            self._find()
        if not wanted:
            return {}
        old = {} if self.job.wishes.rerun else tree.finished(self.point) or {}
        kept = self._kept(old)
        missing = tuple(mode for mode in wanted if mode not in kept)
        if not missing and not (self.job.wishes.compliance and not old.get("compliance")):
            self.around.tell(f"{self._name()} kept as it is: {record.told(old)}")
            return old
        tree.clear(self.point, missing)
        result = record.begun(self.job, self.point, self.common, self.asked)
        for mode in kept:
            result[mode] = old[mode]
        result["settings"] = old.get("settings", {}) if "performance" in kept else {}
        if "performance" in missing:
            result["performance"], settings = self._performance()
            result["settings"] = record.settings(self.job, settings, result["performance"])
        if "accuracy" in missing:
            result["accuracy"] = self._accuracy()
        if self.job.wishes.compliance:
            result["compliance"] = self._compliance(result)
        record.finish(result, self.job, self.demand)
        record.write(result, self.job, self.point)
        return result

    def _kept(self, old: Mapping[str, Any]) -> list[str]:
        """Modes whose earlier outcome answers for this request."""
        made = old.get("made_from") or {}
        if made.get("common") != self.common:
            return []
        kept = []
        performance, accuracy = old.get("performance") or {}, old.get("accuracy") or {}
        if performance.get("valid") and made.get("performance") == self.asked:
            kept.append("performance")
        if accuracy.get("value") is not None:
            kept.append("accuracy")
        return [mode for mode in kept if os.path.isdir(self.point.run(mode))]

    def _performance(self) -> tuple[dict[str, Any], Settings]:
        wishes = self.job.wishes
        settings = modes.performance(
            wishes, self.scenario, self.demand, self.job.sample_count, self.tuned
        )
        if modes.needs_probe(wishes, self.scenario, settings):
            settings = self._probed(settings)
        invalid: list[tuple[Settings, dict[str, Any]]] = []
        while True:
            found = self._run("performance", settings, self.point.run("performance"))
            if found["valid"]:
                break
            invalid.append((settings, found))
            better = retry.adjusted(self.scenario, settings, found)
            why = record.first_reason(found)
            if better is None or not retry.another(invalid):
                self.around.tell(f"{self._name()} INVALID: {why}")
                break
            said = record.difference(settings, better)
            self.around.tell(f"{self._name()} INVALID: {why}; once more with {said}")
            settings = better
        if found["valid"]:
            told = record.told_performance(found)
            self.around.tell(f"{self._name()} performance  {told}, VALID")
        self._remember(settings, found)
        return found, settings

    def _remember(self, settings: Settings, found: Mapping[str, Any]) -> None:
        targets = retry.measured_targets(self.scenario, settings, found)
        if not targets or not found["valid"]:
            return
        # A test run is too short to say how fast the machine is, unless nothing better is known.
        if self.tuned and self.job.wishes.execution_mode == "test":
            return
        if self.job.wishes.execution_mode == "test":
            return
        self._note(targets, found)

    def _note(self, targets: Mapping[str, float], found: Mapping[str, Any]) -> None:
        tree.remember(
            self.point,
            {
                **targets,
                "measured": found.get("value"),
                "unit": found.get("unit"),
                "execution_mode": self.job.wishes.execution_mode,
                "time": record.now(),
            },
        )

    def _probed(self, settings: Settings) -> Settings:
        """Fill in the target from a short look at this machine."""
        self.around.doing(f"{self._name()} how fast is this machine? ...")
        scenario = "SingleStream" if self.scenario == "Server" else self.scenario
        folder = os.path.join(self.point.folder, "probe")
        look = modes.probe(settings, scenario, modes.TEST_SAMPLES // 8)
        found = self._run("performance", look, folder, scenario)
        if scenario == "Offline" and found.get("value"):
            # The first look may be over before the machine is warm.
            longer = max(modes.TEST_SAMPLES // 8, round(found["value"] * _LOOK_SECONDS))
            found = self._run("performance", modes.probe(settings, scenario, longer), folder)
        if self.scenario == "Server":
            mean = (found.get("latency_ns") or {}).get("mean")
            if not mean:
                raise CmError("a look at this machine measured no latency", where=folder)
            return settings._replace(target_qps=retry.server_start(mean))
        targets = retry.measured_targets(self.scenario, settings, found)
        return Settings(**{**settings.as_dict(), **targets})

    def _find(self) -> None:
        settings = modes.performance(
            self.job.wishes, self.scenario, self.demand, self.job.sample_count, self.tuned
        )
        if self.scenario != "Server":
            targets = self._probed(settings)
            kept = {
                key: value
                for key in ("target_qps", "target_latency_ms")
                if (value := getattr(targets, key)) is not None
            }
            self._note(kept, {})
            self.around.tell(
                f"{self._name()} found {record.difference(Settings(), Settings(**kept))}"
            )
            return
        if settings.target_qps is None:
            settings = self._probed(settings)
        settings = modes.search(settings, self.job.wishes)
        found = self._run("find_performance", settings, self.point.run("find_performance"))
        value = found.get("value")
        if not value:
            raise CmError(f"LoadGen found no peak: {record.first_reason(found)}")
        self._note({"target_qps": float(f"{value:.3g}")}, found)
        self.around.tell(f"{self._name()} found target_qps {float(f'{value:.3g}'):,g}")

    def _accuracy(self) -> dict[str, Any]:
        if isinstance(self.job.samples, dict):
            raise CmError(
                "accuracy needs a data set with labels, and there is none",
                hint="--dataset_path=FOLDER names one, --mode=performance does without",
            )
        settings = modes.accuracy(
            self.job.wishes, self.scenario, self.demand, self.job.sample_count, self.tuned
        )
        found = self._run("accuracy", settings, self.point.run("accuracy"))
        target = self.demand.accuracy if self.demand.accuracy is not None else self.job.target
        found["target"] = target
        found["met"] = None if target is None else found["value"] >= target
        self.around.tell(f"{self._name()} accuracy     {record.told_accuracy(found)}")
        return found

    def _compliance(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The compliance tests that the round wants; their folders are a part of the point."""
        from cm_mlperf import rounds
        from cm_mlperf.compliance import run

        if not result["performance"] or not result["accuracy"]:
            raise CmError("--compliance needs a performance run and an accuracy run")
        found = {}
        name = modes.known_round(self.job.wishes.round)
        official = rounds.get(name).official(self.job.wishes.model)
        for test in run.tests_of(name, self.job.wishes.model):
            self.around.doing(f"{self._name()} {test} ...")
            verdict = run.run(self.point.folder, test, model=official)
            found[test] = {
                "passed": verdict.passed,
                "accuracy": verdict.accuracy,
                "performance": verdict.performance,
            }
            told = "passed" if verdict.passed else f"FAILED: {_why(verdict)}"
            self.around.tell(f"{self._name()} {test}       {told}")
        return found

    def _run(
        self, mode: str, settings: Settings, folder: str, scenario: str = ""
    ) -> dict[str, Any]:
        """One LoadGen run, and what its logs say."""
        from cmcore.storage import remove_tree

        scenario = scenario or self.scenario
        for old in (folder, folder + ".tmp"):
            if os.path.isdir(old):
                remove_tree(old)
        self.around.doing(f"{self._name()} {mode} ...")
        config, wanted = configuration.write(self.job, self.point, mode, scenario, settings, folder)
        began = time.monotonic()
        self.around.run(config, wanted, mode)
        found = (
            outcome.accuracy(folder)
            if mode == "accuracy"
            else outcome.performance(folder, scenario)
        )
        found["run"] = os.path.relpath(folder, self.point.folder)
        found["wall_s"] = round(time.monotonic() - began, 2)
        return found

    def _name(self) -> str:
        return f"{self.scenario:<12}"


def _why(verdict: Verdict) -> str:
    """The lines of a verdict that say what was wrong."""
    lines = (verdict.accuracy_text + verdict.performance_text).splitlines()
    return "; ".join(line for line in lines if line and not line.startswith("TEST PASS"))
