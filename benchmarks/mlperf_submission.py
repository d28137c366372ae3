"""Real runs of valid length, a tree by our command alone, the official checker: a report.

    python benchmarks/mlperf_submission.py --inference_src=INFERENCE --work=DIR [--report=PAGE]

SingleStream, MultiStream and Offline of the digits model run side by side, ten minutes each, in
the open division, where digits stands for the benchmark `resnet`. The 1,224 held-out images are
cycled to the 50,000 samples that the benchmark has. Needs about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

SCENARIOS = ("SingleStream", "MultiStream", "Offline")
SAMPLES = 50_000
SYSTEM_FILE = """\
# What a virtual machine does not tell about the hardware below it.
status: rdi
host_memory_configuration: N/A (virtual machine)
cooling: N/A (virtual machine)
"""


def main() -> int:
    """Exit code 0 when both checkers find nothing."""
    told = arguments()
    told.work = told.work.resolve()
    told.work.mkdir(parents=True, exist_ok=True)
    os.environ["CM_HOME"] = str(told.work / "home")
    if told.runs:
        measure(told)
    return judge(told)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inference_src", required=True, help="source tree of mlcommons/inference")
    parser.add_argument("--commit", default="", help="its commit, when it is no git checkout")
    parser.add_argument("--work", type=Path, default=Path("mlperf-submission"))
    parser.add_argument("--report", type=Path, help="page to write")
    parser.add_argument("--round", default="v6.1")
    parser.add_argument("--submitter", default="Practice")
    parser.add_argument("--min_duration", type=int, help="seconds; shorter trees are stamped")
    parser.add_argument("--note", default="", help="a sentence about the machine, for the report")
    parser.add_argument(
        "--target", action="append", default=[], metavar="SCENARIO=VALUE", help="expected qps or ms"
    )
    parser.add_argument(
        "--no-runs", dest="runs", action="store_false", help="judge runs that are there already"
    )
    return parser.parse_args()


def cm(told: argparse.Namespace, *words: str) -> list[str]:
    return [sys.executable, "-m", "cmcore", *words]


def dataset(folder: Path) -> None:
    """The held-out digits, cycled to the benchmark's number of samples."""
    import numpy

    from cm_mlperf.harness import data
    from cm_mlperf.models import digits

    made = digits.make(str(folder / "digits"))
    stored = data.read(made["dataset"])
    data.write(
        str(folder / "samples"),
        name="digits",
        inputs={name: numpy.asarray(array) for name, array in stored.inputs.items()},
        labels=numpy.asarray(stored.labels),
        task="classification",
        count=SAMPLES,
        source="scikit-learn digits, held-out images, cycled",
    )


def run_words(told: argparse.Namespace, scenario: str) -> list[str]:
    targets = dict(pair.split("=", 1) for pair in told.target)
    words = [
        "run",
        "mlperf",
        "--model=digits",
        f"--dataset_path={told.work / 'samples'}",
        "--execution_mode=valid",
        "--division=open",
        "--category=edge",
        f"--scenario={scenario}",
        "--batch_size=1",
        "--threads=1",
        f"--round=r{told.round[1:]}",
        f"--submitter={told.submitter}",
        "--hw_name=vm",
        f"--output_dir={told.work / 'results'}",
        "--quiet",
    ]
    if scenario in targets:
        key = "target_qps" if scenario == "Offline" else "target_latency"
        words.append(f"--{key}={targets[scenario]}")
    if told.min_duration is not None:
        words.append(f"--min_duration={told.min_duration}")
    return words


