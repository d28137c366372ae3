"""The options of a measurement: what each is called, and that its value makes sense.

The names are those of the published MLPerf workflows. `cm run mlperf`, `cm plan mlperf` and the
recipe itself read them here, so the three accept and refuse the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from cm_mlperf.workflow import names
from cmcore.errors import UsageError
from cmcore.hints import Any, NamedTuple
from cmcore.naming import did_you_mean


class Option(NamedTuple):
    """One option.

    Attributes:
        name: as after `--`.
        variable: the variable by which the recipe sees it.
        kind: choice, count, number, switch, text or path.
        help: one line.
        choices: for kind choice.
        also: other names that mean the same.
    """

    name: str
    variable: str
    kind: str
    help: str
    choices: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


_P = "CM_MLPERF_"

OPTIONS: tuple[Option, ...] = (
    Option("model", _P + "MODEL", "text", "what to measure; digits needs no download"),
    Option("model_path", _P + "MODEL_PATH", "path", "a model file of your own (ONNX)"),
    Option("dataset_path", _P + "DATASET_PATH", "path", "folder with the data set"),
    Option(
        "implementation",
        _P + "IMPLEMENTATION",
        "choice",
        "who wrote the measuring program",
        tuple(names.IMPLEMENTATIONS),
        ("lang",),
    ),
    Option(
        "backend", _P + "BACKEND", "choice", "what runs the model", names.BACKENDS, ("framework",)
    ),
    Option("device", _P + "DEVICE", "choice", "where it runs", names.DEVICES),
    Option(
        "category",
        _P + "SUBMISSION_SYSTEM_TYPE",
        "choice",
        "kind of system",
        tuple(names.CATEGORIES),
        ("system_type",),
    ),
    Option(
        "division",
        _P + "SUBMISSION_DIVISION",
        "choice",
        "division of a submission",
        names.DIVISIONS,
    ),
    Option(
        "scenario",
        _P + "LOADGEN_SCENARIO",
        "choice",
        "one scenario, several with commas; all that the category has when left out",
        tuple(names.SCENARIOS),
    ),
    Option(
        "mode",
        _P + "LOADGEN_MODE",
        "choice",
        "what to find out; performance and accuracy when left out",
        names.MODES,
    ),
    Option(
        "execution_mode",
        _P + "RUN_STYLE",
        "choice",
        "test: seconds; fast: a minute each; valid: by the rules, ten minutes and more each",
        names.EXECUTION_MODES,
        ("run_style",),
    ),
    Option("round", _P + "ROUND", "choice", "round of the rules", names.ROUNDS),
    Option(
        "precision",
        _P + "MODEL_PRECISION",
        "choice",
        "number format of the model",
        names.PRECISIONS,
    ),
    Option("batch_size", _P + "LOADGEN_MAX_BATCHSIZE", "count", "samples per inference"),
    Option("threads", "CM_NUM_THREADS", "count", "threads of the back end"),
    Option("num_workers", _P + "INFERENCE_NUM_WORKERS", "count", "workers that take queries"),
    Option(
        "target_qps",
        _P + "LOADGEN_TARGET_QPS",
        "number",
        "expected samples or queries per second (Offline, Server)",
    ),
    Option(
        "offline_target_qps",
        _P + "LOADGEN_OFFLINE_TARGET_QPS",
        "number",
        "the same for Offline alone",
    ),
    Option(
        "server_target_qps", _P + "LOADGEN_SERVER_TARGET_QPS", "number", "the same for Server alone"
    ),
    Option(
        "target_latency",
        _P + "LOADGEN_TARGET_LATENCY",
        "number",
        "expected latency in ms (SingleStream, MultiStream), or the limit that holds (Server)",
    ),
    Option(
        "singlestream_target_latency",
        _P + "LOADGEN_SINGLESTREAM_TARGET_LATENCY",
        "number",
        "the same for SingleStream alone",
    ),
    Option(
        "multistream_target_latency",
        _P + "LOADGEN_MULTISTREAM_TARGET_LATENCY",
        "number",
        "the same for MultiStream alone",
    ),
    Option(
        "server_target_latency",
        _P + "LOADGEN_SERVER_TARGET_LATENCY",
        "number",
        "the same for Server alone",
    ),
    Option(
        "test_query_count",
        "CM_TEST_QUERY_COUNT",
        "count",
        "queries per run with --execution_mode=test",
    ),
    Option("min_query_count", _P + "INFERENCE_MIN_QUERY_COUNT", "count", "queries at least"),
    Option("max_query_count", _P + "INFERENCE_MAX_QUERY_COUNT", "count", "queries at most"),
    Option("min_duration", _P + "INFERENCE_MIN_DURATION", "number", "seconds at least"),
    Option(
        "max_duration",
        _P + "MAX_DURATION_TEST",
        "number",
        "seconds at most",
        (),
        ("max_test_duration",),
    ),
    Option(
        "performance_sample_count",
        _P + "LOADGEN_PERFORMANCE_SAMPLE_COUNT",
        "count",
        "samples held in memory",
    ),
    Option("rerun", "CM_RERUN", "switch", "measure again what is there already"),
    Option(
        "compliance",
        _P + "LOADGEN_COMPLIANCE",
        "switch",
        "also make the runs that the compliance tests look at",
    ),
    Option("submitter", _P + "SUBMITTER", "text", "who submits"),
    Option("hw_name", "CM_HW_NAME", "text", "name of the machine"),
    Option(
        "output_dir",
        "OUTPUT_BASE_DIR",
        "path",
        "where results go; ./mlperf-results",
        (),
        ("results_dir",),
    ),
)

BY_NAME = {name: option for option in OPTIONS for name in (option.name, *option.also)}

#: Options of the published workflows that change nothing here; accepted, so that a command line
#: written for them is understood.
_IGNORED = """
    docker docker_it docker_dt docker_keep_alive docker_cache docker_os clean power readme
    all_models run_checker skip_submission_generation submission_dir output_summary output_tar
    preprocess_submission skip_truncation push_to_github results_git_url pull_changes
    pull_inference_changes regenerate_files regenerate_accuracy_file get_platform_details
    dump_version_info save_console_log gpu_name hw_notes_extra sw_notes_extra imagenet_path
    dashboard_wb_project dashboard_wb_user pip_loadgen network sut sut_servers status tp_size
    use_dataset_from_host use_model_from_host find_performance test_qps beam_size
    nvidia_system_name custom_system_nvidia nvidia_llama2_dataset_file_path dlrm_data_path
    criteo_day23_raw_data_path rgat_checkpoint_path vllm_model_name vllm_tp_size api_server
