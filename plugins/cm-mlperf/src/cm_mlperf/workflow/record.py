"""The files of one point: cm-result.json, measurements.json, README.md; and how they are told."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cm_mlperf.workflow import command_line, modes, tree
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.workflow.job import Job
    from cm_mlperf.workflow.modes import Rules, Settings
    from cm_mlperf.workflow.options import Wishes

SCHEMA = "cm-mlperf-result/1"
STAMPS = {
    "test": "test run: not a result",
    "fast": "fast run: not a result",
    "valid": "",
}


def now() -> str:
    """The time, as results say it."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def begun(
    job: Job, point: tree.Point, common: Mapping[str, Any], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """A result that nothing was measured for yet."""
    import uuid

    wishes = job.wishes
    return {
        "schema": SCHEMA,
        "id": uuid.uuid4().hex[:16],
        "time": now(),
        "round": modes.known_round(wishes.round),
        "division": wishes.division,
        "category": wishes.category or ("datacenter" if point.scenario == "Server" else "edge"),
        "submitter": wishes.submitter,
        "system": job.system,
        "hw_name": wishes.hw_name,
        "implementation": wishes.implementation,
        "backend": f"{job.backend['name']} {job.backend['version']}",
        "device": wishes.device,
        "model": wishes.model,
        "precision": wishes.precision,
        "dataset": job.dataset["name"],
        "scenario": point.scenario,
        "execution_mode": wishes.execution_mode,
        "stamp": STAMPS[wishes.execution_mode],
        "loadgen": job.loadgen,
        "settings": {},
        "performance": None,
        "accuracy": None,
        "power": None,
        "compliance": {},
        "valid": False,
        "why_not": [],
        "source": {"kind": "run", "path": point.folder},
        "made_from": {"common": dict(common), "performance": dict(asked)},
    }


def settings(job: Job, chosen: Settings, performance: Mapping[str, Any]) -> dict[str, Any]:
    """What the performance run was set to: what we said, and what LoadGen made of it."""
    said = {key: value for key, value in chosen.as_dict().items() if key != "samples"}
    effective = performance.get("effective") or {}
    for key, value in said.items():
        if value is None:
            said[key] = effective.get(key)
    return {
        **said,
        "performance_sample_count": chosen.samples,
        "batch_size": job.batch_size,
        "threads": job.wishes.threads or 0,
        "workers": job.wishes.workers or 1,
    }


def finish(result: dict[str, Any], job: Job, demand: Rules) -> None:
    """Judge: does it count, and if not, why not."""
    why = [result["stamp"]] if result["stamp"] else []
    performance, accuracy = result["performance"], result["accuracy"]
    if performance is None:
        why.append("performance was not measured")
    elif not performance["valid"]:
        why.append(f"LoadGen says INVALID: {first_reason(performance)}")
    elif performance["errors"]:
        why.append(f"LoadGen counted {performance['errors']} errors")
    if accuracy is None:
        why.append("accuracy was not measured")
    elif accuracy["met"] is None:
        why.append(f"no accuracy is demanded of {job.wishes.model}: nothing says what is enough")
    elif not accuracy["met"]:
        why.append(f"accuracy {accuracy['value']:.3f} is below the target {accuracy['target']:.3f}")
    why += [
        f"compliance test {test} failed"
        for test, outcome in result["compliance"].items()
        if not outcome["passed"]
    ]
    why += _rules(result, demand)
    result["why_not"] = why
    result["valid"] = not why


def write(result: Mapping[str, Any], job: Job, point: tree.Point) -> None:
    """Write the point's files; the result comes last, as the sign that all of it is there."""
    tree.write_json(os.path.join(point.folder, "measurements.json"), _measurements(job))
    tree.write_text(os.path.join(point.folder, "README.md"), _readme(result, job, point))
    if job.description:
        named = job.description.get("system_name") or job.system
        description = {**job.description, "system_name": named}
        tree.write_json(os.path.join(point.system_folder, "system.json"), description)
    tree.write_json(point.result, result)


def told(result: Mapping[str, Any]) -> str:
    """A result in a few words."""
    parts = []
    if result.get("performance"):
        verdict = "VALID" if result["performance"]["valid"] else "INVALID"
        parts.append(f"{told_performance(result['performance'])}, {verdict}")
    if result.get("accuracy"):
        parts.append(told_accuracy(result["accuracy"]))
    return "; ".join(parts)


