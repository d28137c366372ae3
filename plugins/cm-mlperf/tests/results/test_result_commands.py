"""The three verbs as a user types them."""

import csv
import io
import json

from cmcore.testing import run_cm


def test_show_compare_and_import(put, tmp_path):
    put("results/valid")
    put("results/test", "Server", execution_mode="test", valid=False)
    home = tmp_path / "home"
    shown = run_cm("show", "mlperf", "results", "--out=json", home=home, cwd=tmp_path)
    assert (shown.code, shown.json()["count"]) == (0, 2)
    text = run_cm("show", "mlperf", "results", "--format=csv", home=home, cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(text.out)))
    assert [row["stamp"] for row in rows] == ["", "test run: not a result"]
    page = run_cm("show", "mlperf", "results", "--output=r.html", home=home, cwd=tmp_path)
    assert page.code == 0
    assert "test run: not a result" in (tmp_path / "r.html").read_text("utf-8")
    compared = run_cm("compare", "mlperf", "results", "results", home=home, cwd=tmp_path)
    assert compared.code == 0
    assert "noise unknown: one run" in compared.out
    imported = run_cm("import", "mlperf", "results", "--out=json", home=home, cwd=tmp_path)
    assert imported.json()["new"] == 2
    again = run_cm("show", "mlperf", "--imported", "--out=json", home=home, cwd=tmp_path)
    assert {r["scenario"] for r in again.json()["results"]} == {"Offline", "Server"}


def test_mistakes_are_one_sentence(put, tmp_path):
    put("results/valid")
    (tmp_path / "results/broken").mkdir()
    (tmp_path / "results/broken/cm-result.json").write_text(json.dumps({"schema": "other"}))
    home = tmp_path / "home"
    shown = run_cm("show", "mlperf", "results", home=home, cwd=tmp_path)
    assert shown.code == 0
    assert shown.err.count("\n") == 1
    assert "broken/cm-result.json" in shown.err
    for words, code, told in (
        (("show", "mlperf", "gone"), 16, "no file or folder 'gone'"),
        (("show", "mlperf", "results", "--scenario=ofline"), 4, "one of Offline"),
        (("show", "mlperf", "--imported"), 16, "cm import mlperf PATH"),
        (("compare", "mlperf"), 4, "name folders with results"),
        (("import", "mlperf", "results/broken/cm-result.json"), 1, "no list of results"),
    ):
        failed = run_cm(*words, home=home, cwd=tmp_path)
        assert failed.code == code, failed.err
        assert failed.err.splitlines()[-1].startswith("cm: error: ")
        assert told in failed.err
        assert "Traceback" not in failed.err
