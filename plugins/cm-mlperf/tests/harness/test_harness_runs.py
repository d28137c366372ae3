"""All scenarios and modes with the real LoadGen: valid, complete, and as accurate as the model."""

import json
import os

import numpy as np
import pytest

from cm_mlperf import accuracy, logs
from cm_mlperf.harness import data

SCENARIOS = ["Offline", "SingleStream", "MultiStream", "Server"]


def exactly(run, digits, count=None):
    """The accuracy of a run, compared with what scikit-learn itself scored on the same images."""
    found = accuracy.evaluate(run.file(logs.ACCURACY), data.read(digits["dataset"], count))
    if count is None:
        assert (found.good, found.total) == (digits["good"], digits["total"])
        assert found.value == 100 * digits["score"]
    return found


@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        ("Offline", {"batch_size": 32}),
        ("Offline", {"batch_size": 7, "workers": 2}),
        ("SingleStream", {}),
        ("MultiStream", {"batch_size": 8}),
        ("MultiStream", {"batch_size": 3}),
        ("Server", {}),
        ("Server", {"batch_size": 8}),
        ("Server", {"batch_size": 4, "workers": 2}),
        ("Server", {"workers": 2}),
    ],
)
def test_valid_in_a_moment(bench, scenario, settings):
    run = bench.run(scenario, **settings)
    assert (run.code, run.error) == (0, "")
    verdict = run.verdict()
    assert (verdict.valid, verdict.result, verdict.reasons) == (True, "VALID", [])
    asked = {"Offline": 512, "SingleStream": 100, "MultiStream": 5296, "Server": 700}[scenario]
    assert run.facts()["samples"] == asked
    with np.load(run.file("samples.npz")) as points:
        assert len(points["issue_ns"]) == len(points["complete_ns"]) == asked
        assert (points["complete_ns"] > points["issue_ns"]).all()
        assert (np.diff(points["complete_ns"]) >= 0).all()
        assert points["issue_ns"].min() == 0
    assert not os.path.exists(run.output + ".tmp")


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("settings", [{"batch_size": 1}, {"batch_size": 32, "workers": 2}])
def test_accuracy_is_that_of_the_model_itself(bench, digits, scenario, settings):
    conf = {"target_qps": 20000} if scenario == "Server" else {}
    run = bench.run(scenario, "AccuracyOnly", conf, **settings)
    assert (run.code, run.error) == (0, "")
    assert run.verdict().valid
    exactly(run, digits)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_more_samples_than_images(bench, digits, scenario):
    """Rules want more samples than there are images: the images are used again, in turn."""
    conf = {"target_qps": 50000} if scenario == "Server" else {}
    run = bench.run(scenario, "AccuracyOnly", conf, count=5001, batch_size=64)
    assert run.code == 0
    found = exactly(run, digits, 5001)
    log = logs.read_accuracy(run.file(logs.ACCURACY))
    assert found.total == 5001 == len(set(log.qsl_idx.tolist()))
    labels = np.load(os.path.join(digits["dataset"], "labels.npy"))
    given = [int.from_bytes(answer, "little") for answer in log.data]
    answers = dict(zip(log.qsl_idx.tolist(), given, strict=True))
    assert found.good == sum(answers[i] == labels[i % len(labels)] for i in range(5001))
    assert all(answers[i] == answers[i + 1224] for i in range(1224))


def test_performance_set_larger_than_the_data(bench):
    run = bench.run("SingleStream", performance_sample_count=4096, count=4096)
    assert run.verdict().valid
    assert run.detail().get("effective_performance_sample_count") == 4096


def test_peak_is_found(bench):
    conf = {"min_duration": 500, "min_query_count": 500, "target_qps": 50, "target_latency": 50}
    run = bench.run("Server", "FindPeakPerformance", conf)
    assert run.code == 0, run.error
    assert run.detail().peak() >= 50
    assert run.verdict().valid


def test_queries_that_loadgen_joins(bench):
    """With coalesce_queries LoadGen hands over several late queries as one."""
    conf = {"min_duration": 0, "min_query_count": 3000, "target_qps": 1000000}
    run = bench.run("Server", conf={**conf, "target_latency": 5000, "coalesce_queries": 1})
    assert run.verdict().valid
    assert run.facts()["samples"] == 3000


def test_random_data_of_the_models_shape(bench):
    run = bench.run("Offline", dataset={"kind": "random", "count": 300}, batch_size=16)
    assert run.verdict().valid
    facts = run.facts()
    assert (facts["dataset"]["name"], facts["dataset"]["count"]) == ("random", 300)


def test_facts_tell_what_was_run(bench, digits):
    facts = bench.run("Offline", batch_size=5, backend={"threads": 1}).facts()
    assert facts["model"]["sha256"] == digits["model_sha256"]
    assert facts["dataset"]["digest"] == digits["dataset_sha256"]
    assert facts["settings"]["batch_size"] == 5
    assert facts["backend"] == {
        "name": "onnxruntime",
        "device": "cpu",
        "threads": 1,
        "options": {},
        "provider": "CPUExecutionProvider",
    }
    assert facts["versions"]["loadgen"]
    assert facts["finished"] is True


def test_audit_configuration_is_heard_and_one_in_the_current_folder_is_not(bench, tmp_path):
    audit = tmp_path / "audit.config"  # also the current folder of the run
    audit.write_text("*.*.mode = 2\n*.*.accuracy_log_rng_seed = 77\n")
    plain = bench.run("Offline").detail()
    audited = bench.run("Offline", audit_conf=str(audit)).detail()
    assert plain.get("effective_accuracy_log_rng_seed") == 0
    assert audited.get("effective_accuracy_log_rng_seed") == 77


def test_answers_are_logged_in_performance_runs_when_an_audit_asks(bench, digits, tmp_path):
    """TEST01 compares answers given under load with those of the accuracy run."""
    audit = tmp_path / "a.conf"
    audit.write_text(
        "*.*.mode = 2\n*.*.accuracy_log_rng_seed = 720381539243781796\n"
        "*.*.accuracy_log_sampling_target = 100\n"
    )
    run = bench.run("MultiStream", audit_conf=str(audit), batch_size=8)
    log = logs.read_accuracy(run.file(logs.ACCURACY))
    assert len(log.data) > 20
    labels = np.load(os.path.join(digits["dataset"], "labels.npy"))
    given = [int.from_bytes(answer, "little") for answer in log.data]
    right = sum(one == labels[at] for one, at in zip(given, log.qsl_idx, strict=True))
    assert right / len(given) > 0.8


def test_an_older_result_is_replaced_whole(bench, tmp_path):
    output = str(tmp_path / "same")
    first = bench.run("Offline", output=output)
    os.rename(first.file("samples.npz"), first.file("left-over"))
    second = bench.run("Offline", output=output)
    assert second.code == 0
    assert "left-over" not in os.listdir(output)
    assert "samples.npz" in os.listdir(output)
    assert [name for name in os.listdir(tmp_path) if "same" in name] == ["same"]


def test_digits_are_the_same_every_time(digits, tmp_path):
    from cm_mlperf.models import digits as module

    again = module.make(str(tmp_path / "again"))
    for key in ("score", "good", "model_sha256", "dataset_sha256"):
        assert again[key] == digits[key]
    with open(tmp_path / "again" / "model.json") as stream:
        assert json.load(stream)["score"] == digits["score"]
