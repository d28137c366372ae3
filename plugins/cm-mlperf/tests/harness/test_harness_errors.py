"""What cannot work says so in one sentence, with the right exit code, and leaves nothing behind."""

import json
import os
import signal
import sys
import time

import numpy as np
import onnxmodels
import pytest

from cm_mlperf.harness import data

#: A run that does not end by itself.
ENDLESS = {"min_duration": 600000}


def nothing_left(run):
    return not os.path.lexists(run.output) and not os.path.lexists(run.output + ".tmp")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"scenario": "offline", "conf": {}},
            "'scenario' must be one of Offline, SingleStream, MultiStream",
        ),
        ({"mode": "Accuracy"}, "did you mean 'AccuracyOnly'?"),
        ({"mode": "FindPeakPerformance"}, "exists for scenario Server only, not for Offline"),
        (
            {"scenario": "Server", "mode": "FindPeakPerformance", "conf": {"min_duration": 0}},
            "needs a min_duration that is longer than target_latency",
        ),
        ({"batchsize": 4}, "unknown key 'batchsize'"),
        ({"batchsize": 4}, "did you mean 'batch_size'?"),
        ({"batch_size": 0}, "'batch_size' must be at least 1, not 0"),
        ({"batch_size": "4"}, "'batch_size' must be a whole number, not '4'"),
        ({"model": {"name": "m", "path": "nowhere.onnx"}}, "no model at nowhere.onnx"),
        ({"model": None}, "'model' is missing"),
        ({"dataset": "nowhere"}, "no data set at nowhere"),
        ({"dataset": 3}, "'dataset' must be a folder or"),
        ({"dataset": {"kind": "imagenet"}}, "'dataset.kind' must be one of random"),
        ({"user_conf": "nowhere.conf"}, "'user_conf': no file nowhere.conf"),
        ({"backend": {"name": "tensorflow"}}, "'backend.name' must be one of onnxruntime, pytorch"),
        ({"backend": {"name": "pytorch"}}, "use backend onnxruntime"),
        ({"backend": {"device": "cuda"}}, "this onnxruntime has no CUDAExecutionProvider"),
        ({"backend": {"options": {"x": 1}}}, "unknown key 'backend.options.x'"),
        ({"network": {"role": "client", "address": "nowhere"}}, "'network.address' 'nowhere'"),
    ],
)
def test_a_wrong_configuration(bench, changes, said):
    if "CUDA" in said:
        import onnxruntime

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("this onnxruntime has CUDA")
    run = bench.run(**changes)
    assert run.code == 2
    assert said in run.sentence
    assert nothing_left(run)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"model": {}}'])
def test_a_configuration_that_is_none(bench, tmp_path, content):
    path = tmp_path / "odd.json"
    path.write_text(content)
    run = bench.end(bench.start(str(path)), str(tmp_path / "none"))
    assert run.code == 2
    assert "odd.json" in run.sentence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("*.Offline.target_qps=3", "expected 'model.scenario.key = value'"),
        ("*.Offline.target_qps = many", "must be a number, not 'many'"),
        ("target_qps = 3", "not of the form model.scenario.key"),
    ],
)
def test_a_line_of_user_conf_that_loadgen_would_pass_over(bench, tmp_path, line, said):
    path = tmp_path / "bad.conf"
    path.write_text(f"# first\n\n{line}\n")
    run = bench.run(user_conf=str(path))
    assert run.code == 2
    assert said in run.sentence
    assert "bad.conf, line 3" in run.sentence


def test_a_damaged_model(bench, tmp_path):
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"no model")
    run = bench.run(model={"name": "m", "path": str(path)})
    assert run.code == 3
    assert "onnxruntime cannot load the model" in run.sentence
    assert nothing_left(run)


def test_a_shape_that_does_not_fit(bench, tmp_path):
    data.write(str(tmp_path / "d"), name="n", inputs={"X": np.zeros((4, 63), np.float32)})
    run = bench.run(dataset=str(tmp_path / "d"))
    assert run.code == 2
    assert "the shape of 'X' does not fit" in run.sentence
    assert "the model wants X ?x64; the data set has X 4x63" in run.sentence


@pytest.mark.parametrize("damage", ["missing", "cut", "labels", "outside"])
def test_a_damaged_data_set(bench, tmp_path, damage):
    folder = tmp_path / "d"
    data.write(
        str(folder), name="n", inputs={"X": np.zeros((4, 64), np.float32)}, labels=np.zeros(4)
    )
    said = {
        "missing": "the data set lacks X.npy",
        "cut": "X.npy is not a numpy file",
        "labels": "3 labels for 4 samples",
        "outside": "'../X.npy' is not a file name inside the folder",
    }[damage]
    if damage == "missing":
        (folder / "X.npy").unlink()
    elif damage == "cut":
        (folder / "X.npy").write_bytes((folder / "X.npy").read_bytes()[:100])
    elif damage == "labels":
        np.save(folder / "labels.npy", np.zeros(3))
    else:
        meta = json.loads((folder / "dataset.json").read_text())
        meta["inputs"]["X"] = "../X.npy"
        (folder / "dataset.json").write_text(json.dumps(meta))
    run = bench.run(dataset=str(folder))
    assert run.code == 2
    assert said in run.sentence


