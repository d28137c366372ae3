"""What the MLPerf harness costs beside a bare program with LoadGen and ONNX Runtime.

    python benchmarks/mlperf_overhead.py [--rounds 25 --output docs/reference/mlperf-overhead.md]

Both run the same model with the same settings, each time in a process of its own, one after the
other with the order turned round every time. The model is the digits network, which answers in some
twenty microseconds: whatever the harness adds is seen at its largest. Exit code 1 when a median is
worse than `LIMIT`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from cm_mlperf import logs
from cm_mlperf.models import digits

#: How much worse than the bare program the harness may be.
LIMIT = 0.02
BARE = Path(__file__).with_name("mlperf_bare.py")
#: Scenario -> batch size and user.conf: enough queries that start-up is no part of the numbers.
LOADS = {
    "Offline": (32, {"min_duration": 0, "min_query_count": 200000}),
    "SingleStream": (1, {"min_duration": 0, "min_query_count": 20000}),
    "MultiStream": (8, {"min_duration": 0, "min_query_count": 8000}),
    "Server": (
        1,
        {"min_duration": 0, "min_query_count": 4000, "target_qps": 2000, "target_latency": 1000},
    ),
}


class Number(NamedTuple):
    """What is compared: a value of LoadGen's log, and whether more of it is better."""

    scenario: str
    what: str
    key: str
    more: bool


NUMBERS = [
    Number("Offline", "samples per second", "result_samples_per_second", True),
    Number("SingleStream", "queries per second", "result_qps_with_loadgen_overhead", True),
    Number("SingleStream", "latency, median", "result_50.00_percentile_latency_ns", False),
    Number("SingleStream", "latency, 99th percentile", "result_99.00_percentile_latency_ns", False),
    Number("MultiStream", "latency, median", "result_50.00_percentile_per_query_latency_ns", False),
    Number(
        "MultiStream",
        "latency, 99th percentile",
        "result_99.00_percentile_per_query_latency_ns",
        False,
    ),
    Number("Server", "queries per second", "result_completed_samples_per_sec", True),
    Number("Server", "latency, median", "result_50.00_percentile_latency_ns", False),
    Number("Server", "latency, 99th percentile", "result_99.00_percentile_latency_ns", False),
]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--only", default="", help="only this scenario")
    parser.add_argument("--output", type=Path, help="write the page here instead of showing it")
    return parser.parse_args()


def once(engine: str, scenario: str, made: dict[str, str], work: Path) -> logs.Detail:
    """One run of `bare` or `harness`; its log."""
    batch, values = LOADS[scenario]
    conf = work / f"{scenario}.conf"
    conf.write_text("".join(f"*.{scenario}.{key} = {value}\n" for key, value in values.items()))
    output = work / engine
    output.mkdir(exist_ok=True)
    if engine == "bare":
        images = str(Path(made["dataset"]) / "X.npy")
        words = [str(BARE), made["model"], images, scenario, str(conf), str(batch), str(output)]
    else:
        config = work / "config.json"
        content = {
            "model": {"name": "digits", "path": made["model"], "outputs": ["label"]},
            "backend": {"threads": 1},
            "dataset": made["dataset"],
            "scenario": scenario,
            "batch_size": batch,
            "user_conf": str(conf),
            "output": str(output),
        }
        config.write_text(json.dumps(content))
        words = ["-m", "cm_mlperf.harness", str(config)]
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    detail = logs.read_detail(str(output / logs.DETAIL))
    if not detail.get("result_validity"):
        raise SystemExit(f"{engine} gave no result in {scenario}")
    return detail


def measure(rounds: int, only: str, work: Path) -> dict[Number, list[tuple[float, float]]]:
    """For each number the pairs (bare, harness) of neighbouring runs."""
    made = digits.make(str(work / "digits"))
    found: dict[Number, list[tuple[float, float]]] = {}
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
        for scenario in LOADS:
            if only and scenario != only:
                continue
            order = ("bare", "harness") if turn % 2 else ("harness", "bare")
            seen = {engine: once(engine, scenario, made, work) for engine in order}
            for number in NUMBERS:
                if number.scenario == scenario:
                    pair = tuple(seen[name].number(number.key) for name in ("bare", "harness"))
                    found.setdefault(number, []).append((pair[0], pair[1]))
    return found


def better(pair: tuple[float, float], number: Number) -> float:
    """How much better the harness is, as a share: -0.02 is 2 % worse."""
    bare, ours = pair
    return ours / bare - 1 if number.more else bare / ours - 1


def interval(values: list[float]) -> tuple[float, float]:
    """95 % confidence interval of the median, by resampling."""
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(2000))
    return medians[49], medians[1949]


def page(found: dict[Number, list[tuple[float, float]]], rounds: int) -> str:
    """The table as Markdown."""
    lines = [
        "# What the MLPerf harness costs",
        "",
        "Beside a bare program with LoadGen and ONNX Runtime (`benchmarks/mlperf_bare.py`): same",
        "model (digits, some twenty microseconds per image), same settings, one thread. The bare",
        "program is written in the way of LoadGen's own examples. Medians of",
        f"{rounds} pairs of runs, each in a process of its own; a positive percentage means that",
        "the harness is better. The load average of the machine at the end was "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
        "",
        "| scenario | | bare | harness | better by | 95 % interval |",
        "|---|---|---|---|---|---|",
    ]
    for number, pairs in found.items():
        bare, ours = (statistics.median(pair[at] for pair in pairs) for at in (0, 1))
        shares = [better(pair, number) for pair in pairs]
        low, high = interval(shares)
        unit = 1 if number.more else 1000
        told = [f"{value / unit:,.0f}{'' if number.more else ' us'}" for value in (bare, ours)]
        lines.append(
            f"| {number.scenario} | {number.what} | {told[0]} | {told[1]} "
            f"| {statistics.median(shares):+.1%} | {low:+.1%} to {high:+.1%} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure and write; 1 when the harness costs more than it may."""
    chosen = options()
    with tempfile.TemporaryDirectory(prefix="overhead-") as name:
        found = measure(chosen.rounds, chosen.only, Path(name))
    text = page(found, chosen.rounds)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text)
    worst = min(
        statistics.median(better(pair, number) for pair in pairs) for number, pairs in found.items()
    )
    return int(worst < -LIMIT)


if __name__ == "__main__":
    sys.exit(main())
