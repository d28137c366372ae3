"""`cm run mlperf --quiet` on a fresh machine: what it prints and what it leaves."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest

SCENARIOS = ("Offline", "SingleStream", "MultiStream", "Server")
METRICS = {
    "Offline": ("samples_per_second", "samples/s"),
    "SingleStream": ("latency_ns", "ns"),
    "MultiStream": ("latency_ns", "ns"),
    "Server": ("queries_per_second", "queries/s"),
}


def test_it_ends_well_and_says_what_it_does(main_job: Any) -> None:
    assert main_job.said.code == 0, main_job.said
    lines = main_job.said.err.splitlines()
    assert lines[0].startswith("training digits")
    assert lines[1].startswith("digits (fp32) on cpu with onnxruntime ")
    assert lines[1].endswith("test run: not a result")
    told = [line.split()[:2] for line in lines[2:]]
    assert told == [[s, mode] for s in SCENARIOS for mode in ("performance", "accuracy")]


def test_the_table_has_a_row_per_scenario(main_job: Any) -> None:
    rows = [line.split() for line in main_job.said.out.splitlines() if line]
    assert rows[0][0] == "scenario"
    assert [row[0] for row in rows[1:5]] == list(SCENARIOS)
    assert all("VALID" in row and row[-2:] == ["no", "(test)"] for row in rows[1:5])
    assert "test run: not a result" in main_job.said.out


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_valid(main_job: Any, scenario: str) -> None:
    result = main_job.result(scenario)
    performance = result["performance"]
    assert performance["valid"], performance
    assert performance["errors"] == 0
    assert not performance["reasons"]
    assert (performance["metric"], performance["unit"]) == METRICS[scenario]
    assert performance["value"] > 0
    assert performance["latency_ns"]["min"] <= performance["latency_ns"]["p99"]
    log = (main_job.point(scenario) / "performance/run_1/mlperf_log_summary.txt").read_text()
    assert "Result is : VALID" in log


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_accuracy_is_the_models_own_score(main_job: Any, digits: Any, scenario: str) -> None:
    facts = json.loads((digits / "model.json").read_text())
    accuracy = main_job.result(scenario)["accuracy"]
    assert (accuracy["good"], accuracy["samples"]) == (facts["good"], facts["total"])
    assert accuracy["value"] == pytest.approx(100 * facts["score"])
    assert accuracy["target"] == pytest.approx(99 * facts["score"], abs=1e-3)
    assert accuracy["met"] is True


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_accuracy_txt_carries_the_digest_of_its_log(main_job: Any, scenario: str) -> None:
    folder = main_job.point(scenario) / "accuracy"
    first, second = (folder / "accuracy.txt").read_text().splitlines()
    digest = hashlib.sha256((folder / "mlperf_log_accuracy.json").read_bytes()).hexdigest()
    assert second == f"hash={digest}"
    value = main_job.result(scenario)["accuracy"]["value"]
    assert first.startswith(f"accuracy={value:.3f}%")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_test_runs_are_stamped_and_do_not_count(main_job: Any, scenario: str) -> None:
    result = main_job.result(scenario)
    assert result["stamp"] == "test run: not a result"
    assert result["valid"] is False
    assert result["why_not"] == ["test run: not a result"]
    assert "test run: not a result" in (main_job.point(scenario) / "README.md").read_text()


def test_server_belongs_to_the_data_centre(main_job: Any) -> None:
    found = {scenario: main_job.result(scenario)["category"] for scenario in SCENARIOS}
    assert found == {s: "datacenter" if s == "Server" else "edge" for s in SCENARIOS}


@pytest.mark.parametrize(
    ("scenario", "queries"), [("SingleStream", 100), ("MultiStream", 662), ("Server", 700)]
)
def test_queries_of_a_test_run(main_job: Any, scenario: str, queries: int) -> None:
    result = main_job.result(scenario)
    assert result["settings"]["min_query_count"] >= queries
    assert result["settings"]["min_duration_ms"] == 0


def test_offline_asks_once_for_all_samples(main_job: Any) -> None:
    log = main_job.point("Offline") / "performance/run_1/mlperf_log_detail.txt"
    entries = [json.loads(line[9:]) for line in log.read_text().splitlines()]
    values = {entry["key"]: entry["value"] for entry in entries}
    assert values["effective_samples_per_query"] == 1224
    assert values["result_query_count"] == 1


def test_the_tree_is_that_of_the_published_workflows(main_job: Any) -> None:
    assert main_job.system.name.endswith("-cm-cpu-onnxruntime")
    for scenario in SCENARIOS:
        names = {path.name for path in main_job.point(scenario).iterdir()}
        assert names == {
            "performance", "accuracy", "user.conf", "measurements.json", "README.md",
            "cm-result.json", "cm",
        }  # fmt: skip
    assert not list(main_job.place.here.glob("**/tmp-*"))
    measurements = json.loads((main_job.point("Server") / "measurements.json").read_text())
    for key in (
        "input_data_types", "retraining", "starting_weights_filename", "weight_data_types",
        "weight_transformations",
    ):  # fmt: skip
        assert measurements[key], key


def test_the_system_is_described(main_job: Any) -> None:
    described = json.loads((main_job.system / "system.json").read_text())
    assert len(described) >= 35
    assert described["system_name"] == main_job.system.name
    assert described["host_processor_core_count"]
    assert described["framework"].startswith("onnxruntime ")


def test_user_conf_has_the_scenario_alone(main_job: Any) -> None:
    lines = (main_job.point("Server") / "user.conf").read_text().splitlines()
    assert all(line.startswith("digits.Server.") for line in lines)
    assert "digits.Server.min_duration = 0" in lines


def test_a_test_run_says_nothing_for_the_next(main_job: Any) -> None:
    assert not (main_job.place.here / "mlperf-results" / "tuning.json").exists()


def test_the_model_is_kept_as_data(main_job: Any) -> None:
    said = main_job.place.cm("find", "cache", "get mlperf-model _digits", "--out=json")
    (entry,) = said.json["list"]
    meta = json.loads((main_job.place.home / "cache" / entry["uid"] / "_cm.json").read_text())
    assert "data" in json.dumps(meta)
    assert os.path.isfile(entry["path"] + "/model.onnx")


def test_again_keeps_what_is_there_and_says_so(main_job: Any) -> None:
    before = main_job.result("Offline")
    said = main_job.place.cm("run", "mlperf", "--quiet", "--scenario=Offline")
    assert said.code == 0
    assert "Offline      kept as it is: " in said.err
    assert main_job.result("Offline")["id"] == before["id"]


def test_the_result_is_readable_as_a_document(main_job: Any) -> None:
    said = main_job.place.cm("run", "mlperf", "--quiet", "--scenario=Offline", "--out=json")
    assert said.code == 0
    assert said.json["return"] == 0
    assert said.json["output_dir"] == str(main_job.place.here / "mlperf-results")
    assert said.json["results"] == [main_job.result("Offline")]


def test_the_recipe_itself_does_the_same(main_job: Any) -> None:
    said = main_job.place.cm(
        "run", "script", "run-mlperf inference", "--quiet", "--scenario=Offline", "--out=json"
    )
    assert said.code == 0, said.err
    assert said.json["new_state"]["mlperf_results"] == [main_job.result("Offline")]


def test_results_are_shown(main_job: Any) -> None:
    said = main_job.place.cm("show", "mlperf", "mlperf-results", "--out=json")
    assert said.code == 0
    assert sorted(row["scenario"] for row in said.json["results"]) == sorted(SCENARIOS)
