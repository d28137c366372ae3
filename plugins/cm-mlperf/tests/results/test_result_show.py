"""`cm show mlperf`: table, CSV, Markdown, JSON; stamps in each of them."""

import csv
import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cm_mlperf.results import sheets, words
from cm_mlperf.results.finding import Item
from cm_mlperf.results.record import Accuracy, Performance, Reason, Record
from cmcore.errors import NotFoundError, UsageError
from cmcore.types import Table

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=15)


@pytest.fixture
def tree(put, tmp_path):
    put("t/valid")
    put("t/valid", "Server")
    put("t/test", "SingleStream", execution_mode="test", valid=False, why_not=("a test",))
    reason = Reason("min_duration", "ran 1 s of 600", "min_duration = 600000")
    slow = Performance(False, 0, "latency_ns", 2e9, "ns", 90, {}, 5, 1.0, (reason,))
    put("t/bad", "MultiStream", performance=slow, valid=False, model="other")
    return tmp_path / "t"


def test_table(ask, tree):
    result = ask("show", tree)
    table, note = result.view
    assert isinstance(table, Table)
    rows = {(row[0], row[1]): row for row in table.rows}
    assert rows["digits", "Offline"][4].endswith(" samples/s")
    assert rows["digits", "Offline"][6:] == ["95.752 %", "valid"]
    assert rows["digits", "SingleStream"][7] == "test run: not a result"
    assert rows["other", "MultiStream"][4:] == [
        "p90 2.000 s", "-", "95.752 %", "INVALID: ran 1 s of 600",
    ]  # fmt: skip
    assert note == "1 of 4 are test or fast runs: not results"
    assert result.data["count"] == 4
    stamps = {r["scenario"]: r["stamp"] for r in result.data["results"]}
    assert stamps["SingleStream"] == "test run: not a result"


@pytest.mark.parametrize(
    ("flags", "scenarios"),
    [
        ({"scenario": "server,offline"}, ["Offline", "Server"]),
        ({"model": "oth*"}, ["MultiStream"]),
        ({"valid": True}, ["Offline", "Server"]),
        ({"valid": "no"}, ["SingleStream", "MultiStream"]),
        ({"execution_mode": "test"}, ["SingleStream"]),
        ({"limit": "1"}, ["Offline"]),
    ],
)
def test_filters(ask, tree, flags, scenarios):
    found = ask("show", tree, **flags).data["results"]
    assert sorted(r["scenario"] for r in found) == sorted(scenarios)


def test_nothing_there(ask, tree, tmp_path):
    with pytest.raises(NotFoundError, match="none of 4 results"):
        ask("show", tree, model="gpt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"no results in .*empty"):
        ask("show", tmp_path / "empty")
    with pytest.raises(NotFoundError, match="cm import mlperf"):
        ask("show", imported=True)


def test_wrong_flags(ask, tree, tmp_path):
    for flags in ({"format": "pdf"}, {"output": str(tmp_path / "x.pdf")}, {"limit": "0"},
                  {"output": True}, {"format": True}):  # fmt: skip
        with pytest.raises(UsageError):
            ask("show", tree, **flags)


def test_csv_is_whole_and_stamped(ask, tree, tmp_path):
    path = tmp_path / "r.csv"
    result = ask("show", tree, output=str(path))
    assert result.data["output"] == str(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True))
    assert len(rows) == 4
    by = {row["scenario"]: row for row in rows}
    assert by["SingleStream"]["stamp"] == "test run: not a result"
    assert by["SingleStream"]["valid"] == "false"
    assert by["MultiStream"]["why_not"] == "ran 1 s of 600 (min_duration = 600000)"
    values = {r["scenario"]: r["performance"]["value"] for r in result.data["results"]}
    assert float(by["Offline"]["value"]) == values["Offline"]
    assert all(None not in row for row in rows)


def test_markdown_is_a_table_and_stamped(ask, tree):
    text = ask("show", tree, format="md").view
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert html.count("<tr>") == 5
    assert "test run: not a result" in html
    assert "1 of 4 are test or fast runs: not results" in html


@pytest.mark.parametrize("flags", [{}, {"format": "csv"}, {"format": "md"}, {"format": "html"}])
def test_half_a_character_is_shown_as_such(ask, tmp_path, flags):
    told = '{"schema": "cm-mlperf-result/1", "model": "a\\ud800b", "why_not": ["\\udfff"]}'
    (tmp_path / "cm-result.json").write_text(told)
    view = ask("show", tmp_path / "cm-result.json", **flags).view
    text = view if isinstance(view, str) else str(view[0].rows)
    assert "a\ufffdb" in text
    text.encode("utf-8")


def test_json_file(ask, tree, tmp_path):
    path = tmp_path / "r.json"
    ask("show", tree, output=str(path))
    assert {r["stamp"] for r in json.loads(path.read_text())["results"]} == {
        "", "test run: not a result",
    }  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(TEXT, TEXT)
def test_any_name_survives_csv(model, system):
    text = sheets.csv_text([Item(Record(model=model, system=system))])
    _, row = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = dict(zip(sheets.COLUMNS, row, strict=True))
    for name, value in (("model", model), ("system", system)):
        assert found[name] == (f"'{value}" if value.startswith(sheets._FORMULA) else value)


@settings(deadline=None, max_examples=100)
@given(TEXT)
@example("<b>bold</b> <http://example.org> &amp; &lt;")
@example("a|b\\|c `code` *x* _y_ [z](w) ![i](j) ~~s~~")
def test_any_name_is_one_cell_of_markdown(name):
    record = Record(model=name, scenario="Offline", valid=True)
    tokens = MarkdownIt("commonmark").enable("table").parse(sheets.markdown([Item(record)]))
    cells = [t for at, t in enumerate(tokens) if at and tokens[at - 1].type == "td_open"]
    assert len(cells) == 8
    shown = "".join(child.content for child in cells[0].children)
    assert shown.split() == name.split()
    assert all(child.type in ("text", "text_special") for child in cells[0].children)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (999.96, "1,000"), (999.94, "999.9"), (1.23456, "1.235"),
     (0.000123456, "0.0001235"), (9999.6, "10,000"), (0, "0")],
)  # fmt: skip
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(999.0, "999.0 ns"), (1e3, "1.000 µs"), (1.5e6, "1.500 ms"), (6e11, "600.0 s"), (0, "0 ns")],
)
def test_times(value, text):
    assert words.time_text(value) == text


def test_verdicts():
    assert words.verdict(Record(valid=True)) == "valid"
    assert words.verdict(Record(valid=None)) == "accepted"
    assert words.verdict(Record(valid=False, why_not=("a", "b"))) == "INVALID: a (and 1 more)"
    failed = Record(execution_mode="test", performance=Performance(False), why_not=("short",))
    assert words.verdict(failed) == "test run: not a result; INVALID: short"
    missed = Record(accuracy=Accuracy("top1", 93.1, "%", 94.8, False), valid=False)
    assert words.accuracy_text(missed.accuracy) == "93.1 % (target 94.8)"
