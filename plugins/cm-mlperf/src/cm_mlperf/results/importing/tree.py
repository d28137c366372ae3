"""A submission tree: `<division>/<submitter>/results/<system>/<benchmark>/<scenario>/...`.

The layouts of v4.0 to v6.1: measurements and compliance logs stand in folders of their own up to
v5.1, and beside the results from v6.0 on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from cm_mlperf import rounds
from cm_mlperf.results import loadgen
from cm_mlperf.results.importing.harvest import Harvest, identity
from cm_mlperf.results.importing.rows import accuracy_from
from cm_mlperf.results.importing.targets import judged
from cm_mlperf.results.record import SCENARIOS, Accuracy, Record, Source
from cm_mlperf.rounds import metrics
from cmcore.errors import CmError, StorageError
from cmcore.hints import Any, NamedTuple
from cmcore.storage import read_bytes, read_json

DIVISIONS = ("open", "closed", "network")
_SCENARIOS = {name.lower(): name for name in SCENARIOS}
_ROUND = re.compile(r"(?:^|[^0-9a-z])v(\d+\.\d+)(?![0-9.])", re.IGNORECASE)
_SEEDS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")
_KEPT = (
    "status", "number_of_nodes", "host_processor_model_name", "host_processors_per_node",
    "host_processor_core_count", "host_memory_capacity", "accelerator_model_name",
    "accelerators_per_node", "operating_system", "hw_notes", "sw_notes",
)  # fmt: skip


class Place(NamedTuple):
    """One scenario folder and the names that lead to it; `shared` are files of its submitter."""

    root: str
    division: str
    submitter: str
    system: str
    benchmark: str
    scenario: str

    @property
    def folder(self) -> str:
        return os.path.join(
            self.root, self.division, self.submitter, "results",
            self.system, self.benchmark, self.scenario,
        )  # fmt: skip

    def beside(self, *names: str) -> str:
        """A path in the submitter's folder."""
        return os.path.join(self.root, self.division, self.submitter, *names)


def roots(path: str) -> list[str]:
    """The folders in which divisions stand: `path`, the one above it, or one that it holds."""
    path = os.path.abspath(path)
    here = [path, os.path.dirname(path)] if os.path.basename(path) in DIVISIONS else [path]
    found = [folder for folder in here if _is_root(folder)]
    return found[:1] or [folder for folder in _folders(path) if _is_root(folder)]


def _is_root(folder: str) -> bool:
    return any(
        os.path.isdir(os.path.join(submitter, "results"))
        for division in DIVISIONS
        for submitter in _folders(os.path.join(folder, division))
    )


def read(root: str, round_: str, harvest: Harvest) -> None:
    """Add every scenario of a tree to `harvest`.

    Args:
        root: folder in which the divisions stand.
        round_: `v5.1`; "" to find it out from the path, the seeds or LoadGen's version.
        harvest: where the records go; a scenario that cannot be read is told there.
    """
    for place in _places(root):
        harvest.rows += 1
        try:
            harvest.add(_record(place, round_))
            harvest.files += 1
        except (StorageError, ValueError) as error:
            told = error.where if isinstance(error, StorageError) and error.where else place.folder
            problem = error.message if isinstance(error, StorageError) else str(error)
            harvest.reject(told, 0, problem)


def _places(root: str) -> Iterator[Place]:
    for division in DIVISIONS:
        for submitter in _folders(os.path.join(root, division)):
            names = (division, os.path.basename(submitter))
            for system in _folders(os.path.join(submitter, "results")):
                for benchmark in _folders(system):
                    for scenario in _folders(benchmark):
                        if os.path.basename(scenario).lower() in _SCENARIOS:
                            rest = (os.path.basename(x) for x in (system, benchmark, scenario))
                            yield Place(root, *names, *rest)


def _record(place: Place, round_: str) -> Record:
    run, detail = _performance_log(place)
    log = loadgen.read_detail(detail)
    values = log.values
    version = round_ or _round_of(place.root, values)
    scenario = _SCENARIOS[place.scenario.lower()]
    model = _model(place, version)
    system = _json(place.beside("systems", f"{place.system}.json"))
    # Interactive results are logged as runs of Server.
    key = _key(version, model, loadgen.scenario_of(values) or scenario)
    performance = loadgen.performance_of(log, scenario, key, run)
    accuracy = judged(_accuracy(place), version, model, scenario, place.division)
    why_not = _why_not(place, performance, accuracy)
    settings = {
        key.removeprefix("effective_"): value
        for key, value in values.items()
        if key.startswith("effective_") and isinstance(value, int | float | str)
    }
    accelerated = str(system.get("accelerators_per_node", "")).strip() not in ("", "0", "N/A")
    where = "/".join(
        (place.division, place.submitter, "results", place.system, place.benchmark, place.scenario)
    )
    return Record(
        id=identity(version, where),
        time=str(values.get("test_datetime", "")),
        round=version,
        division=place.division,
        category=",".join(sorted(_text(system, "system_type").replace(" ", "").split(","))),
        submitter=place.submitter,
        system=place.system,
        hw_name=_text(system, "system_name"),
        backend=_text(system, "framework"),
        device=(_text(system, "accelerator_model_name") or "accelerator") if accelerated else "cpu",
        model=model,
        precision=_text(_measurements(place), "weight_data_types"),
        scenario=scenario,
        execution_mode="valid",
        loadgen=str(values["loadgen_version"]).split(" ")[0],
        settings=settings,
        performance=performance,
        accuracy=accuracy,
        power={"logs": "performance/power"} if _has_power(place) else None,
        compliance=_compliance(place),
        valid=not why_not,
        why_not=tuple(why_not),
        source=Source("tree", place.folder),
        extra={
            "published": {
                "Location": where,
                "Model": place.benchmark,
                **{key: system[key] for key in _KEPT if system.get(key) not in (None, "")},
            }
        },
    )


