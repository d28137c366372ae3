"""Result folders from small real LoadGen runs, trees made of them, and ways to damage a copy."""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("mlperf_loadgen", reason="there is no LoadGen for this Python")

from cm_mlperf.compliance import audit
from cm_mlperf.submission import gathering, submit
from cmcore.console import Console
from cmcore.context import Context
from cmcore.paths import Paths
from cmcore.types import Request

PROGRAM = os.path.join(os.path.dirname(__file__), "loadgen_run.py")
SUT = "box-cm-cpu-fake"
SCENARIOS = ("SingleStream", "MultiStream", "Offline")
SLEEP = {"SingleStream": 0.002, "MultiStream": 0.001, "Offline": 0.05}

CONF = """\
*.SingleStream.min_duration = 0
*.SingleStream.min_query_count = 64
*.SingleStream.target_latency = 20
*.MultiStream.min_duration = 0
*.MultiStream.min_query_count = 662
*.MultiStream.target_latency = 20
*.Offline.min_duration = 0
*.Offline.min_query_count = 24576
*.Offline.target_qps = 100
"""

SYSTEM = {
    "division": "open",
    "submitter": "",
    "status": "rdi",
    "system_name": "box",
    "system_type": "edge",
    "number_of_nodes": "1",
    "host_processor_model_name": "a processor",
    "host_processors_per_node": "1",
    "host_processor_core_count": "2",
    "host_memory_capacity": "8 GiB",
    "host_memory_configuration": "2x 4 GiB DDR4",
    "host_storage_capacity": "100 GiB",
    "host_storage_type": "SSD",
    "host_networking": "N/A",
    "host_network_card_count": "0",
    "host_networking_topology": "N/A",
    "accelerators_per_node": "0",
    "accelerator_model_name": "N/A",
    "accelerator_memory_capacity": "N/A",
    "accelerator_host_interconnect": "N/A",
    "accelerator_memory_configuration": "N/A",
    "accelerator_interconnect": "N/A",
    "cooling": "air",
    "framework": "none",
    "operating_system": "an operating system",
    "other_software_stack": "Python",
}


