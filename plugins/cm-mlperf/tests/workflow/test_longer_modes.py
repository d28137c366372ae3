"""Fast and valid runs, made short by the request itself: targets are found, kept and judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

SHORT = ("--min_duration=1", "--min_query_count=100", "--quiet")


@pytest.fixture(scope="module")
def fast(main_job: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = type(main_job.place)(tmp_path_factory.mktemp("fast"))
    place.environ["CM_HOME"] = str(main_job.place.home)
    words = ("--scenario=Offline,SingleStream,Server", "--mode=performance", *SHORT)
    return place, place.cm("run", "mlperf", "--execution_mode=fast", *words)


def results(place: Any, mode: str) -> dict[str, Any]:
    found = [
        json.loads(path.read_text())
        for path in place.here.glob(f"mlperf-results/{mode}_results/*/digits/*/cm-result.json")
    ]
    return {result["scenario"]: result for result in found}


def tuning(place: Any) -> dict[str, Any]:
    (system,) = json.loads((place.here / "mlperf-results/tuning.json").read_text()).values()
    found: dict[str, Any] = system["digits"]
    return found


def test_fast_runs_are_valid_and_stamped(fast: Any) -> None:
    place, said = fast
    assert said.code == 0, said.err
    found = results(place, "fast")
    assert set(found) == {"Offline", "SingleStream", "Server"}
    for result in found.values():
        assert result["performance"]["valid"]
        assert result["performance"]["duration_s"] >= 1
        assert result["valid"] is False
        assert result["stamp"] == "fast run: not a result"
        assert result["why_not"][0] == "fast run: not a result"
    assert "fast run: not a result" in said.out
    assert "fast run: not a result" in said.err


def test_targets_were_looked_for_and_are_noted(fast: Any) -> None:
    place, said = fast
    assert said.err.count("how fast is this machine?") == 3
    noted, found = tuning(place), results(place, "fast")
    assert noted["Offline"]["target_qps"] == pytest.approx(
        1.05 * found["Offline"]["performance"]["value"], rel=0.01
    )
    assert noted["SingleStream"]["target_latency_ms"] > 0
    assert noted["Server"]["target_qps"] == pytest.approx(
        found["Server"]["settings"]["target_qps"], rel=0.01
    )


def test_the_next_run_uses_them(fast: Any) -> None:
    place, _ = fast
    before = tuning(place)["SingleStream"]["target_latency_ms"]
    said = place.cm(
        "run", "mlperf", "--execution_mode=valid", "--scenario=SingleStream", *SHORT, "--out=json"
    )
    assert said.code == 0, said.err
    assert "how fast" not in said.err
    (result,) = said.json["results"]
    assert result["settings"]["target_latency_ms"] == pytest.approx(before)
    assert result["stamp"] == ""
    assert result["accuracy"]["met"]
    # The one thing that is against it is what this test asked for.
    assert result["why_not"] == ["min_duration is 1 s, the rules want 600 s"]
    assert result["valid"] is False
    assert "SingleStream does not count: min_duration is 1 s" in said.err + said.out


def test_the_readme_repeats_it_with_the_same_targets(fast: Any) -> None:
    place, _ = fast
    (readme,) = place.here.glob("mlperf-results/fast_results/*/digits/server/README.md")
    result = results(place, "fast")["Server"]
    command = next(line for line in readme.read_text().splitlines() if line.startswith("cm run"))
    assert f"--server_target_qps={result['settings']['target_qps']:g}" in command
    assert "--execution_mode=fast" in command
    assert "--scenario=Server" in command
    assert command.endswith("--rerun")


def test_a_target_that_is_too_low_is_adjusted(fast: Any) -> None:
    place, _ = fast
    said = place.cm(
        "run", "mlperf", "--execution_mode=fast", "--scenario=Offline", "--mode=performance",
        "--offline_target_qps=200", "--min_duration=1", "--quiet", "--out=json",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "INVALID: the run was shorter than min_duration" in said.err
    assert "once more with target_qps" in said.err
    (result,) = said.json["results"]
    assert result["performance"]["valid"]
    assert result["settings"]["target_qps"] > 200


def test_compliance_tests_are_run_and_told(fast: Any) -> None:
    place, _ = fast
    said = place.cm(
        "run", "mlperf", "--scenario=SingleStream", "--compliance", "--quiet", "--out=json"
    )
    (result,) = said.json["results"]
    assert set(result["compliance"]) == {"TEST01", "TEST04"}
    assert result["compliance"]["TEST01"]["accuracy"] is True
    (folder,) = place.here.glob("mlperf-results/test_results/*/digits/singlestream")
    assert (folder / "TEST01" / "verify_accuracy.txt").is_file()
    assert (folder / "TEST04" / "verify_performance.txt").is_file()
    # How fast this machine is while others use it is not ours to say: both outcomes are told.
    passed = all(test["passed"] for test in result["compliance"].values())
    assert said.code == (0 if passed else 1)
    assert ("compliance test" in " ".join(result["why_not"])) == (not passed)
