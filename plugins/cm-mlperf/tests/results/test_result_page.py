"""The HTML page: safe, self-contained, and looked at by a real browser where there is one."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_mlperf.results import finding
from cm_mlperf.results.finding import Item
from cm_mlperf.results.record import Accuracy, Performance, Reason, Record
from cm_mlperf.results.web import plots, svg, timing
from cm_mlperf.results.web.page import MOST_PICTURED, page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\x00\x1b[2J]]>--><!--"
TEXT = st.text(max_size=20)
_VOID = {"meta", "link", "br", "img", "hr", "input"}


class Checked(HTMLParser):
    """Elements and text of a page; fails on what is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def items(put, tmp_path):
    for scenario in ("Offline", "SingleStream", "MultiStream", "Server"):
        put("t/valid", scenario)
    put("t/test", execution_mode="test", valid=False)
    reason = Reason("min_duration", "ran 1 s of 600", "min_duration = 600000")
    put(
        "t/bad",
        "Server",
        system=HOSTILE,
        valid=False,
        accuracy=Accuracy("top1", 93.1, "%", 94.8, False),
        performance=Performance(False, 1, "latency_ns", 5e6, "ns", 99, reasons=(reason,)),
    )
    return finding.gather([str(tmp_path / "t")])[0]


def test_every_result_has_its_pictures_and_stamp(items):
    text = page(items)
    found = Checked(text)
    words = "".join(found.words)
    assert found.tags.count("section") == 6
    assert "1 of 6 are test or fast runs: not results" in words
    sections = re.findall(r"<section.*?</section>", text, re.DOTALL)
    for item, section in zip(items, sections, strict=True):
        stamped = item.record.execution_mode == "test"
        # In words above the pictures, and inside each of them, should one be copied.
        assert section.count('<text class="stamp"') == (section.count("<svg") if stamped else 0)
        assert ("test run: not a result" in section) == stamped
        # Without a log there is only the accuracy to draw.
        assert section.count("<svg") == (4 if item.record.system != HOSTILE else 1)
        for picture in re.findall(r"<svg.*?</svg>", section, re.DOTALL):
            ElementTree.fromstring(picture.replace("&nbsp;", " "))
    assert "Why it does not count" in words
    assert "ran 1 s of 600 (min_duration = 600000)" in words


def test_nothing_comes_from_elsewhere_and_nothing_runs(items):
    found = Checked(page(items))
    assert "script" not in found.tags
    assert "img" not in found.tags
    names = {name for name, _ in found.attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "srcset")]
    links = {value for name, value in found.attributes if name in ("href", "xlink:href")}
    assert all(link.startswith("#r") or link == "data:," for link in links)
    assert not re.search(r"url\(|@import|https?://", page(items))
    assert "default-src 'none'" in page(items)


def test_the_same_results_make_the_same_page(items):
    assert page(items) == page(list(items))


@settings(deadline=None, max_examples=100)
@given(TEXT, TEXT, TEXT, TEXT)
def test_any_text_is_only_text(model, system, why, key):
    record = Record(
        model=model,
        system=system,
        scenario=why,
        settings={key: system, "x": [model]},
        performance=Performance(True, 0, key, 5.0, why),
        accuracy=Accuracy(model, 1.0, key),
        why_not=(why,),
    )
    plain = page([Item(Record(model="m", system="s", scenario="n", valid=False,
                              settings={"k": "s", "x": 1}, why_not=("w",),
                              performance=Performance(True, 0, "k", 5.0, "w"),
                              accuracy=Accuracy("m", 1.0, "k")))])  # fmt: skip
    found = Checked(page([Item(record)]))
    assert set(found.tags) <= set(Checked(plain).tags)
    page([Item(record)]).encode("utf-8")


def test_many_results_have_a_table_and_some_pictures():
    many = [Item(Record(id=str(n), model="m", performance=Performance(value=1.0, unit="x")))
            for n in range(MOST_PICTURED + 5)]  # fmt: skip
    found = Checked(page(many))
    assert found.tags.count("tr") == len(many) + 1
    assert found.tags.count("section") == MOST_PICTURED
    assert f"Pictures of the first {MOST_PICTURED}" in "".join(found.words)
    assert Checked(page([])).tags.count("section") == 0


