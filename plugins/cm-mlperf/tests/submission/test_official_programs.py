"""MLCommons' own checker and verification beside ours; needs their source tree.

CMCORE_MLPERF_INFERENCE names a checkout of github.com/mlcommons/inference.
"""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

from cm_mlperf import rounds
from cm_mlperf.compliance import official as verification
from cm_mlperf.compliance import verify
from cm_mlperf.rounds import metrics
from cm_mlperf.submission import official
from cm_mlperf.system import fields
from cmcore.errors import NotFoundError

SOURCE = os.environ.get("CMCORE_MLPERF_INFERENCE", "")
needs_source = pytest.mark.skipif(
    not SOURCE, reason="CMCORE_MLPERF_INFERENCE names no checkout of mlcommons/inference"
)


@pytest.fixture(scope="module")
def constants():
    path = os.path.join(SOURCE, "tools/submission/submission_checker/constants.py")
    spec = importlib.util.spec_from_file_location("official_constants", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_source
@pytest.mark.parametrize("name", rounds.ROUNDS)
def test_clean_trees_of_each_round_pass(made, tmp_path, edit_log, name):
    of_round = rounds.get(name)
    for log in made.results.rglob("mlperf_log_detail.txt"):
        edit_log(log, **{f"effective_{key}": seed for key, seed in of_round.seeds.items()})
    made.submit(tmp_path / "tree", round=name)
    verdict = official.check(SOURCE, str(tmp_path / "tree"), name)
    assert verdict.code == 0, verdict.output
    assert verdict.summary == "SUMMARY: submission looks OK"
    assert {row["Scenario"] for row in verdict.rows} == {"SingleStream", "MultiStream", "Offline"}
    assert {row["MlperfModel"] for row in verdict.rows} == {"resnet"}


@needs_source
def test_the_clean_closed_tree_passes_and_tests_are_needed(closed):
    verdict = official.check(SOURCE, str(closed), "v6.1")
    assert verdict.code == 0, verdict.output
    shutil.rmtree(next(closed.rglob("Offline")) / "TEST01")
    assert official.check(SOURCE, str(closed), "v6.1").code == 1


@needs_source
def test_a_short_tree_passes_only_with_the_shorter_duration(made, tmp_path, edit_log):
    log = made.folder("SingleStream") / "performance/run_1/mlperf_log_detail.txt"
    edit_log(log, effective_min_duration_ms=1000)
    made.submit(tmp_path / "tree", allow_short=True)
    assert official.check(SOURCE, str(tmp_path / "tree"), "v6.1").code == 1
    answer = made.check(tmp_path / "tree", inference_src=SOURCE)
    assert answer.data["official"]["code"] == 0
    assert answer.data["official"]["test_duration_ms"] == 1000
    assert "was set to 1000" in answer.view
    assert answer.code == 1


@needs_source
def test_we_find_what_the_official_checker_lets_through(tree, made, edit_log, sut):
    """A run that max_query_count cut short, called INVALID by LoadGen, with an error."""
    at = tree / "open/Practice/results" / sut / "digits/SingleStream"
    edit_log(
        at / "performance/run_1/mlperf_log_detail.txt",
        result_validity="INVALID",
        effective_max_query_count=64,
        num_errors=1,
        power_end="11-22-2026 09:00:33.000",
    )
    answer = made.check(tree, inference_src=SOURCE)
    assert answer.data["official"]["code"] == 0
    rules = {finding["rule"] for finding in answer.data["findings"]}
    assert {"result-valid", "query-count-cut", "ran-long-enough", "loadgen-errors"} <= rules
    assert answer.code == 1


@needs_source
def test_the_source_tree_stays_as_it_is(open_tree):
    def listing():
        return sorted(
            (os.path.join(folder, name), os.stat(os.path.join(folder, name)).st_mtime_ns)
            for folder, _, names in os.walk(os.path.join(SOURCE, "tools/submission"))
            for name in names
        )

    before = listing()
    official.check(SOURCE, str(open_tree), "v6.1")
    assert listing() == before


@needs_source
@pytest.mark.parametrize("test", ["TEST01", "TEST04"])
@pytest.mark.parametrize("scenario", ["SingleStream", "Offline"])
def test_verification_agrees_with_the_official_one(runs, tmp_path, test, scenario):
    result = tmp_path / "result"
    shutil.copytree(runs / scenario / "performance", result / "performance/run_1")
    shutil.copytree(runs / scenario / "accuracy", result / "accuracy")
    raw = runs / scenario / test
    ours = verify.verify(test, str(result), str(raw), "int64")
    theirs = verification.verify(SOURCE, test, str(result), str(raw))
    assert (ours.accuracy, ours.performance) == (theirs.accuracy, theirs.performance), theirs.output


@needs_source
@pytest.mark.parametrize("name", rounds.ROUNDS)
def test_the_rounds_say_what_the_official_constants_say(constants, name):
    of_round, theirs = rounds.get(name), constants.MODEL_CONFIG[name]
    assert of_round.seeds == theirs["seeds"]
    assert list(of_round.models) == theirs["models"]
    assert of_round.aliases == theirs["model_mapping"]
    for model, rules in of_round.models.items():
        assert rules.performance_sample_count == theirs["performance-sample-count"][model]
        assert rules.dataset_size == theirs["dataset-size"][model]
        assert rules.min_queries == theirs["min-queries"].get(model, {})
        assert rules.latency_ns == theirs["latency-constraint"].get(model, {})
        assert rules.offline_min_samples == constants.OFFLINE_MIN_SPQ_SINCE_V4.get(model)
        for test in ("TEST01", "TEST04", "TEST06", "TEST07", "TEST08", "TEST09"):
            assert (test in rules.compliance) == (model in theirs.get(f"models_{test}", ()))
        for category in ("edge", "datacenter"):
            required = theirs[f"required-scenarios-{category}"].get(model)
            ours = rules.scenarios.get(category)
            assert (ours and set(ours[0])) == (required and set(required))
        target = theirs["accuracy-target"][model]
        for scenario in ("Offline", "Interactive"):
            wanted = target[scenario] if isinstance(target, dict) else target
            bounds = {b.metric: b.at_least for b in rules.accuracy(scenario) if b.at_least}
            assert bounds == pytest.approx(dict(zip(wanted[::2], wanted[1::2], strict=True)))


@needs_source
def test_the_fields_are_the_official_ones(constants):
    assert set(fields.KEYS) == set(constants.SYSTEM_DESC_REQUIRED_FIELDS)
    assert set(constants.SYSTEM_DESC_MEANINGFUL_RESPONSE_REQUIRED_FIELDS) == fields.NEEDED
    assert list(fields.NETWORK_KEYS) == constants.SYSTEM_DESC_REQUIRED_FIELDS_NETWORK_MODE
    assert list(fields.STATUSES) == constants.VALID_AVAILABILITIES
    assert set(metrics.METRICS) == set(constants.ACC_PATTERN)


def test_a_folder_without_checker_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no official checker"):
        official.root_of(str(tmp_path))


def test_a_checker_that_dies_is_told(tmp_path, open_tree):
    folder = tmp_path / "tools/submission/submission_checker"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "main.py").write_text("import sys\nsys.exit('ERROR no luck today')\n")
    verdict = official.check(str(folder), str(open_tree), "v6.1")
    assert verdict.code == 1
    assert verdict.summary == "ERROR no luck today"
    assert verdict.rows == ()
