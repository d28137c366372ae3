"""Texts of a submission that nobody else writes: measurements, READMEs, calibration, stamp."""

from __future__ import annotations

import json
import os

from cm_mlperf.submission.checking.described import MEASUREMENTS
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.results.record import Record

STAMP_TEXT = (
    "This tree is not for submission.\n\n"
    "It was made with --allow_short from runs that are too short, INVALID or only tests. It shows\n"
    "what a submission looks like and lets checkers be tried.\n"
)


def measurements(folder: str, record: Record) -> dict[str, Any]:
    """What the result folder's measurements.json says, completed from the record.

    Raises:
        StorageError: the file is damaged.
    """
    from cmcore import storage

    path = os.path.join(folder, "measurements.json")
    told: Any = storage.read_json(path) if os.path.exists(path) else {}
    known = dict(told) if isinstance(told, dict) else {}
    precision = record.precision or "fp32"
    usual = {
        "input_data_types": precision,
        "retraining": "no",
        "starting_weights_filename": record.model,
        "weight_data_types": precision,
        "weight_transformations": "none",
    }
    for key in MEASUREMENTS:
        if not known.get(key):
            known[key] = usual[key]
    return known


def as_json(content: Any) -> str:
    """JSON as it stands in a tree: indented, keys in their order, a final line break."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def readme(folder: str, record: Record) -> str:
    """The result folder's README.md, or one of ours; a home folder is nobody's business."""
    try:
        with open(os.path.join(folder, "README.md"), encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    home = os.path.expanduser("~").rstrip(os.sep)
    text = text.replace(home + os.sep, f"~{os.sep}") if home else text
    return text if text.strip() else scenario_readme(record)


def scenario_readme(record: Record) -> str:
    """How one result was made, for a result folder without a README of its own."""
    command = str(record.extra.get("command") or "")
    if not command:
        words = {
            "model": record.model,
            "backend": record.backend.partition(" ")[0],
            "device": record.device,
            "category": record.category,
            "division": record.division,
            "scenario": record.scenario,
            "precision": record.precision,
            "execution_mode": record.execution_mode,
        }
        command = "cm run mlperf " + " ".join(
            f"--{key}={word}" for key, word in words.items() if word
        )
    lines = [
        f"# {record.model}, {record.scenario}",
        "",
        f"Implementation `{record.implementation}`, {record.backend}, device {record.device},",
        f"LoadGen {record.loadgen}, data set {record.dataset}.",
        "",
        "```sh",
        command,
        "```",
        "",
        "Settings of LoadGen stand in `user.conf`.",
    ]
    return "\n".join(lines) + "\n"


def source_readme(records: list[Record]) -> str:
    """Where the programs of a benchmark are, and with which versions they ran."""
    from importlib import metadata

    try:
        version = metadata.version("cm-plugin-mlperf")
    except metadata.PackageNotFoundError:
        version = "unknown"
    first = records[0]
    backends = ", ".join(dict.fromkeys(record.backend for record in records if record.backend))
    loadgens = ", ".join(dict.fromkeys(record.loadgen for record in records if record.loadgen))
    lines = [
        f"# Source of {first.model}",
        "",
        "The program that answers LoadGen is the harness of the Python package cm-plugin-mlperf,",
        f"version {version}, Apache-2.0. Model, data set and settings are obtained by its recipes.",
        "",
        "```sh",
        f"pip install cm-plugin-mlperf=={version}",
        f"cm run mlperf --model={first.model} --execution_mode=valid",
        "```",
        "",
        f"- back end: {backends or 'not told'}",
        f"- LoadGen: {loadgens or 'not told'}",
        f"- data set: {first.dataset or 'not told'}",
    ]
    return "\n".join(lines) + "\n"


def calibration(records: list[Record]) -> str:
    """What documentation/calibration.md says when the submitter gives no text."""
    lines = ["# Calibration", ""]
    for model in dict.fromkeys(record.model for record in records):
        kinds = ", ".join(
            dict.fromkeys(record.precision or "fp32" for record in records if record.model == model)
        )
        lines.append(f"- {model}: {kinds}, no calibration was done")
    return "\n".join(lines) + "\n"


def needs_calibration(records: list[Record]) -> list[str]:
    """Models whose precision is the outcome of a calibration that somebody must describe."""
    whole = ("", "fp32", "fp16", "bf16", "fp64", "float32", "float16", "bfloat16")
    return list(dict.fromkeys(r.model for r in records if r.precision.lower() not in whole))
