"""The command that makes a request again, for READMEs and messages."""

from __future__ import annotations

from cm_mlperf.workflow import names
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.workflow.options import Wishes

_TARGETS = {
    ("Offline", "target_qps"): "offline_target_qps",
    ("Server", "target_qps"): "server_target_qps",
    ("Server", "target_latency"): "server_target_latency",
    ("SingleStream", "target_latency"): "singlestream_target_latency",
    ("MultiStream", "target_latency"): "multistream_target_latency",
}

#: Fields of `Wishes` that are an option of the same name, and what is not worth saying.
_PLAIN = (
    ("model", "digits"),
    ("model_path", ""),
    ("dataset_path", ""),
    ("input_shapes", ""),
    ("implementation", names.OWN_IMPLEMENTATION),
    ("backend", "onnxruntime"),
    ("device", "cpu"),
    ("category", ""),
    ("division", "open"),
    ("execution_mode", "test"),
    ("round", names.ROUNDS[-1]),
    ("precision", "fp32"),
    ("batch_size", None),
    ("threads", None),
    ("test_query_count", None),
    ("min_query_count", None),
    ("max_query_count", None),
    ("min_duration", None),
    ("max_duration", None),
    ("performance_sample_count", None),
    ("submitter", ""),
    ("hw_name", ""),
    ("output_dir", ""),
)


def words(wishes: Wishes, scenario: str = "") -> list[str]:
    """`cm run mlperf ...` as words, for one scenario or for all that were asked for."""
    found = ["cm", "run", "mlperf"]
    for name, usual in _PLAIN:
        value = getattr(wishes, name)
        if value != usual:
            found.append(f"--{name}={_text(value)}")
    if wishes.workers:
        found.append(f"--num_workers={wishes.workers}")
    found += _chosen(wishes, scenario)
    for (one, kind), option in _TARGETS.items():
        value = wishes.targets.get(one, {}).get(kind)
        if value is not None and scenario in ("", one):
            found.append(f"--{option}={_text(value)}")
    if wishes.compliance:
        found.append("--compliance")
    return found


def line(wishes: Wishes, scenario: str = "") -> str:
    """The same as one line that a shell understands."""
    import shlex

    return shlex.join([*words(wishes, scenario), "--rerun"])


def _chosen(wishes: Wishes, scenario: str) -> list[str]:
    found = []
    if scenario:
        found.append(f"--scenario={scenario}")
    elif wishes.scenarios != names.CATEGORIES.get(wishes.category, tuple(names.SCENARIOS)):
        found.append(f"--scenario={','.join(wishes.scenarios)}")
    if wishes.modes != ("performance", "accuracy"):
        found.append(f"--mode={','.join(wishes.modes)}")
    return found


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
