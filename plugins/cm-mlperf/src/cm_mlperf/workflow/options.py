"""What a request wants: its options checked, and one record made of them.

The names are those of the published MLPerf workflows. `cm run mlperf`, `cm plan mlperf` and the
recipe itself read them here, so the three accept and refuse the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from cm_mlperf.workflow import names
from cm_mlperf.workflow.option_table import BY_NAME, IGNORED, OPTIONS
from cm_mlperf.workflow.option_values import BOTH, nearest, read
from cmcore.errors import UsageError
from cmcore.hints import Any, NamedTuple


class Wishes(NamedTuple):
    """A request that makes sense; None and "" mean that nothing was said.

    `targets` holds target_qps and target_latency by scenario, in queries or samples per second and
    in milliseconds. Durations are in seconds.
    """

    model: str
    model_path: str
    dataset_path: str
    input_shapes: str
    implementation: str
    backend: str
    device: str
    category: str
    division: str
    scenarios: tuple[str, ...]
    modes: tuple[str, ...]
    execution_mode: str
    round: str
    precision: str
    batch_size: int | None
    threads: int | None
    workers: int | None
    targets: dict[str, dict[str, float]]
    test_query_count: int | None
    min_query_count: int | None
    max_query_count: int | None
    min_duration: float | None
    max_duration: float | None
    performance_sample_count: int | None
    rerun: bool
    compliance: bool
    submitter: str
    hw_name: str
    output_dir: str


def check(values: Mapping[str, Any], here: str = "") -> Wishes:
    """What a request wants.

    Args:
        values: option name -> text, number or bool; names that are no options are left alone.
        here: folder that relative paths start from; the current one by default.

    Raises:
        UsageError: a value is impossible, or two contradict each other; names what would work.
    """
    said = _said(values)
    model = _model(said)
    path = _path(said, "model_path", here)
    if model == "custom" and not path:
        raise UsageError("--model=custom needs --model_path, the model file")
    if path and "model" not in said:
        model = "custom"
    dataset = _path(said, "dataset_path", here)
    category = str(said.get("category") or "")
    execution_mode = str(said.get("execution_mode") or "test")
    count, number = _counts(said), _numbers(said)
    low, high = count("min_query_count"), count("max_query_count")
    if low is not None and high is not None and low > high:
        raise UsageError(f"--min_query_count={low} is above --max_query_count={high}")
    shortest, longest = number("min_duration"), number("max_duration")
    if shortest is not None and longest is not None and shortest > longest:
        raise UsageError(f"--min_duration={shortest:g} is above --max_duration={longest:g}")
    if count("test_query_count") is not None and execution_mode != "test":
        raise UsageError(
            f"--test_query_count goes with --execution_mode=test, not {execution_mode}",
            hint="--min_query_count and --max_query_count go with all of them",
        )
    return Wishes(
        model=model,
        model_path=path,
        dataset_path=dataset,
        input_shapes=_input_shapes(said, model, dataset),
        implementation=str(said.get("implementation") or names.OWN_IMPLEMENTATION),
        backend=str(said.get("backend") or "onnxruntime"),
        device=str(said.get("device") or "cpu"),
        category=category,
        division=str(said.get("division") or "open"),
        scenarios=_scenarios(said, category),
        modes=_modes(said, labelled=model != "custom" or bool(dataset)),
        execution_mode=execution_mode,
        round=str(said.get("round") or names.ROUNDS[-1]),
        precision=str(said.get("precision") or "fp32"),
        batch_size=count("batch_size"),
        threads=count("threads"),
        workers=count("num_workers"),
        targets=_targets(said),
        test_query_count=count("test_query_count"),
        min_query_count=low,
        max_query_count=high,
        min_duration=shortest,
        max_duration=longest,
        performance_sample_count=count("performance_sample_count"),
        rerun=bool(said.get("rerun")),
        compliance=bool(said.get("compliance")),
        submitter=str(said.get("submitter") or ""),
        hw_name=str(said.get("hw_name") or ""),
        output_dir=_path(said, "output_dir", here),
    )


def from_variables(env: Mapping[str, Any]) -> dict[str, Any]:
    """Option values that a recipe's environment holds."""
    found = {option.name: env.get(option.variable) for option in OPTIONS}
    return {name: value for name, value in found.items() if value not in (None, "")}


