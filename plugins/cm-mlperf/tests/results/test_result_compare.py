"""`cm compare mlperf`: like with like, and words that the numbers carry."""

import json

import pytest

from cmcore.errors import NotFoundError, UsageError


@pytest.fixture
def runs(put):
    """Write runs of one group with given results."""

    def runs(group, values, scenario="Offline", **changes):
        for number, value in enumerate(values):
            where = f"{group}/{scenario}{number}{changes.get('execution_mode', '')}"
            record = put(where, scenario, **changes)
            performance = record.performance._replace(value=value)
            _again(where, scenario, record._replace(performance=performance))

    def _again(where, scenario, record):
        from cm_mlperf.results import recordfile
        from cm_mlperf.results.record import FILE

        recordfile.write(str(put.base / where / scenario.lower() / FILE), record)

    return runs


@pytest.fixture
def compare(ask, tmp_path):
    def compare(*groups, **flags):
        return ask("compare", *(tmp_path / group for group in groups), **flags)

    return compare


def results(answer):
    return [point for point in answer.data["points"] if point["measure"] == "result"]


def test_mean_spread_and_interval(runs, compare):
    runs("a", [10.0, 12.0, 14.0])
    (point,) = results(compare("a"))
    (group,) = point["groups"]
    assert (group["n"], group["mean"], group["spread"]) == (3, 12.0, 2.0)
    # t(0.975, 2) = 4.303; 4.303 * 2 / sqrt(3) = 4.968
    assert group["low"] == pytest.approx(12 - 4.968, abs=1e-3)
    assert group["high"] == pytest.approx(12 + 4.968, abs=1e-3)
    assert group["ratio"] is None


@pytest.mark.parametrize(
    ("scenario", "second", "word"),
    [
        ("Offline", [120.0, 121.0, 119.0], "better"),
        ("Offline", [80.0, 81.0, 79.0], "worse"),
        ("Offline", [101.0, 99.5, 100.5], "within noise"),
        ("Offline", [120.0], "noise unknown: one run"),
        ("SingleStream", [80.0, 81.0, 79.0], "better"),
        ("SingleStream", [120.0, 121.0, 119.0], "worse"),
    ],
)
def test_words(runs, compare, scenario, second, word):
    runs("a", [100.0, 101.0, 99.0], scenario)
    runs("b", second, scenario)
    (point,) = results(compare("a", "b"))
    assert [group["word"] for group in point["groups"]] == ["", word]


def test_what_is_unlike_is_never_mixed(runs, compare):
    runs("a", [100.0, 101.0])
    runs("a", [1.0, 2.0], execution_mode="test", valid=False)
    runs("a", [7.0], "Server")
    runs("b", [50.0], model="other")
    answer = compare("a", "b")
    points = {(p["model"], p["scenario"], p["execution_mode"]): p for p in results(answer)}
    assert len(points) == 4
    assert [len(point["groups"]) for point in points.values()] == [1, 1, 1, 1]
    assert points["digits", "Offline", "test"]["stamp"] == "test run: not a result"
    assert any("not a result" in part for part in answer.view if isinstance(part, str))
    assert "no model, scenario and mode is in more than one group" in answer.warnings


def test_other_settings_are_other_runs(runs, compare):
    runs("a", [100.0, 101.0])
    runs("a/more", [50.0, 51.0], settings={"batch_size": 1, "threads": 2, "target_qps": 3})
    (point,) = results(compare("a"))
    assert sorted(group["n"] for group in point["groups"]) == [2, 2]
    table = next(part for part in compare("a").view if not isinstance(part, str))
    column = list(table.columns).index("Settings")
    assert {row[column] for row in table.rows} == {"batch_size=32", "batch_size=1"}


def test_targets_set_anew_for_each_run_are_no_other_settings(runs, compare):
    for target in (90, 95):
        runs(f"a/{target}", [100.0], "Server", settings={"target_qps": target})
    answer = compare("a")
    assert [group["n"] for point in results(answer) for group in point["groups"]] == [2]
    assert any("targets 90, 95" in warning for warning in answer.warnings)


def test_invalid_runs_are_left_out_and_said(runs, compare, put):
    runs("a", [100.0, 101.0])
    record = put("a/x")
    runs("a/y", [5.0], performance=record.performance._replace(valid=False))
    # The fixture puts its own value in; only the verdict of the last one is False.
    answer = compare("a")
    assert any("1 INVALID runs" in warning for warning in answer.warnings)
    assert len(results(answer)[0]["groups"][0]["values"]) == 3
    assert 5.0 in results(compare("a", invalid=True))[0]["groups"][0]["values"]


def test_files(runs, compare, tmp_path):
    runs("a|b", [100.0, 101.0])
    path = tmp_path / "c.md"
    compare("a|b", "a|b", output=str(path))
    lines = path.read_text().splitlines()
    assert lines[0] == "### digits Offline (valid): more is better"
    assert {line.count("|") - line.count("\\|") for line in lines[2:6]} == {9}
    assert "Student's t" in lines[-1]
    path = tmp_path / "c.json"
    compare("a|b", output=str(path))
    assert json.loads(path.read_text())["confidence"] == 0.95


def test_wrong_requests(runs, compare, ask, tmp_path):
    runs("a", [1.0])
    for flags in ({"confidence": "5"}, {"confidence": "100"}, {"confidence": True},
                  {"format": "csv"}, {"output": str(tmp_path / "x")}):  # fmt: skip
        with pytest.raises(UsageError):
            compare("a", **flags)
    with pytest.raises(UsageError, match="nothing to compare"):
        ask("compare")
    with pytest.raises(NotFoundError):
        compare("a", model="none")
    wide = results(compare("a", "a", confidence="99%"))
    assert wide[0]["groups"][1]["ratio"]["value"] == 1.0
