"""The reader of LoadGen's logs: everything that is whole is read, however the file ends."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_mlperf import logs

VALUES = st.one_of(
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=30),
    st.lists(st.integers(0, 10**6), max_size=5),
)
ENTRIES = st.lists(
    st.tuples(st.text(min_size=1, max_size=20), VALUES, st.sampled_from("new")), max_size=12
)
ANSWERS = st.lists(st.tuples(st.integers(0, 10**12), st.binary(max_size=24)), max_size=12)


def detail(entries):
    lines = []
    for key, value, kind in entries:
        metadata = {"is_error": kind == "e", "is_warning": kind == "w", "pid": 1}
        entry = {"key": key, "value": value, "time_ms": 0.1, "metadata": metadata}
        lines.append(b":::MLLOG " + json.dumps(entry).encode() + b"\n")
    return b"".join(lines)


def accuracy(answers, tokens=False):
    """As LoadGen 6.0 prints it."""
    more = ', "token_count" : 7' if tokens else ""
    lines = [
        f'{{ "seq_id" : {at}, "qsl_idx" : {index}, "data" : "{data.hex().upper()}"{more} }}'
        for at, (index, data) in enumerate(answers)
    ]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


@settings(deadline=None)
@given(ENTRIES)
def test_all_entries_are_read(entries):
    found = logs.parse_detail(detail(entries))
    assert not found.cut
    assert found.values == {key: value for key, value, _ in entries}
    assert found.errors == [str(value) for _, value, kind in entries if kind == "e"]
    assert found.warnings == [str(value) for _, value, kind in entries if kind == "w"]
    assert sum(found.counts.values()) == len(entries)


@settings(deadline=None)
@given(ENTRIES, st.integers(0, 4000))
def test_a_cut_detail_log_gives_its_whole_lines(entries, end):
    content = detail(entries)[:end]
    whole = content.count(b"\n")
    found = logs.parse_detail(content)
    last = content.rpartition(b"\n")[2]
    # A line that lacks nothing but its end is read too.
    assert sum(found.counts.values()) in (whole, whole + 1)
    assert found.cut == bool(last)
    assert sum(logs.parse_detail(content[: len(content) - len(last)]).counts.values()) == whole


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_complaint(content):
    for text in (content, b":::MLLOG " + content, detail([("a", 1, "n")]) + content):
        assert logs.parse_detail(text).cut in (True, False)
    assert isinstance(logs.parse_accuracy(content).cut, bool)


@settings(deadline=None)
@given(ANSWERS, st.booleans())
def test_all_answers_are_read(answers, tokens):
    found = logs.parse_accuracy(accuracy(answers, tokens))
    assert not found.cut
    assert found.qsl_idx.tolist() == [index for index, _ in answers]
    assert found.data == [data for _, data in answers]


@settings(deadline=None)
@given(ANSWERS.filter(bool), st.data())
def test_a_cut_accuracy_log_gives_its_whole_answers(answers, draw):
    content = accuracy(answers)
    end = draw.draw(st.integers(1, len(content.rstrip()) - 1))
    found = logs.parse_accuracy(content[:end])
    assert found.cut
    assert len(found.data) == content[:end].count(b"}")
    assert found.data == [data for _, data in answers][: len(found.data)]


@settings(deadline=None)
@given(ANSWERS)
def test_the_first_of_several_answers_counts(answers):
    log = logs.parse_accuracy(accuracy(answers))
    seen = {}
    for at, (index, _) in enumerate(answers):
        seen.setdefault(index, at)
    assert log.first() == sorted(seen.values())


@pytest.mark.parametrize(("text", "value"), [("inf", np.inf), ("-inf", -np.inf)])
def test_numbers_that_json_has_no_word_for(text, value):
    line = f':::MLLOG {{"key": "result_x", "value": {text}, "metadata": {{"is_error": false}}}}\n'
    assert logs.parse_detail(line.encode()).number("result_x") == value
    line = line.replace(text, "-nan", 1)
    assert np.isnan(logs.parse_detail(line.encode()).get("result_x"))


def test_an_empty_accuracy_log_is_whole():
    """What LoadGen leaves in performance runs."""
    assert logs.parse_accuracy(b"[\n]\n")[2] is False
    assert logs.parse_accuracy(b"")[2] is True


def test_a_file_that_is_not_there(tmp_path):
    from cmcore.errors import StorageError

    with pytest.raises(StorageError, match="nowhere"):
        logs.read_detail(str(tmp_path / "nowhere"))