def loadgen(output, scenario, mode, conf, audit_conf="", model="digits"):
    """One real run in a process of its own."""
    told = {
        "output": str(output),
        "scenario": scenario,
        "mode": mode,
        "samples": 50000,
        "loaded": 1024,
        "sleep": SLEEP[scenario],
        "conf": str(conf),
        "audit": str(audit_conf),
        "model": model,
        "wrong": 5,
    }
    done = subprocess.run(
        [sys.executable, PROGRAM, json.dumps(told)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    trace = os.path.join(output, "mlperf_log_trace.json")
    if os.path.exists(trace):
        os.unlink(trace)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """`<scenario>/{performance,accuracy,TEST01,TEST04}` with the logs of one real run each."""
    base = tmp_path_factory.mktemp("loadgen")
    conf = base / "user.conf"
    conf.write_text(CONF)
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for scenario in SCENARIOS:
            folder = base / scenario
            for name, mode in (("performance", "PerformanceOnly"), ("accuracy", "AccuracyOnly")):
                jobs.append(pool.submit(loadgen, folder / name, scenario, mode, conf))
            for test in ("TEST01", "TEST04"):
                config = base / f"{test}.config"
                config.write_text(audit.config_text(test, "resnet"))
                jobs.append(
                    pool.submit(
                        loadgen, folder / test, scenario, "PerformanceOnly", conf, str(config)
                    )
                )
        for job in jobs:
            job.result()
    return base


def record(scenario, **changes):
    """A cm-result.json of a valid run."""
    return {
        "schema": "cm-mlperf-result/1",
        "id": f"{scenario}-1",
        "time": "2026-01-01T00:00:00Z",
        "round": "v6.1",
        "division": "open",
        "category": "edge",
        "submitter": "",
        "system": SUT,
        "hw_name": "box",
        "implementation": "cm",
        "backend": "none 1.0",
        "device": "cpu",
        "model": "digits",
        "precision": "fp32",
        "dataset": "digits",
        "scenario": scenario,
        "execution_mode": "valid",
        "loadgen": "6.0.17",
        "performance": {"valid": True, "errors": 0, "run": "performance/run_1"},
        "accuracy": {
            "metric": "top1",
            "value": 95.0,
            "unit": "%",
            "met": True,
            "samples": 50000,
            "good": 47500,
            "run": "accuracy",
        },
        "valid": True,
        **changes,
    }


def change_log(path, **values):
    """Set values of keys in a detail log; None removes a key, a new one is added."""
    lines, seen = [], set()
    with open(path) as file:
        for line in file:
            entry = json.loads(line[len(":::MLLOG") :])
            if entry["key"] in values:
                seen.add(entry["key"])
                if values[entry["key"]] is None:
                    continue
                entry["value"] = values[entry["key"]]
                line = f":::MLLOG {json.dumps(entry)}\n"
            lines.append(line)
    for key in values.keys() - seen:
        entry["key"], entry["value"] = key, values[key]
        lines.append(f":::MLLOG {json.dumps(entry)}\n")
    with open(path, "w") as file:
        file.writelines(lines)


def as_long(path):
    """Make a log say that its run took the 610 s that nobody wants to wait for in a test."""
    change_log(
        path,
        effective_min_duration_ms=600000,
        power_begin="11-22-2026 09:00:00.000",
        power_end="11-22-2026 09:10:10.000",
        test_datetime="2026-11-22T09:00:00Z",
    )


class Made:
    """Result folders and the commands that work on them."""

    def __init__(self, home, results):
        self.ctx = Context(paths=Paths(str(home)), console=Console(interactive=False), environ={})
        self.results = results

    def folder(self, scenario, mode="valid"):
        return self.results / f"{mode}_results" / SUT / "digits" / scenario.lower()

    def submit(self, output, **flags):
        told = {
            "results": str(self.results),
            "submitter": "Practice",
            "round": "v6.1",
            "output": str(output),
            **flags,
        }
        told = {key: value for key, value in told.items() if value is not None}
        return submit.submit(self.ctx, Request("submit", "mlperf", flags=told))

    def check(self, tree, **flags):
        from cm_mlperf.submission.checking import command

        return command.check(self.ctx, Request("check", "mlperf", (str(tree),), flags))


def make_results(base, runs, *, model="digits", long=True):
    """Result folders of contract form from the real runs; `long` lets logs say 610 s."""
    for scenario in SCENARIOS:
        folder = base / "valid_results" / SUT / model / scenario.lower()
        shutil.copytree(runs / scenario / "performance", folder / "performance" / "run_1")
        shutil.copytree(runs / scenario / "accuracy", folder / "accuracy")
        (folder / "accuracy" / "accuracy.txt").write_text(
            "accuracy=95.000%, good=47500, total=50000\n"
        )
        (folder / "user.conf").write_text(CONF)
        (folder / "cm-result.json").write_text(json.dumps(record(scenario, model=model)))
        if long:
            as_long(folder / "performance" / "run_1" / "mlperf_log_detail.txt")
    system = base / "valid_results" / SUT / "system.json"
    system.write_text(json.dumps(SYSTEM))
    return base


@pytest.fixture
def made(tmp_path, runs):
    """Results that may be submitted."""
    return Made(tmp_path / "home", make_results(tmp_path / "results", runs))


@pytest.fixture(scope="session")
def open_tree(tmp_path_factory, runs):
    """A tree of the open division without any finding; never changed by a test."""
    base = tmp_path_factory.mktemp("open")
    results = make_results(base / "results", runs)
    Made(base / "home", results).submit(base / "tree")
    return base / "tree"


@pytest.fixture(scope="session")
def closed_tree(tmp_path_factory, runs):
    """A tree of the closed division with TEST01 and TEST04, without any finding."""
    from cm_mlperf.compliance import verify

    base = tmp_path_factory.mktemp("closed")
    results = make_results(base / "results", runs, model="resnet")
    for scenario in SCENARIOS:
        folder = results / "valid_results" / SUT / "resnet" / scenario.lower()
        for test in ("TEST01", "TEST04"):
            raw = base / f"{scenario}-{test}"
            shutil.copytree(runs / scenario / test, raw)
            as_long(raw / "mlperf_log_detail.txt")
            accuracy = True if test == "TEST01" else None
            # How fast a loaded machine was in two short runs is no matter of this tree.
            passed = verify.Verdict(test, accuracy, True, "TEST PASS\n", "TEST PASS\n")
            verify.file(passed, str(folder), str(raw))
    Made(base / "home", results).submit(base / "tree", division="closed")
    return base / "tree"


@pytest.fixture
def tree(tmp_path, open_tree):
    """A copy of the clean open tree, to be damaged."""
    return shutil.copytree(open_tree, tmp_path / "tree")


@pytest.fixture
def closed(tmp_path, closed_tree):
    """A copy of the clean closed tree, to be damaged."""
    return shutil.copytree(closed_tree, tmp_path / "tree")


@pytest.fixture
def edit_log():
    """`edit_log(path, key=value, ...)`: see `change_log`."""
    return change_log


@pytest.fixture
def sut():
    """Name of the system in all trees here."""
    return SUT


@pytest.fixture
def result_form():
    """`result_form(scenario, **changes)`: the content of a cm-result.json."""
    return record


@pytest.fixture
def run_loadgen():
    """`run_loadgen(output, scenario, mode, conf, audit)`: one real run."""
    return loadgen


@pytest.fixture
def gathered(made):
    """The candidates of the valid results."""
    return gathering.gather(str(made.results))
