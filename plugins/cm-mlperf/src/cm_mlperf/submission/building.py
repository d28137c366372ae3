"""Writing a submission tree from chosen results."""

from __future__ import annotations

import os

from cm_mlperf.submission import notes, truncating
from cm_mlperf.submission.layout import (
    ACCURACY_LOG,
    ACCURACY_TEXT,
    DETAIL,
    POWER_FILES,
    STAMP,
    SUMMARY,
    Place,
)
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.rounds import Round
    from cm_mlperf.submission.gathering import Candidate


class Plan(NamedTuple):
    """All that a tree is made of.

    Attributes:
        round: whose layout and rules.
        division, submitter: names of the two upper folders.
        mapping: own model names to benchmarks, for model_mapping.json; open division only.
        systems: system name to its whole description.
        candidates: the results.
        short: stamp the tree as not for submission.
        source: folder to copy into the benchmark's folder of programs; "" for a README alone.
        calibration: text of documentation/calibration.md.
    """

    round: Round
    division: str
    submitter: str
    mapping: Mapping[str, str]
    systems: Mapping[str, Mapping[str, str]]
    candidates: tuple[Candidate, ...]
    short: bool
    source: str
    calibration: str

    def place(self, one: Candidate) -> Place:
        """Where a result goes."""
        record = one.record
        return Place(self.division, self.submitter, record.system, record.model, record.scenario)


def write(root: str, plan: Plan) -> None:
    """Write the tree below `root`, a new empty folder.

    Raises:
        CmError: a file of a result cannot be read, or its accuracy log is useless.
        StorageError: something cannot be written.
    """
    if plan.short:
        _text(root, STAMP, notes.STAMP_TEXT)
    base = f"{plan.division}/{plan.submitter}"
    for system, fields in plan.systems.items():
        _text(root, f"{base}/systems/{system}.json", notes.as_json(dict(fields)))
    if plan.mapping and plan.division == "open":
        _text(root, f"{base}/model_mapping.json", notes.as_json(dict(sorted(plan.mapping.items()))))
    _text(root, f"{base}/documentation/calibration.md", plan.calibration)
    _programs(root, plan, base)
    for one in plan.candidates:
        try:
            _result(root, plan, one, plan.place(one))
        except (OSError, ValueError) as error:
            raise CmError(f"cannot take over a result: {error}", where=one.folder) from error


def _programs(root: str, plan: Plan, base: str) -> None:
    import shutil

    for model in dict.fromkeys(one.record.model for one in plan.candidates):
        folder = f"{base}/{plan.round.source_folder}/{model}"
        records = [one.record for one in plan.candidates if one.record.model == model]
        if plan.source:
            try:
                shutil.copytree(plan.source, os.path.join(root, folder), dirs_exist_ok=True)
            except (OSError, shutil.Error) as error:
                raise CmError(f"cannot copy the programs: {error}", where=plan.source) from error
        if not os.path.exists(os.path.join(root, folder, "README.md")):
            _text(root, f"{folder}/README.md", notes.source_readme(records))


def _result(root: str, plan: Plan, one: Candidate, place: Place) -> None:
    at = place.measurements(plan.round)
    _copy(one.folder, "user.conf", root, f"{at}/user.conf")
    _text(root, f"{at}/README.md", notes.readme(one.folder, one.record))
    told = notes.measurements(one.folder, one.record)
    _text(root, place.measurements_file(plan.round), notes.as_json(told))

    for name in (SUMMARY, DETAIL):
        _copy(one.folder, f"performance/run_1/{name}", root, f"{place.performance}/{name}")
        _copy(one.folder, f"accuracy/{name}", root, f"{place.accuracy}/{name}")
    _accuracy(root, one, place)
    _power(root, one, place)
    tests = sorted(name for name in os.listdir(one.folder) if name.startswith("TEST"))
    for test in tests:
        _audit(root, one, test, f"{place.compliance(plan.round)}/{test}")


def _accuracy(root: str, one: Candidate, place: Place) -> None:
    import shutil

    from cm_mlperf.rounds import metrics

    source = os.path.join(one.folder, "accuracy")
    with open(os.path.join(source, ACCURACY_TEXT), encoding="utf-8") as file:
        text = file.read()
    told = one.record.accuracy
    # Own accuracy scripts may say it in another form than the checkers know.
    if told is not None and told.value is not None and not metrics.read(text).values:
        known = {"top1": "acc", "acc": "acc", "mAP": "mAP", "F1": "F1"}.get(told.metric)
        if known:
            text += "\n" + metrics.line(known, told.value, told.good or 0, told.samples or 0)
    truncating.copy(source, os.path.join(root, place.accuracy), text)
    for name in sorted(os.listdir(source)):
        if name in ("images", "videos") and os.path.isdir(os.path.join(source, name)):
            shutil.copytree(os.path.join(source, name), os.path.join(root, place.accuracy, name))


def _power(root: str, one: Candidate, place: Place) -> None:
    base = os.path.join(one.folder, "performance")
    if not os.path.isdir(os.path.join(base, "power")):
        return
    wanted = [f"power/{name}" for name in POWER_FILES]
    wanted += [f"ranging/{name}" for name in (SUMMARY, DETAIL, "spl.txt")] + ["run_1/spl.txt"]
    for name in wanted:
        if os.path.isfile(os.path.join(base, *name.split("/"))):
            _copy(base, name, root, f"{place.results}/performance/{name}")


def _audit(root: str, one: Candidate, test: str, at: str) -> None:
    """A compliance test: verdicts and logs, without the raw output that led to them."""
    folder = os.path.join(one.folder, test)
    for name in ("verify_accuracy.txt", "verify_performance.txt", "verify_output_len.txt"):
        if os.path.isfile(os.path.join(folder, name)):
            _copy(folder, name, root, f"{at}/{name}")
    for name in (SUMMARY, DETAIL):
        if os.path.isfile(os.path.join(folder, "performance", "run_1", name)):
            _copy(folder, f"performance/run_1/{name}", root, f"{at}/performance/run_1/{name}")
    accuracy = os.path.join(folder, "accuracy")
    if not os.path.isdir(accuracy):
        return
    os.makedirs(os.path.join(root, at, "accuracy"), exist_ok=True)
    for name in ("baseline_accuracy.txt", "compliance_accuracy.txt"):
        if os.path.isfile(os.path.join(accuracy, name)):
            _copy(accuracy, name, root, f"{at}/accuracy/{name}")
    if os.path.isfile(os.path.join(accuracy, ACCURACY_LOG)):
        text = ""
        if os.path.isfile(os.path.join(accuracy, ACCURACY_TEXT)):
            with open(os.path.join(accuracy, ACCURACY_TEXT), encoding="utf-8") as file:
                text = file.read()
        truncating.copy(accuracy, os.path.join(root, at, "accuracy"), text)


def _copy(folder: str, name: str, root: str, target: str) -> None:
    import shutil

    to = os.path.join(root, *target.split("/"))
    os.makedirs(os.path.dirname(to), exist_ok=True)
    shutil.copyfile(os.path.join(folder, *name.split("/")), to)


def _text(root: str, target: str, text: str) -> None:
    to = os.path.join(root, *target.split("/"))
    os.makedirs(os.path.dirname(to), exist_ok=True)
    with open(to, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