def _performance_log(place: Place) -> tuple[str, str]:
    base = os.path.join(place.folder, "performance")
    for run in sorted(_folders(base)):
        detail = os.path.join(run, "mlperf_log_detail.txt")
        if os.path.basename(run).startswith("run_") and os.path.isfile(detail):
            return f"performance/{os.path.basename(run)}", detail
    raise ValueError("no performance log (performance/run_1/mlperf_log_detail.txt)")


def _accuracy(place: Place) -> Accuracy | None:
    path = os.path.join(place.folder, "accuracy", "accuracy.txt")
    if not os.path.isfile(path):
        return None
    told = metrics.read(read_bytes(path).decode("utf-8", "replace"))
    if not told.values:
        return Accuracy(run="accuracy")
    return accuracy_from(told.values)._replace(run="accuracy")


def _why_not(place: Place, performance: Any, accuracy: Accuracy | None) -> list[str]:
    found = []
    if performance.valid is not True:
        found.append("LoadGen does not call the performance run VALID, or counted errors")
    if accuracy is None or accuracy.value is None:
        found.append("no accuracy")
    elif accuracy.met is False:
        found.append("the accuracy target is missed")
    return found


def _model(place: Place, version: str) -> str:
    mapping = _json(place.beside("model_mapping.json")) if place.division == "open" else {}
    try:
        return rounds.get(version).official(place.benchmark, mapping) or place.benchmark
    except CmError:  # a round whose rules are not kept here
        return str(mapping.get(place.benchmark) or place.benchmark)


def _key(version: str, model: str, scenario: str) -> str:
    try:
        rules = rounds.get(version)
        return rules.model(model).result_key(rules, scenario)
    except (CmError, KeyError):
        return ""


def _round_of(root: str, values: Mapping[str, Any]) -> str:
    """The round, which no file of a tree tells: from its path, the seeds, or LoadGen's version."""
    for part in reversed(root.split(os.sep)):
        found = _ROUND.search(part)
        if found:
            return f"v{found[1]}"
    seeds = [values.get(f"effective_{name}") for name in _SEEDS]
    for name in rounds.ROUNDS:
        known = rounds.get(name).seeds
        if [known.get(seed) for seed in _SEEDS] == seeds:
            return name
    version = re.match(r"(\d+\.\d+)", str(values["loadgen_version"]))
    return f"v{version[1]}" if version else ""


def _measurements(place: Place) -> Mapping[str, Any]:
    new = os.path.join(place.folder, "measurements.json")
    if os.path.isfile(new):
        return _json(new)
    old = place.beside("measurements", place.system, place.benchmark, place.scenario)
    names = sorted(os.listdir(old)) if os.path.isdir(old) else []
    mine = [n for n in names if n.startswith(place.system) and n.endswith(".json")]
    return _json(os.path.join(old, mine[0])) if mine else {}


def _compliance(place: Place) -> dict[str, Any]:
    """Test to whether every verdict that lies there says so."""
    found = {}
    old = place.beside("compliance", place.system, place.benchmark, place.scenario)
    for base in (place.folder, old):
        for test in _folders(base):
            name = os.path.basename(test)
            if not re.fullmatch(r"TEST\d+", name):
                continue
            verdicts = [
                read_bytes(os.path.join(test, file)).decode("utf-8", "replace").lower()
                for file in sorted(os.listdir(test))
                if file.startswith("verify_") and file.endswith(".txt")
            ]
            found[name] = bool(verdicts) and all("pass" in text for text in verdicts)
    return found


def _has_power(place: Place) -> bool:
    return os.path.isdir(os.path.join(place.folder, "performance", "power"))


def _json(path: str) -> Mapping[str, Any]:
    if not os.path.isfile(path):
        return {}
    data = read_json(path)
    return data if isinstance(data, dict) else {}


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value).strip()


def _folders(path: str) -> list[str]:
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [
        os.path.join(path, name)
        for name in names
        if name[0] != "." and os.path.isdir(os.path.join(path, name))
    ]