def strange(given: Iterable[str], others: Iterable[str]) -> None:
    """Refuse options that nobody knows.

    Args:
        given: option names of a request.
        others: names that somebody else understands.

    Raises:
        UsageError: names the nearest option.
    """
    known = {*BY_NAME, *IGNORED, *others}
    for name in given:
        if name not in known:
            near = nearest(name, sorted(known))
            hint = f"did you mean --{near}?" if near else "see cm help mlperf"
            raise UsageError(f"there is no option --{name}", hint=hint)


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checked values by canonical name, without those that say nothing."""
    said: dict[str, Any] = {}
    for name, value in values.items():
        option = BY_NAME.get(name)
        if option is None or value is None or value == "":
            continue
        understood = read(option, name, value)
        if option.name in said and said[option.name] != understood:
            raise UsageError(f"--{name} and --{option.name} are the same option, and differ")
        said[option.name] = understood
    return said


def _counts(said: Mapping[str, Any]) -> Any:
    def count(name: str) -> int | None:
        value: int | None = said.get(name)
        return value

    return count


def _numbers(said: Mapping[str, Any]) -> Any:
    def number(name: str) -> float | None:
        value: float | None = said.get(name)
        return value

    return number


def _model(said: Mapping[str, Any]) -> str:
    word = str(said.get("model") or "digits")
    name = names.model_name(word)
    if name:
        return name
    near = nearest(word, names.all_models())
    known = "here are " + ", ".join(names.MODELS)
    hint = f"did you mean {near}? {known}" if near else known
    if os.sep in word or word.endswith(".onnx"):
        hint = f"a model file is given with --model_path={word}"
    raise UsageError(f"--model={word} is unknown", hint=hint)


def _modes(said: Mapping[str, Any], *, labelled: bool) -> tuple[str, ...]:
    """The modes; without a data set there are no right answers, and performance is all there is."""
    wanted = said.get("mode")
    if not wanted:
        return BOTH if labelled else ("performance",)
    if "accuracy" in wanted and not labelled:
        raise UsageError(
            "--mode=accuracy needs a data set with labels",
            hint="--dataset_path=FOLDER names it; --mode=performance does without",
        )
    return tuple(wanted)


def _input_shapes(said: Mapping[str, Any], model: str, dataset: str) -> str:
    shapes = str(said.get("input_shapes") or "")
    if shapes and (model != "custom" or dataset):
        raise UsageError(
            "--input_shapes is for random numbers, and here is a data set",
            hint="it goes with --model_path and without --dataset_path",
        )
    return shapes


def _path(said: Mapping[str, Any], name: str, here: str) -> str:
    value = str(said.get(name) or "")
    if not value:
        return ""
    return os.path.normpath(os.path.join(here or os.getcwd(), os.path.expanduser(value)))


def _scenarios(said: Mapping[str, Any], category: str) -> tuple[str, ...]:
    allowed = names.CATEGORIES.get(category, tuple(names.SCENARIOS))
    wanted = said.get("scenario")
    if not wanted or (category and set(wanted) == set(names.SCENARIOS)):
        return allowed
    for scenario in wanted:
        if scenario not in allowed:
            raise UsageError(
                f"--scenario={scenario} does not go with --category={category}",
                hint=f"{category} has {', '.join(allowed)}",
            )
    return tuple(wanted)


def _targets(said: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Targets by scenario: those for one scenario win over those for all."""
    found: dict[str, dict[str, float]] = {name: {} for name in names.SCENARIOS}
    for scenario, kind, keys in (
        ("Offline", "target_qps", ("offline_target_qps", "target_qps")),
        ("Server", "target_qps", ("server_target_qps", "target_qps")),
        ("Server", "target_latency", ("server_target_latency", "target_latency")),
        ("SingleStream", "target_latency", ("singlestream_target_latency", "target_latency")),
        ("MultiStream", "target_latency", ("multistream_target_latency", "target_latency")),
    ):
        value = next((said[key] for key in keys if said.get(key) is not None), None)
        if value is not None:
            found[scenario][kind] = float(value)
    return found