def test_timing_is_that_of_the_samples(tmp_path):
    run = tmp_path / "performance/run_1"
    run.mkdir(parents=True)
    issue = np.arange(1000, dtype=np.int64) * 1_000_000
    latency = np.random.default_rng(1).permutation(1000) * 1000 + 1000
    order = np.argsort(issue + latency)
    np.savez(run / "samples.npz", issue_ns=issue[order], complete_ns=(issue + latency)[order],
             stride=np.int64(2))  # fmt: skip
    record = Record(performance=Performance(run="performance/run_1"))
    found, problem = timing.timing_of(Item(record, str(tmp_path)))
    assert problem == ""
    assert found.exact
    for share, value in zip(found.shares, found.latencies, strict=True):
        assert np.count_nonzero(latency <= value) == pytest.approx(share * 1000)
    assert found.shares[-1] == 1.0
    # Each kept sample stands for two.
    assert sum(rate * found.step for rate in found.rates) == pytest.approx(2000)


def test_queries_of_several_samples_are_answered_when_the_last_one_is(tmp_path):
    run = tmp_path / "performance/run_1"
    run.mkdir(parents=True)
    issue = np.repeat(np.arange(20, dtype=np.int64) * 1000, 8)
    np.savez(run / "samples.npz", issue_ns=issue, complete_ns=issue + np.tile(np.arange(8), 20))
    performance = Performance(run="performance/run_1")
    record = Record(scenario="MultiStream", performance=performance)
    found, _ = timing.timing_of(Item(record, str(tmp_path)))
    assert found.queries
    assert set(found.latencies) == {7}
    assert plots.circled(record, found)
    # Of a long run only every second sample is known, so queries cannot be put together.
    np.savez(run / "samples.npz", issue_ns=issue, complete_ns=issue + 1, stride=np.int64(2))
    found, _ = timing.timing_of(Item(record, str(tmp_path)))
    assert not found.queries
    assert not plots.circled(record, found)
    np.savez(run / "samples.npz", issue_ns=issue, complete_ns=issue + np.tile(np.arange(8), 20))
    found, _ = timing.timing_of(Item(record._replace(scenario="Server"), str(tmp_path)))
    assert set(found.latencies) == set(range(8))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive"])
def test_a_damaged_file_of_samples_is_said(put, tmp_path, content):
    record = put("t")
    (tmp_path / "t/offline/performance/run_1/samples.npz").write_bytes(content)
    (item,) = finding.gather([str(tmp_path / "t")])[0]
    found, problem = timing.timing_of(item)
    assert not found.exact
    assert found.latencies[-1] == record.performance.latency_ns["max"]
    assert "samples.npz" in problem
    assert "samples.npz" in "".join(Checked(page([item])).words)


@settings(deadline=None, max_examples=200)
@given(st.floats(1e-6, 1e12), st.floats(1e-6, 1e12))
def test_ticks_are_few_and_inside(one, two):
    low, high = sorted((one, two))
    found = svg.ticks(low, high)
    assert len(found) <= 11
    assert found == sorted(found)
    room = (high - low) * 1e-6 + 1e-9
    assert all(low - room <= tick <= high + room for tick in found)


@pytest.fixture
def browse(tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("no chromium here")

    def browse(path, *flags):
        words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--disable-extensions", "--enable-logging=stderr",
                 f"--user-data-dir={tmp_path / 'profile'}",
                 f"--log-net-log={tmp_path / 'net.json'}", *flags, path.as_uri()]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
        net = (tmp_path / "net.json").read_text("utf-8", "replace")
        hosts = set(re.findall(r'"url":"\w+://([^/":]+)', net))
        # The browser's own services, which it asks whatever the page.
        own = {host for host in hosts if host.endswith((".google.com", ".googleapis.com"))}
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout, said, hosts - own

    return browse


@pytest.mark.slow
def test_a_browser_shows_it_without_a_complaint_or_a_request(items, tmp_path, browse):
    path = tmp_path / "results.html"
    path.write_text(page(items), "utf-8")
    dom, said, hosts = browse(path, "--dump-dom")
    assert "test run: not a result" in dom
    assert dom.count("<polyline") >= 10
    assert "<script" not in dom
    assert (said, hosts) == ([], set())


@pytest.mark.slow
def test_the_browser_would_have_complained(tmp_path, browse):
    """The test before would pass with a browser that says nothing."""
    path = tmp_path / "bad.html"
    path.write_text('<img src="http://127.0.0.1:9/x.png"><script>console.error("no")</script>')
    _, said, hosts = browse(path, "--dump-dom")
    assert said
    assert hosts == {"127.0.0.1"}


@pytest.mark.slow
def test_it_is_painted(items, tmp_path, browse):
    path, picture = tmp_path / "results.html", tmp_path / "results.png"
    path.write_text(page(items), "utf-8")
    browse(path, f"--screenshot={picture}", "--window-size=900,1200")
    assert os.path.getsize(picture) > 20_000
