"""A trained model, and a way to run the harness as its users do: as a process."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

#: user.conf lines that make a scenario valid in a moment: no minimum time, counts instead.
QUICK = {
    "Offline": {"min_duration": 0, "min_query_count": 512},
    "SingleStream": {"min_duration": 0, "min_query_count": 100},
    "MultiStream": {"min_duration": 0, "min_query_count": 662},
    "Server": {
        "min_duration": 0,
        "min_query_count": 700,
        "target_qps": 2000,
        "target_latency": 2000,
    },
}


class Run:
    """One execution of the harness."""

    def __init__(self, done, output):
        self.code = done.returncode
        self.error = done.stderr
        self.output = output

    @property
    def sentence(self):
        """The one line of an error: there must be exactly one, and no traceback."""
        lines = self.error.strip().splitlines()
        assert len(lines) == 1, self.error
        assert lines[0].startswith("error: ")
        return lines[0]

    def file(self, name):
        return os.path.join(self.output, name)

    def facts(self):
        with open(self.file("harness.json")) as stream:
            return json.load(stream)

    def detail(self):
        from cm_mlperf import logs

        return logs.read_detail(self.file(logs.DETAIL))

    def verdict(self):
        from cm_mlperf import validity

        return validity.judge(self.detail())


class Bench:
    """A folder in which harnesses are run."""

    def __init__(self, folder, digits):
        self.folder = folder
        self.digits = digits
        self.count = 0

    def config(self, scenario="Offline", mode="PerformanceOnly", conf=None, **more):
        """The path of a configuration file, and that of its output folder."""
        self.count += 1
        output = str(self.folder / f"out-{self.count}")
        user_conf = self.folder / f"user-{self.count}.conf"
        values = QUICK[scenario] if conf is None else conf
        lines = [f"*.{scenario}.{key} = {value}\n" for key, value in values.items()]
        user_conf.write_text("".join(lines))
        content = {
            "model": {"name": "digits", "path": self.digits["model"]},
            "dataset": self.digits["dataset"],
            "scenario": scenario,
            "mode": mode,
            "user_conf": str(user_conf),
            "output": output,
        }
        content.update(more)
        path = self.folder / f"config-{self.count}.json"
        path.write_text(json.dumps(content))
        return str(path), content["output"]

    def start(self, path):
        """Start the harness without waiting for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "cm_mlperf.harness", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def end(self, process, output, timeout=120):
        """Wait for a started harness."""
        out, error = process.communicate(timeout=timeout)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, error)
        return Run(done, output)

    def run(self, *args, **more):
        """Configure, run and wait."""
        path, output = self.config(*args, **more)
        return self.end(self.start(path), output)

    def interrupted(self, number, *args, **more):
        """Run until LoadGen measures, send a signal, wait."""
        path, output = self.config(*args, **more)
        process = self.start(path)
        detail = os.path.join(output + ".tmp", "mlperf_log_detail.txt")
        until = time.monotonic() + 60
        while not (os.path.exists(detail) and os.path.getsize(detail)):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(number)
        return self.end(process, output)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    from cm_mlperf.models import digits

    return digits.make(str(tmp_path_factory.mktemp("digits")))


@pytest.fixture
def bench(tmp_path, digits):
    return Bench(tmp_path, digits)


@pytest.fixture
def kill():
    return signal.SIGKILL