def measure(told: argparse.Namespace) -> None:
    """All three scenarios at once, after the model has been obtained once."""
    dataset(told.work)
    (told.work / "system.yaml").write_text(SYSTEM_FILE, encoding="utf-8")
    subprocess.run(
        cm(told, "run", "script", "--tags=get,mlperf-model,_digits", "--quiet"), check=True
    )
    began = time.time()
    running = {}
    for scenario in SCENARIOS:
        log = open(told.work / f"{scenario}.log", "w", encoding="utf-8")  # noqa: SIM115
        # Native steps leave files in the current folder, so each run has one of its own.
        folder = told.work / "steps" / scenario
        folder.mkdir(parents=True, exist_ok=True)
        running[scenario] = subprocess.Popen(
            cm(told, *run_words(told, scenario)), stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    codes = {scenario: process.wait() for scenario, process in running.items()}
    for scenario in SCENARIOS:
        print((told.work / f"{scenario}.log").read_text(encoding="utf-8"))
    if any(codes.values()):
        raise SystemExit(f"a run failed: {codes}")
    (told.work / "seconds").write_text(f"{time.time() - began:.0f}\n", encoding="utf-8")


def asked(told: argparse.Namespace, *words: str) -> dict:
    """The answer of a command as a dictionary."""
    done = subprocess.run(
        cm(told, *words, "--out=json"), stdout=subprocess.PIPE, text=True, check=False
    )
    return json.loads(done.stdout)


def tree_words(told: argparse.Namespace) -> list[str]:
    words = [
        "submit",
        "mlperf",
        f"--results={told.work / 'results'}",
        f"--submitter={told.submitter}",
        "--division=open",
        "--category=edge",
        f"--round={told.round}",
        f"--system_file={told.work / 'system.yaml'}",
        f"--output={told.work / 'tree'}",
        "--tar",
    ]
    return [*words, "--allow_short"] if told.min_duration is not None else words


def judge(told: argparse.Namespace) -> int:
    """Make the tree, let both checkers look at it, write the report."""
    made = asked(told, *tree_words(told))
    if "tree" not in made:
        print(made.get("error"), file=sys.stderr)
        return 1
    check = ["check", "mlperf", str(told.work / "tree"), f"--round={told.round}"]
    verdict = asked(told, *check, f"--inference_src={told.inference_src}")
    print(json.dumps(verdict["official"], indent=1))
    page = report(told, made, verdict)
    if told.report:
        told.report.write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0 if verdict["ok"] else 1


def commit(told: argparse.Namespace) -> str:
    if told.commit:
        return told.commit
    words = ["git", "-C", told.inference_src, "rev-parse", "HEAD"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "unknown"


def report(told: argparse.Namespace, made: dict, verdict: dict) -> str:
    """The page: commands, results, verdicts, the tree."""
    official = verdict["official"]
    work = str(told.work)
    runs = "\n".join(
        "cm " + " ".join(run_words(told, scenario)).replace(work + os.sep, "")
        for scenario in SCENARIOS
    )
    unchanged = official["test_duration_ms"] is None
    return "\n".join(
        [
            "# A submission that was really made",
            "",
            "Written by `benchmarks/mlperf_submission.py`, which `nox -s mlperf_submission --"
            " --inference_src=PATH`",
            "runs; not by hand.",
            "",
            "Three scenarios of the digits model ran side by side on one machine, each for the",
            "ten minutes that the rules demand; the tree came out of `cm submit mlperf` alone. The",
            "model stands for the benchmark `resnet` in the open division"
            " (`model_mapping.json`), and its",
            "1,224 held-out images are cycled to the 50,000 samples of that benchmark. It shows"
            " that the",
            "way from a model to an accepted tree is whole; the figures say nothing about the"
            " machine.",
            *([told.note] if told.note else []),
            "",
            "```sh",
            runs,
            ("cm " + " ".join(tree_words(told))).replace(work + os.sep, ""),
            f"cm check mlperf tree --round={told.round} --inference_src=inference",
            "```",
            "",
            "## Results",
            "",
            *results(told),
            "",
            "## Verdicts",
            "",
            f"- `cm check mlperf`: {len(verdict['results'])} results,"
            f" {len(verdict['findings'])} violations.",
            f"- Official checker, mlcommons/inference `{commit(told)[:12]}`"
            f" `tools/submission/submission_checker`, {'unmodified' if unchanged else 'with'}"
            + ("" if unchanged else f" TEST_DURATION_MS={official['test_duration_ms']}")
            + f", round {told.round}: exit code {official['code']}, `{official['summary']}`,"
            f" {len(official['results'])} results in its table.",
            "",
            *official_rows(official["results"]),
            "",
            "## The tree",
            "",
            "```",
            *listing(told.work / "tree"),
            "```",
            "",
            f"Packed: {made.get('tar_size', 0):,} bytes.",
            "",
        ]
    )


def results(told: argparse.Namespace) -> list[str]:
    lines = [
        "| scenario | result | p99 latency | queries or samples | seconds | LoadGen | accuracy |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for path in sorted((told.work / "results").rglob("cm-result.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        speed, right = one["performance"], one["accuracy"]
        value = (
            f"{speed['value'] / 1e6:.3f} ms"
            if speed["unit"] == "ns"
            else (f"{speed['value']:,.0f} {speed['unit']}")
        )
        lines.append(
            f"| {one['scenario']} | {value} | {speed['latency_ns'].get('p99', 0) / 1e6:,.3f} ms"
            f" | {speed['samples']:,} | {speed['duration_s']:.1f}"
            f" | {'VALID' if speed['valid'] else 'INVALID'}, {speed['errors']} errors"
            f" | {right['value']:.3f} % ({right['good']:,} of {right['samples']:,}) |"
        )
    return lines


def official_rows(rows: list[dict]) -> list[str]:
    if not rows:
        return ["Its table is empty."]
    keys = ("Model", "MlperfModel", "Scenario", "Result", "Units", "Accuracy", "Division")
    lines = ["| " + " | ".join(keys) + " |", "| --- " * len(keys) + "|"]
    lines += ["| " + " | ".join(str(row.get(key, "")) for key in keys) + " |" for row in rows]
    return lines


def listing(tree: Path) -> list[str]:
    return [
        f"{path.stat().st_size:>9,}  {path.relative_to(tree).as_posix()}"
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    ]


if __name__ == "__main__":
    sys.exit(main())
