"""The one form: round trip, tolerance, and errors that name file and key."""

import json
import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_mlperf.results import finding, recordfile
from cm_mlperf.results.record import (
    FILE,
    SCHEMA,
    Accuracy,
    Performance,
    Reason,
    Record,
    Source,
    stamp_of,
    to_dict,
)
from cmcore.errors import NotFoundError, StorageError, UsageError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBER = st.floats(-1e299, 1e299) | st.integers(-(2**60), 2**60)
MAYBE = st.none() | NUMBER
COUNT = st.none() | st.integers(0, 2**60)
FLAG = st.none() | st.booleans()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


def unknown(kind):
    """Keys that this version does not know."""
    return st.dictionaries(
        TEXT.filter(lambda key: key not in kind._fields and key != "schema"), JSON, max_size=2
    )


PERFORMANCE = st.builds(
    Performance,
    valid=FLAG,
    errors=COUNT,
    metric=TEXT,
    value=MAYBE,
    unit=TEXT,
    percentile=MAYBE,
    latency_ns=st.dictionaries(TEXT, NUMBER, max_size=3),
    samples=COUNT,
    duration_s=MAYBE,
    reasons=st.lists(st.builds(Reason, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    run=TEXT,
    extra=unknown(Performance),
)
ACCURACY = st.builds(
    Accuracy,
    metric=TEXT,
    value=MAYBE,
    unit=TEXT,
    target=MAYBE,
    met=FLAG,
    samples=COUNT,
    good=COUNT,
    run=TEXT,
    extra=unknown(Accuracy),
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
RECORD = st.builds(
    Record,
    **{name: TEXT for name, default in Record._field_defaults.items() if default == ""},
    settings=OBJECT,
    performance=st.none() | PERFORMANCE,
    accuracy=st.none() | ACCURACY,
    power=st.none() | OBJECT,
    compliance=OBJECT,
    valid=FLAG,
    why_not=st.lists(TEXT, max_size=2).map(tuple),
    source=st.builds(Source, TEXT.filter(bool), TEXT),
    extra=unknown(Record),
)


@settings(deadline=None, max_examples=60)
@given(RECORD)
def test_a_record_survives_its_file(record):
    text = json.dumps(to_dict(record), allow_nan=False)
    assert recordfile.from_dict(json.loads(text)) == record


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from([*Record._fields, "schema", "x"]), JSON, max_size=6))
def test_any_json_is_a_record_or_one_clear_error(data):
    data = {"schema": SCHEMA, **data}
    try:
        record = recordfile.from_dict(data, "a/b.json")
    except StorageError as error:
        problem = error
    else:
        assert recordfile.from_dict(to_dict(record)) == record
        return
    assert problem.where == "a/b.json"
    assert problem.message


def test_real_logs_become_a_record_that_survives(put, tmp_path):
    for scenario in ("Offline", "SingleStream", "MultiStream", "Server"):
        record = put("r", scenario)
        assert record.performance.valid is True
        assert record.performance.errors == 0
        assert record.performance.value > 0
        assert record.performance.samples >= 100
        assert record.performance.latency_ns["p50"] <= record.performance.latency_ns["p99"]
        assert 0 < record.performance.duration_s < 60
        assert recordfile.read(str(tmp_path / "r" / scenario.lower() / FILE)) == record


def test_the_form_is_that_of_the_contract(put, tmp_path):
    put("r")
    data = json.loads((tmp_path / "r/offline" / FILE).read_text())
    assert data["schema"] == "cm-mlperf-result/1"
    assert list(data)[:4] == ["schema", "id", "time", "round"]
    assert set(data["performance"]) == {
        "valid", "errors", "metric", "value", "unit", "percentile", "latency_ns", "samples",
        "duration_s", "reasons", "run",
    }  # fmt: skip
    assert data["performance"]["metric"] == "samples_per_second"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"performance": {"value": "fast"}}, "'performance.value' of a result must be a number"),
        ({"performance": {"value": True}}, "'performance.value'"),
        ({"performance": {"latency_ns": {"p99": "x"}}}, "'performance.latency_ns.p99'"),
        ({"performance": {"reasons": [3]}}, "'performance.reasons[0]'"),
        ({"accuracy": []}, "'accuracy' of a result must be an object"),
        ({"valid": "yes"}, "'valid' of a result must be true or false"),
        ({"model": 5}, "'model' of a result must be text"),
        ({"why_not": "slow"}, "'why_not'"),
        ({"schema": "cm-mlperf-result/2"}, "newer version"),
        ({"schema": 7}, "a result of schema '7'"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(tmp_path, change, told):
    path = tmp_path / FILE
    path.write_text(json.dumps({"schema": SCHEMA, **change}))
    with pytest.raises(StorageError) as caught:
        recordfile.read(str(path))
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"valid": true}', '{"schema": NaN}', "\x00"])
def test_what_is_no_record_is_one_warning(put, tmp_path, text):
    good = put("all/good")
    bad = tmp_path / "all/bad"
    bad.mkdir()
    (bad / FILE).write_text(text)
    items, warnings = finding.gather([str(tmp_path / "all")])
    assert [item.record for item in items] == [good]
    assert len(warnings) == 1
    assert str(bad / FILE) in warnings[0]


def test_nothing_is_half_written(put, tmp_path):
    record = put("r")
    path = tmp_path / "r/offline" / FILE
    before = path.read_bytes()
    bad = record._replace(settings={"speed": math.nan})
    with pytest.raises(StorageError, match="JSON cannot hold"):
        recordfile.write(str(path), bad)
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == [FILE, "performance"]


def test_stamps_follow_the_mode():
    assert stamp_of(Record(execution_mode="test")) == "test run: not a result"
    assert stamp_of(Record(execution_mode="fast")) == "fast run: not a result"
    assert stamp_of(Record(execution_mode="valid")) == ""
    assert stamp_of(Record(execution_mode="valid", stamp="old rules")) == "old rules"


def test_results_being_written_are_not_seen(put, tmp_path):
    put("all/run.tmp")
    put("all/.hidden")
    kept = put("all/run")
    assert [i.record for i in finding.gather([str(tmp_path / "all")])[0]] == [kept]
    twice = [str(tmp_path / "all"), str(tmp_path / "all/run")]
    assert len(finding.gather(twice)[0]) == 1
    with pytest.raises(NotFoundError, match="nowhere"):
        finding.gather([str(tmp_path / "nowhere")])


def test_filters():
    record = Record(
        model="resnet", scenario="Server", category="datacenter,edge", valid=None,
        system="r750", hw_name="Rack 750", extra={"published": {"Model": "resnet50"}},
    )  # fmt: skip
    for flags in (
        {"model": "ResNet50"}, {"model": "resnet"}, {"model": ["bert", "res*"]},
        {"scenario": "server"}, {"category": "edge"}, {"valid": "accepted"}, {"system": "rack*"},
        {"valid": "yes,accepted"}, {},
    ):  # fmt: skip
        assert finding.fits(record, finding.wish_of(flags)), flags
    for flags in ({"model": "res"}, {"scenario": "offline"}, {"valid": True}, {"valid": "no"}):
        assert not finding.fits(record, finding.wish_of(flags)), flags
    for flags in ({"scenario": "ofline"}, {"valid": "maybe"}, {"model": True}, {"model": ""}):
        with pytest.raises(UsageError):
            finding.wish_of(flags)