"""
IGNORED = frozenset(_IGNORED.split())


class Wishes(NamedTuple):
    """A request that makes sense; None and "" mean that nothing was said.

    `targets` holds target_qps and target_latency by scenario, in queries or samples per second and
    in milliseconds. Durations are in seconds.
    """

    model: str
    model_path: str
    dataset_path: str
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


def nearest(word: str, choices: Iterable[str]) -> str:
    """The choice that looks most like a word, or ""."""
    near = did_you_mean(word, choices, 1)
    return near[0] if near else ""


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checked values by canonical name, without those that say nothing."""
    said: dict[str, Any] = {}
    for name, value in values.items():
        option = BY_NAME.get(name)
        if option is None or value is None or value == "":
            continue
        read = _read(option, name, value)
        if option.name in said and said[option.name] != read:
            raise UsageError(f"--{name} and --{option.name} are the same option, and differ")
        said[option.name] = read
    return said


def _read(option: Option, name: str, value: Any) -> Any:
    if option.kind == "switch":
        return _switch(name, value)
    if isinstance(value, bool):
        raise UsageError(f"--{name} needs a value", hint=option.help)
    if option.kind == "choice":
        if option.name in ("scenario", "mode"):
            return _several(option, name, value)
        return _choice(option, name, str(value))
    if option.kind == "count":
        return _whole(name, value)
    if option.kind == "number":
        return _number(name, value)
    return str(value)


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, (bool, int)):
        return bool(value)
    low = str(value).strip().lower()
    if low in ("yes", "on", "true", "1"):
        return True
    if low in ("no", "off", "false", "0"):
        return False
    raise UsageError(f"--{name} is yes or no, not '{value}'")


def _several(option: Option, name: str, value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, (list, tuple)) else str(value).split(",")
    found: list[str] = []
    for word in words:
        text = str(word).strip()
        if not text or text.lower() == "all":
            chosen: tuple[str, ...] = option.choices if option.name == "scenario" else _BOTH
        elif option.name == "mode" and text.lower() in ("performance_and_accuracy", "both"):
            chosen = _BOTH
        else:
            chosen = (_choice(option, name, text),)
        found += [one for one in chosen if one not in found]
    return tuple(found)


_BOTH = ("performance", "accuracy")


def _choice(option: Option, name: str, value: str) -> str:
    by_low = {choice.lower(): choice for choice in option.choices}
    low = value.strip().lower()
    if option.name == "round":
        low = low.lstrip("v") if low.startswith("v") else low
        low = low if low.startswith("r") else "r" + low
    elif option.name == "mode":
        low = low.replace("-", "_")
    found = by_low.get(low) or _OTHER_WORDS.get((option.name, low))
    if found:
        return found
    near = nearest(value, option.choices)
    known = "it is one of " + ", ".join(option.choices)
    hint = f"did you mean {near}? " + known if near else known
    raise UsageError(f"--{name}={value} is unknown", hint=hint)


_OTHER_WORDS = {
    ("backend", "torch"): "pytorch",
    ("backend", "onnx"): "onnxruntime",
    ("device", "gpu"): "cuda",
    ("implementation", "mil"): "mlcommons-cpp",
    ("implementation", "cpp"): "mlcommons-cpp",
    ("implementation", "python"): "reference",
    ("precision", "float32"): "fp32",
    ("precision", "float16"): "fp16",
    ("precision", "bfloat16"): "bf16",
}


def _whole(name: str, value: Any) -> int:
    try:
        number = int(str(value).strip())
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"--{name}={value} must be a whole number, 1 or more")
    return number


def _number(name: str, value: Any) -> float:
    import math

    try:
        number = float(str(value).strip())
    except ValueError:
        number = math.nan
    lowest_is_fine = name in ("min_duration",)
    if not math.isfinite(number) or number < 0 or (number == 0 and not lowest_is_fine):
        what = "a number, 0 or more" if lowest_is_fine else "a number above 0"
        raise UsageError(f"--{name}={value} must be {what}")
    return number


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
        return _BOTH if labelled else ("performance",)
    if "accuracy" in wanted and not labelled:
        raise UsageError(
            "--mode=accuracy needs a data set with labels",
            hint="--dataset_path=FOLDER names it; --mode=performance does without",
        )
    return tuple(wanted)


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
