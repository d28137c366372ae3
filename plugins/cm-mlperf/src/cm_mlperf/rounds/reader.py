"""Typed reading of the rounds' data files."""

from __future__ import annotations

import os

from cmcore.errors import UsageError
from cmcore.hints import Any, Mapping, NamedTuple
from cmcore.naming import did_you_mean, suggestion

#: Rounds that results can be submitted to, oldest first.
ROUNDS = ("v5.1", "v6.0", "v6.1")

SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline", "Interactive")
DIVISIONS = ("open", "closed", "network")
CATEGORIES = ("edge", "datacenter", "datacenter,edge")

#: Scenarios whose result LoadGen estimates by early stopping.
EARLY_STOPPING = ("SingleStream", "MultiStream", "Server")


class Bound(NamedTuple):
    """What one accuracy metric must reach; `at_most` is None where only a floor is set.

    `at_least` is None for metrics with a ceiling only. Both in the unit of the metric's own
    accuracy script (per cent for `acc` and `F1`, a share for `DICE`).
    """

    metric: str
    at_least: float | None
    at_most: float | None


class ModelRules(NamedTuple):
    """What a round demands of one model.

    Attributes:
        name: its official name.
        scenarios: category (`edge`, `datacenter`, `datacenter,edge`) to (required, optional).
        performance_sample_count: least samples that must fit into memory in a performance run.
        dataset_size: samples of the whole data set.
        min_queries: least queries by scenario, where no early stopping decides.
        offline_min_samples: least samples of the one Offline query in the closed division, or None.
        min_duration_ms: shortest performance run, 0 for workloads of one pass.
        latency_ns: longest target latency by scenario.
        token_latency_ns: by scenario, longest p99 time to the first token (`ttft`) and per further
            token (`tpot`); None for models that do not produce text.
        compliance: tests that closed results need.
        accuracy_files: folder in accuracy/ to names (without ending) that must stand in it.
    """

    name: str
    scenarios: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    performance_sample_count: int
    dataset_size: int
    min_queries: Mapping[str, int]
    offline_min_samples: int | None
    min_duration_ms: int
    latency_ns: Mapping[str, int]
    token_latency_ns: Mapping[str, Mapping[str, int]] | None
    compliance: tuple[str, ...]
    accuracy_files: Mapping[str, list[str]]
    raw: Mapping[str, Any]

    def accuracy(self, scenario: str = "Offline") -> tuple[Bound, ...]:
        """The bounds of every metric; a few models have their own for each scenario."""
        told = self.raw["accuracy"]
        if "by_scenario" in told:
            told = told["by_scenario"].get(scenario) or told["by_scenario"]["Offline"]
        return tuple(
            Bound(metric, bound.get("at_least"), bound.get("at_most"))
            for metric, bound in told.items()
        )

    def accuracy_sample_count(self, scenario: str = "Offline") -> int:
        """Samples that an accuracy run must answer."""
        count = self.raw["accuracy_sample_count"]
        if isinstance(count, dict):
            count = count.get(scenario, self.dataset_size)
        return int(count)

    def compliance_delta_percent(self, metric: str) -> float:
        """How far the accuracy of TEST01's samples may be from the accuracy run's."""
        delta = self.raw["compliance_delta_percent"]
        return float(delta.get(metric, 1) if isinstance(delta, dict) else delta)

    def result_key(self, of_round: Round, scenario: str) -> str:
        """The key of the detail log that holds the result of this model in a scenario."""
        own: Mapping[str, str] = self.raw.get("result_keys", {})
        return own.get(scenario) or of_round.result_keys[scenario]


class Round(NamedTuple):
    """One round.

    Attributes:
        name: `v6.1`.
        commit: commit of mlcommons/inference that the facts were read from.
        seeds: the three seeds of LoadGen that every run must have used.
        source_folder: folder of a submitter's programs, `code` or `src`.
        measurements_folder: `measurements`, or `results` when they stand beside the logs.
        compliance_folder: `compliance` or `results`.
        result_keys: scenario to key of the detail log.
        aliases: customary to official names of models.
        models: official name to what the round demands.
    """

    name: str
    commit: str
    seeds: Mapping[str, int]
    source_folder: str
    measurements_folder: str
    compliance_folder: str
    result_keys: Mapping[str, str]
    aliases: Mapping[str, str]
    models: Mapping[str, ModelRules]

    def official(self, model: str, mapping: Mapping[str, Any] | None = None) -> str:
        """The official name of a model, "" when it has none in this round.

        Args:
            model: official or customary name, or a submitter's own.
            mapping: the submitter's model_mapping.json.
        """
        for name in (model, self.aliases.get(model), (mapping or {}).get(model)):
            if isinstance(name, str) and name in self.models:
                return name
        return ""

    def model(self, model: str, mapping: Mapping[str, Any] | None = None) -> ModelRules:
        """The rules for a model.

        Raises:
            UsageError: this round does not know it; names the nearest.
        """
        name = self.official(model, mapping)
        if not name:
            near = did_you_mean(model, [*self.models, *self.aliases])
            raise UsageError(
                f"round {self.name} has no model '{model}'",
                hint=suggestion(near) or f"models: {', '.join(self.models)}",
            )
        return self.models[name]


def newest() -> str:
    """The name of the newest round."""
    return ROUNDS[-1]


def get(name: str) -> Round:
    """The rules of a round; `6.1` and `r6.1` are understood as `v6.1`.

    Raises:
        UsageError: there is no such round here; names those there are.
    """
    wanted = name.strip().lower().lstrip("_")
    if wanted[:1].isdigit():
        wanted = "v" + wanted
    elif wanted.startswith("r"):
        wanted = "v" + wanted[1:]
    if wanted not in ROUNDS:
        near = did_you_mean(wanted, ROUNDS)
        raise UsageError(
            f"no rules of round '{name}' are known",
            hint=suggestion(near) or f"rounds: {', '.join(ROUNDS)}",
        )
    known = _KNOWN.get(wanted)
    if known is None:
        known = _KNOWN[wanted] = _load(wanted)
    return known


_KNOWN: dict[str, Round] = {}


def _load(name: str) -> Round:
    from cmcore import storage

    path = os.path.join(os.path.dirname(__file__), "data", f"{name}.json")
    told: Any = storage.read_json(path)
    layout = told["layout"]
    return Round(
        name=told["round"],
        commit=told["source"]["commit"],
        seeds=told["seeds"],
        source_folder=layout["source"],
        measurements_folder=layout["measurements"],
        compliance_folder=layout["compliance"],
        result_keys=told["result_keys"],
        aliases=told["aliases"],
        models={model: _model(model, rules) for model, rules in told["models"].items()},
    )


def _model(name: str, told: Mapping[str, Any]) -> ModelRules:
    scenarios = {
        category.replace("-", ","): (tuple(sets["required"]), tuple(sets["optional"]))
        for category, sets in told["scenarios"].items()
    }
    return ModelRules(
        name=name,
        scenarios=scenarios,
        performance_sample_count=told["performance_sample_count"],
        dataset_size=told["dataset_size"],
        min_queries=told["min_queries"],
        offline_min_samples=told.get("offline_min_samples"),
        min_duration_ms=told["min_duration_ms"],
        latency_ns=told.get("latency_ns", {}),
        token_latency_ns=told.get("token_latency_ns"),
        compliance=tuple(told["compliance"]),
        accuracy_files=told.get("accuracy_files", {}),
        raw=told,
    )
