"""Real LoadGen logs, made once, and result folders around them."""

import os
import shutil
import subprocess
import sys

import pytest

from cm_mlperf.results import loadgen, recordfile
from cm_mlperf.results.record import FILE, Accuracy, Record, Source
from cmcore.console import Console
from cmcore.context import Context
from cmcore.paths import Paths
from cmcore.types import Request

SCENARIOS = ("Offline", "SingleStream", "MultiStream", "Server")


def run_loadgen(scenario, mode, folder, speed=1.0):
    os.makedirs(folder)
    script = os.path.join(os.path.dirname(__file__), "small_run.py")
    words = [sys.executable, script, scenario, mode, str(folder), str(speed)]
    subprocess.run(words, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """Scenario to the folder of a performance run; `accuracy` to that of an accuracy run."""
    pytest.importorskip("mlperf_loadgen", reason="LoadGen has no wheel for this Python")
    base = tmp_path_factory.mktemp("loadgen")
    for scenario in SCENARIOS:
        run_loadgen(scenario, "PerformanceOnly", base / scenario)
    run_loadgen("Offline", "AccuracyOnly", base / "accuracy")
    return base


def measured(logs, scenario, **changes):
    """The record of one of the runs."""
    detail = loadgen.read_detail(str(logs / scenario / "mlperf_log_detail.txt"))
    performance = loadgen.performance_of(detail, scenario, run="performance/run_1")
    record = Record(
        id=f"{scenario}-1",
        time="2026-11-22T09:00:00Z",
        round="v6.1",
        division="open",
        category="edge",
        system="box-cm-cpu-onnxruntime",
        hw_name="box",
        implementation="cm",
        backend="onnxruntime 1.31.1",
        device="cpu",
        model="digits",
        precision="fp32",
        dataset="digits",
        scenario=scenario,
        execution_mode="valid",
        loadgen="6.0.17",
        settings={"batch_size": 32, "threads": 2},
        performance=performance,
        accuracy=Accuracy("top1", 95.752, "%", 94.8, True, 1224, 1172, "accuracy"),
        valid=performance.valid,
        source=Source("run", ""),
    )
    return record._replace(**changes)


@pytest.fixture
def put(logs, tmp_path):
    """Write a record, with its logs beside it, into a folder of a result tree."""

    def put(where, scenario="Offline", **changes):
        folder = tmp_path / where / scenario.lower()
        shutil.copytree(logs / scenario, folder / "performance" / "run_1")
        record = measured(logs, scenario, **changes)
        recordfile.write(str(folder / FILE), record)
        return record

    put.base = tmp_path
    return put


class Asking:
    """The verbs on one home, as the command line calls them."""

    def __init__(self, home):
        self.ctx = Context(
            paths=Paths(str(home)), console=Console(interactive=False, verbosity=-1), environ={}
        )

    def __call__(self, verb, *words, **flags):
        from cm_mlperf.results import compare, show
        from cm_mlperf.results.importing import command

        handler = {
            "show": show.show,
            "compare": compare.compare,
            "import": command.import_results,
        }[verb]
        words = tuple(str(word) for word in words)
        return handler(self.ctx, Request(verb, "mlperf", words, flags))


@pytest.fixture
def ask(tmp_path):
    return Asking(tmp_path / "home")
