"""The table of options: names as in the published MLPerf workflows, and what each may be."""

from __future__ import annotations

from cm_mlperf.workflow import names
from cmcore.hints import NamedTuple


class Option(NamedTuple):
    """One option.

    Attributes:
        name: as after `--`.
        variable: the variable by which the recipe sees it.
        kind: choice, count, number, switch, text, path or shapes.
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
    Option("model_path", _P + "MODEL_PATH", "path", "a model file of your own"),
    Option("dataset_path", _P + "DATASET_PATH", "path", "folder with the data set"),
    Option(
        "input_shapes",
        _P + "INPUT_SHAPES",
        "shapes",
        "shape of one sample for each input of a model that is fed random numbers",
    ),
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