def told_performance(performance: Mapping[str, Any]) -> str:
    """`1,234.5 samples/s`, `p90 latency 1.234 ms`."""
    value = performance.get("value")
    if value is None:
        return "no value"
    if performance.get("metric") == "latency_ns":
        return f"p{performance.get('percentile'):g} latency {value / 1e6:,.3f} ms"
    digits = 0 if value >= 1000 else 1 if value >= 10 else 3
    return f"{value:,.{digits}f} {performance.get('unit')}"


def told_accuracy(accuracy: Mapping[str, Any]) -> str:
    """`95.752 % (1172 of 1224), target 94.794 met`."""
    text = f"{accuracy['value']:.3f} {accuracy.get('unit') or ''}".strip()
    if accuracy.get("good") is not None:
        text += f" ({accuracy['good']} of {accuracy['samples']})"
    if accuracy.get("target") is not None:
        text += f", target {accuracy['target']:.3f} {'met' if accuracy['met'] else 'missed'}"
    return text


def first_reason(performance: Mapping[str, Any]) -> str:
    """Why a run is INVALID, and what would help."""
    for reason in performance.get("reasons") or ():
        text = str(reason.get("text") or reason.get("rule"))
        return f"{text}; {reason['remedy']}" if reason.get("remedy") else text
    return "LoadGen does not say why"


def difference(old: Settings, new: Settings) -> str:
    """What changed, as `target_qps 123`."""
    before, after = old.as_dict(), new.as_dict()
    changed = [f"{key} {after[key]:g}" for key in after if after[key] != before[key]]
    return ", ".join(changed)


def _rules(result: Mapping[str, Any], demand: Rules) -> list[str]:
    """Demands of the round that LoadGen does not look at."""
    why = []
    settings = result["settings"]
    if result["execution_mode"] == "valid" and result["performance"] is not None:
        duration = settings.get("min_duration_ms")
        if duration is not None and duration < modes.VALID_SECONDS * 1000:
            why.append(f"min_duration is {duration / 1000:g} s, the rules want 600 s")
    if demand.samples and (settings.get("performance_sample_count") or 0) < demand.samples:
        had = settings.get("performance_sample_count")
        why.append(f"{had} samples were held in memory, the rules want {demand.samples}")
    return why


def _measurements(job: Job) -> dict[str, Any]:
    precision = job.wishes.precision
    return {
        "input_data_types": precision,
        "retraining": "no",
        "starting_weights_filename": job.model["source"],
        "weight_data_types": precision,
        "weight_transformations": "no",
        "model_sha256": job.model["sha256"],
        "dataset_digest": job.dataset["digest"],
        "backend": f"{job.backend['name']} {job.backend['version']}",
        "loadgen": job.loadgen,
        "batch_size": job.batch_size,
        "threads": job.wishes.threads or 0,
    }


def _as_run(result: Mapping[str, Any], job: Job) -> Wishes:
    """The request with the targets that the run was made with in the end."""
    wishes, scenario = job.wishes, result["scenario"]
    if wishes.execution_mode == "test" or not result["performance"]:
        return wishes
    used = {
        "target_qps": result["settings"].get("target_qps"),
        "target_latency": result["settings"].get("target_latency_ms"),
    }
    kinds = {"Offline": ("target_qps",), "Server": ("target_qps", "target_latency")}
    wanted = kinds.get(scenario, ("target_latency",))
    targets = {kind: float(used[kind]) for kind in wanted if used[kind]}
    return wishes._replace(targets={**wishes.targets, scenario: targets})


def _readme(result: Mapping[str, Any], job: Job, point: tree.Point) -> str:
    stamp = f"**{result['stamp']}**\n\n" if result["stamp"] else ""
    verdict = "counts" if result["valid"] else "does not count: " + "; ".join(result["why_not"])
    command = command_line.line(_as_run(result, job), point.scenario)
    return f"""# {result["model"]}, {result["scenario"]}, on {result["system"]}

{stamp}Measured {result["time"]} with LoadGen {result["loadgen"]} and {result["backend"]} on
{result["device"]}: {told(result)}.

The result {verdict}.

| | |
|---|---|
| model | {job.model["source"]}, SHA-256 {job.model["sha256"]} |
| data set | {job.dataset["name"]}, digest {job.dataset["digest"]} |
| number format | {result["precision"]} |
| batch size | {job.batch_size} |
| round of the rules | {result["round"]} |

To repeat it:

```sh
pip install cm-plugin-mlperf
{command}
```
"""
