"""TEST01 and TEST04: what LoadGen is told, our own verification, runs through the harness."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from cm_mlperf.compliance import audit, command, run, verify
from cm_mlperf.submission import detail
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.types import Request


@pytest.fixture
def result(runs, tmp_path):
    """A SingleStream result of real logs."""
    folder = tmp_path / "result"
    shutil.copytree(runs / "SingleStream/performance", folder / "performance/run_1")
    shutil.copytree(runs / "SingleStream/accuracy", folder / "accuracy")
    return folder


@pytest.fixture
def raw(runs, tmp_path):
    """The logs of its TEST01 run."""
    return shutil.copytree(runs / "SingleStream/TEST01", tmp_path / "raw")


def test_loadgen_took_the_settings_over(runs):
    logs = {test: detail.read(str(runs / "Offline" / test / "mlperf_log_detail.txt"))
            for test in audit.TESTS}  # fmt: skip
    assert logs["TEST01"].get("effective_accuracy_log_sampling_target") == 4096
    assert logs["TEST01"].get("effective_accuracy_log_rng_seed") == 720381539243781796
    assert logs["TEST04"].get("effective_performance_issue_same") is True
    assert logs["TEST04"].get("effective_performance_issue_same_index") == 3


def test_models_with_large_answers_log_fewer():
    assert "sampling_target = 64\n" in audit.config_text("test01", "yolo-99")
    assert "sampling_target = 4096\n" in audit.config_text("TEST01", "bert-99")
    fewer = "wan-2.2-t2v-a14b.SingleStream.min_query_count = 20"
    assert fewer in audit.config_text("TEST04", "wan-2.2-t2v-a14b")
    with pytest.raises(UsageError, match="did you mean 'TEST0"):
        audit.config_text("TEST02")


def test_equal_answers_pass(result, raw):
    verdict = verify.verify("TEST01", str(result), str(raw))
    assert verdict.accuracy is True
    assert "different answers = 0\n" in verdict.accuracy_text
    assert verdict.accuracy_text.endswith("TEST PASS\n")


def test_one_other_answer_fails(result, raw):
    log = raw / "mlperf_log_accuracy.json"
    entries = json.loads(log.read_text())
    entries[0]["data"] = "FFFFFFFFFFFFFFFF"
    log.write_text(json.dumps(entries))
    verdict = verify.verify("TEST01", str(result), str(raw))
    assert (verdict.accuracy, verdict.passed) == (False, False)
    assert "different answers = 1\n" in verdict.accuracy_text


def test_a_run_that_logged_nothing_fails():
    assert verify.compare_answers([(1, "00")], [])[0] is False
    assert verify.compare_answers([(1, "00")], [(2, "00")])[0] is False


def test_only_first_items_count_when_asked():
    accuracy, tested = [(1, "0100000002000000")], [(1, "0100000003000000")]
    assert verify.compare_answers(accuracy, tested)[0] is False
    assert verify.compare_answers(accuracy, tested, "int32")[0] is True
    assert verify.compare_answers(accuracy, tested, "int64")[0] is False
    assert verify.compare_answers([(1, "00000080")], [(1, "00000000")], "float32")[0] is True


def log_of(scenario, value, **more):
    keys = {
        "SingleStream": "early_stopping_latency_ss",
        "MultiStream": "early_stopping_latency_ms",
        "Offline": "result_samples_per_second",
        "Server": "result_completed_samples_per_sec",
    }
    told = {
        "effective_scenario": scenario,
        "result_validity": "VALID",
        keys[scenario]: value,
        **more,
    }
    lines = [f":::MLLOG {json.dumps({'key': key, 'value': v})}" for key, v in told.items()]
    return detail.parse("\n".join(lines))


@pytest.mark.parametrize(
    ("test", "scenario", "old", "new", "passes"),
    [
        ("TEST01", "Offline", 1000, 1100, True),
        ("TEST01", "Offline", 1000, 1101, False),
        ("TEST01", "Offline", 1000, 899, False),
        ("TEST01", "SingleStream", 200_000, 240_000, True),
        ("TEST01", "SingleStream", 200_001, 240_000, False),
        ("TEST01", "MultiStream", 1_600_000, 1_900_000, True),
        ("TEST01", "MultiStream", 1_700_000, 1_900_000, False),
        ("TEST04", "Offline", 1000, 500, True),
        ("TEST04", "Offline", 1000, 1099, True),
        ("TEST04", "Offline", 1000, 1100, False),
        ("TEST04", "SingleStream", 1_200_000, 1_000_001, True),
        ("TEST04", "SingleStream", 1_300_000, 1_000_000, False),
        ("TEST04", "Server", 100, 111, False),
    ],
)
def test_the_speed_must_fit(test, scenario, old, new, passes):
    ok, text = verify.compare_speed(test, log_of(scenario, old), log_of(scenario, new))
    assert ok is passes, text
    assert ("TEST PASS" in text) is passes


def test_runs_that_cannot_be_compared():
    good = log_of("Server", 10, effective_target_latency_ns=1)
    for other, words in (
        (log_of("Offline", 10), "different scenarios"),
        (log_of("Server", 10, result_validity="INVALID"), "test run is INVALID"),
        (log_of("Server", 10, effective_target_latency_ns=2), "target latencies differ"),
        (log_of("Server", 0, effective_target_latency_ns=1), "is not told"),
    ):
        ok, text = verify.compare_speed("TEST01", good, other)
        assert not ok
        assert words in text


def test_a_shortened_or_missing_log_is_an_error(result, raw):
    (result / "accuracy/mlperf_log_accuracy.json").write_text("[\n\n...\n\n]")
    with pytest.raises(CmError, match="not valid JSON"):
        verify.verify("TEST01", str(result), str(raw))
    (raw / "mlperf_log_detail.txt").unlink()
    with pytest.raises(CmError, match="missing or empty"):
        verify.verify("TEST04", str(result), str(raw))


def test_filing_replaces_an_older_outcome(result, raw):
    verdict = verify.Verdict("TEST01", True, True, "TEST PASS\n", "TEST PASS\n")
    (result / "TEST01").mkdir()
    (result / "TEST01/old.txt").write_text("x")
    folder = verify.file(verdict, str(result), str(raw))
    there = {os.path.relpath(os.path.join(at, name), folder)
             for at, _, names in os.walk(folder) for name in names}  # fmt: skip
    assert there == {
        "verify_accuracy.txt",
        "verify_performance.txt",
        "performance/run_1/mlperf_log_summary.txt",
        "performance/run_1/mlperf_log_detail.txt",
        "accuracy/mlperf_log_accuracy.json",
    }


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Results of digits by the harness, with the configuration that the workflow keeps."""
    pytest.importorskip("onnxruntime")
    from cm_mlperf.models import digits

    base = tmp_path_factory.mktemp("measured")
    model = digits.make(str(base / "digits"))
    folder = base / "results/test_results/box/digits/singlestream"
    (folder / "cm").mkdir(parents=True)
    (folder / "user.conf").write_text(
        "*.SingleStream.min_duration = 0\n*.SingleStream.min_query_count = 100\n"
        "*.SingleStream.target_latency = 5\n"
    )
    for name, mode in (("performance/run_1", "PerformanceOnly"), ("accuracy", "AccuracyOnly")):
        config = {
            "model": {
                "name": "digits", "path": model["model"], "format": "onnx", "precision": "fp32",
                "inputs": None, "outputs": None,
            },
            "backend": {"name": "onnxruntime", "device": "cpu", "threads": 1, "options": {}},
            "dataset": model["dataset"], "scenario": "SingleStream", "mode": mode,
            "batch_size": 1, "workers": 1, "performance_sample_count": 1224, "count": None,
            "user_conf": str(folder / "user.conf"), "audit_conf": "",
            "output": str(folder / name), "network": None,
        }  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        path = folder / "cm" / f"{os.path.basename(name)}.json"
        path.write_text(json.dumps(config))
        words = [sys.executable, "-m", "cm_mlperf.harness", str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (folder / "accuracy/accuracy.txt").write_text("accuracy=95.507%, good=1169, total=1224\n")
    return folder


@pytest.fixture
def digits_result(measured, tmp_path, result_form):
    folder = tmp_path / "mine/test_results/box/digits/singlestream"
    shutil.copytree(measured, folder)
    told = result_form("SingleStream", execution_mode="test", system="box")
    (folder / "cm-result.json").write_text(json.dumps(told))
    return folder


@pytest.mark.parametrize("test", audit.TESTS)
def test_the_harness_makes_the_run_of_a_test(digits_result, test):
    verdict = run.run(str(digits_result), test)
    log = detail.read(str(digits_result / test / "performance/run_1/mlperf_log_detail.txt"))
    if test == "TEST01":
        assert verdict.accuracy is True, verdict.accuracy_text
        assert log.get("effective_accuracy_log_sampling_target") == 4096
        assert (digits_result / test / "verify_accuracy.txt").exists()
    else:
        assert log.get("effective_performance_issue_same") is True
    # Short runs on a busy machine may differ by more than the rule allows.
    assert "score" in verdict.performance_text or "INVALID" in verdict.performance_text


def test_the_command_names_each_test(made, digits_result):
    folder = str(digits_result.parents[3])
    answer = command.audits(made.ctx, Request("audit", "mlperf", (folder,), {"test": "TEST01"}))
    (row,) = answer.data["audits"]
    assert (row["test"], row["accuracy"]) == ("TEST01", True)
    assert answer.code == (0 if row["passed"] else 1)
    assert bool(row["why"]) is not row["passed"]


SOURCE = os.environ.get("CMCORE_MLPERF_INFERENCE", "")


@pytest.mark.skipif(
    not SOURCE, reason="CMCORE_MLPERF_INFERENCE names no checkout of mlcommons/inference"
)
def test_the_official_verification_stands_beside_ours(made, digits_result):
    flags = {"test": "TEST01", "inference_src": SOURCE}
    folder = str(digits_result.parents[3])
    answer = command.audits(made.ctx, Request("audit", "mlperf", (folder,), flags))
    (row,) = answer.data["audits"]
    assert row["official"] is row["passed"]
    assert list(answer.view.columns) == ["result", "test", "outcome", "official", "why"]


def test_a_run_that_fails_is_told(digits_result):
    config = json.loads((digits_result / "cm/run_1.json").read_text())
    config["model"]["path"] = "/no/such/model.onnx"
    with pytest.raises(CmError, match="run of TEST04 ended with exit code"):
        run.run(str(digits_result), "TEST04", config=config)
    assert not (digits_result / "TEST04").exists()


def test_wrong_requests(made, tmp_path):
    def ask(*words, **flags):
        return command.audits(made.ctx, Request("audit", "mlperf", words, flags))

    with pytest.raises(UsageError, match="not said"):
        ask()
    with pytest.raises(UsageError, match="TEST99"):
        ask(str(tmp_path), test="TEST99")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="no result"):
        ask(str(tmp_path / "empty"))
    with pytest.raises(NotFoundError, match="no result folder"):
        ask(str(made.results), test="TEST01")


def test_tests_of_models():
    assert run.tests_of("v6.1", "resnet50") == ("TEST01", "TEST04")
    assert run.tests_of("v6.1", "bert-99") == ("TEST01",)
    assert run.tests_of("v6.1", "rgat") == ("TEST01",)
    assert run.tests_of("v6.1", "llama3.1-8b") == ()
    assert run.tests_of("v6.1", "mine") == ("TEST01", "TEST04")