@pytest.mark.parametrize("scenario", ["Offline", "SingleStream", "Server"])
@pytest.mark.parametrize("settings", [{}, {"workers": 2, "batch_size": 4}])
def test_a_model_that_fails_in_the_middle(bench, tmp_path, scenario, settings):
    """Number 99 is not in the model's table of ten: sample 700 fails, whoever answers it."""
    model = onnxmodels.lookup(tmp_path / "m.onnx")
    values = np.arange(1000) % 10
    values[700] = 99
    data.write(str(tmp_path / "d"), name="n", inputs={"number": values}, task="classification")
    conf = {"target_qps": 20000} if scenario == "Server" else {}
    run = bench.run(
        scenario,
        "AccuracyOnly",
        conf,
        dataset=str(tmp_path / "d"),
        model={"name": "m", "path": model},
        **settings,
    )
    assert run.code == 3
    assert "the model failed at" in run.sentence
    assert "out of data bounds" in run.sentence
    if not settings:
        assert "sample 700:" in run.sentence
    assert nothing_left(run)


def test_a_failure_keeps_the_older_result(bench, tmp_path):
    output = str(tmp_path / "result")
    assert bench.run("Offline", output=output).code == 0
    before = sorted(os.listdir(output))
    assert bench.run("Offline", output=output, dataset="nowhere").code == 2
    assert sorted(os.listdir(output)) == before


def test_a_folder_of_somebody_else_is_not_touched(bench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    run = bench.run("Offline", output=str(tmp_path / "mine"))
    assert run.code == 2
    assert "exists and is no result of this harness" in run.sentence
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream"])
def test_ctrl_c_ends_at_once_and_clean(bench, scenario):
    conf = {**ENDLESS, "target_qps": 200} if scenario == "Server" else ENDLESS
    if scenario == "Offline":
        conf = {**ENDLESS, "target_qps": 2000}
    begun = time.monotonic()
    run = bench.interrupted(signal.SIGINT, scenario, conf=conf)
    assert run.code == 130
    assert run.sentence == "error: stopped by SIGINT"
    assert time.monotonic() - begun < 100  # of 600 s
    assert nothing_left(run)


def test_killed_leaves_nothing_that_looks_complete_and_the_next_run_takes_over(bench, tmp_path):
    output = str(tmp_path / "killed")
    run = bench.interrupted(signal.SIGKILL, "SingleStream", conf=ENDLESS, output=output)
    assert run.code == -signal.SIGKILL
    assert not os.path.lexists(output)
    assert "harness.json" not in os.listdir(output + ".tmp")
    assert bench.run("SingleStream", output=output).verdict().valid
    assert not os.path.lexists(output + ".tmp")


def test_a_log_that_cannot_be_written_to_its_end(bench):
    """LoadGen does not notice; here a limit on the size of files stands in for a full disk."""
    import resource
    import subprocess

    path, output = bench.config("Offline")
    done = subprocess.run(
        [sys.executable, "-m", "cm_mlperf.harness", path],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)),
    )
    assert done.returncode == 3
    assert "could not write mlperf_log_detail.txt to its end (20000 bytes)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not os.path.lexists(output)
    assert not os.path.lexists(output + ".tmp")


def test_two_runs_do_not_write_into_one_folder(bench, tmp_path):
    output = str(tmp_path / "one")
    path, _ = bench.config("SingleStream", conf=ENDLESS, output=output)
    first = bench.start(path)
    try:
        until = time.monotonic() + 60
        while not os.path.exists(output + ".tmp/mlperf_log_detail.txt"):
            assert time.monotonic() < until
            time.sleep(0.02)
        second = bench.run("Offline", output=output)
        assert second.code == 2
        assert "another process is writing" in second.sentence
        assert os.path.exists(output + ".tmp/mlperf_log_detail.txt")
    finally:
        first.terminate()
    assert bench.end(first, output).code == 143


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("mlperf_loadgen", "pip install 'mlcommons-loadgen'"),
        ("onnxruntime", "pip install 'onnxruntime'"),
    ],
)
def test_a_library_that_is_missing(bench, tmp_path, monkeypatch, module, said):
    """A finder that refuses the module stands in for an environment without it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    run = bench.run()
    assert run.code == 2
    assert f"{module} is not installed; install it with: {sys.executable} -m {said}" in run.sentence
    assert nothing_left(run)


def test_loadgen_on_a_python_that_has_no_wheel(monkeypatch):
    from cm_mlperf import libraries

    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    hint = libraries._how_to_install("mlperf_loadgen", "mlcommons-loadgen")
    assert hint == "mlcommons-loadgen has no wheels for Python 3.14: use Python 3.10 to 3.13"
