"""Readers of logs and accuracy texts: what was written comes back, noise is survived."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_mlperf import rounds
from cm_mlperf.rounds import metrics
from cm_mlperf.submission import detail, truncating
from cm_mlperf.submission.layout import ACCURACY_LIMIT
from cmcore.errors import UsageError

keys = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


def line(key, value, at, error=False):
    entry = {"key": key, "value": value, "time_ms": at, "metadata": {"is_error": error}}
    return f":::MLLOG {json.dumps(entry)}"


@given(st.dictionaries(keys, values))
def test_a_log_comes_back(told):
    text = "\n".join(line(key, value, at) for at, (key, value) in enumerate(told.items()))
    log = detail.parse(text)
    assert log.values == told
    assert (log.broken, log.backwards, log.errors, log.lines) == ((), 0, (), len(told))


@given(st.text() | st.lists(st.text()).map(lambda parts: "\n".join(":::MLLOG " + p for p in parts)))
def test_any_text_is_survived(text):
    log = detail.parse(text)
    assert len(log.broken) <= 10


def test_what_is_odd_about_a_log_is_told():
    text = "\n".join(
        [line("a", 1, 5), line("a", 2, 4), "noise", line("num_errors", 1, 9, error=True)]
    )
    log = detail.parse(text)
    assert (log.get("a"), log.repeated, log.backwards, log.broken) == (1, ("a",), 2, (3,))
    assert log.errors == ("num_errors: 1",)


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("acc", "accuracy=75.690%, good=37845, total=50000"),
        ("acc", '{"accuracy": 75.690, "good": 1}'),
        ("F1", '{"exact_match": 83.5, "f1": 75.690}'),
        ("mAP", "mAP=75.690%"),
        ("mAP", "  'Total': 75.690"),
        ("DICE", "Accuracy: mean = 75.690, kidney = 0.9"),
        ("ROUGE1", "{'rouge1': 75.690, 'rouge2': 1.0}"),
        ("ROUGELSUM", "{'rougeLsum': '75.690'}"),
        ("GEN_LEN", "{'gen_len': 75.690}"),
        ("TOKENS_PER_SAMPLE", "{'tokens_per_sample': 75.690}"),
        ("CLIP_SCORE", "Accuracy Results: {'FID_SCORE': '1.0', 'CLIP_SCORE': '75.690'}"),
        ("exact_match", "{'exact_match': 75.690}"),
        ("ACCURACY", "Word Error Rate: 2.0%, accuracy=75.690%"),
        ("DLRM_NE", "metric/lifetime_ne/rating: 75.690"),
    ],
)
def test_lines_of_accuracy_scripts(metric, text):
    told = metrics.read(f"some words\n{text}\nhash={'a' * 64}\n")
    assert told.values[metric] == 75.69
    assert told.digest == "a" * 64


@given(st.floats(0, 100), st.integers(0, 10**6), st.sampled_from(["acc", "mAP", "F1"]))
def test_our_lines_are_read_again(value, good, metric):
    told = metrics.read(metrics.line(metric, value, good, 10**6))
    assert told.values[metric] == pytest.approx(value, abs=0.001)


@given(st.text())
def test_any_accuracy_text_is_survived(text):
    metrics.read(text)


@given(st.binary(max_size=3 * ACCURACY_LIMIT) | st.text(max_size=9000).map(str.encode))
def test_shortened_logs_are_small_and_keep_their_ends(content):
    short = truncating.shortened(content)
    assert len(short) < ACCURACY_LIMIT
    assert short == content or truncating.GAP in short
    assert truncating.shortened(short) == short


@given(st.integers(0, 4200))
def test_a_cut_never_splits_a_character(shift):
    content = ("x" * shift + "é漢" * 5000).encode()
    assert truncating.shortened(content).decode()


def test_copying_writes_the_digest_once(tmp_path):
    (tmp_path / "to").mkdir()
    content = b"[" + b"x" * 50000 + b"]"
    (tmp_path / "mlperf_log_accuracy.json").write_bytes(content)
    truncating.copy(str(tmp_path), str(tmp_path / "to"), "accuracy=1%\nhash=old\n")
    digest = hashlib.sha256(content).hexdigest()
    assert (tmp_path / "to/accuracy.txt").read_text() == f"accuracy=1%\nhash={digest}\n"
    assert (tmp_path / "to/mlperf_log_accuracy.json").stat().st_size < ACCURACY_LIMIT


@pytest.mark.parametrize("name", ["v6.1", "6.1", "r6.1", "V6.1", "_r6.1"])
def test_names_of_rounds(name):
    assert rounds.get(name).name == "v6.1"


def test_unknown_rounds_and_models_name_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean 'v6\.1'"):
        rounds.get("v6.11")
    with pytest.raises(UsageError, match="did you mean 'resnet'"):
        rounds.get("v6.1").model("resnett")


def test_models_by_their_other_names():
    latest = rounds.get(rounds.newest())
    assert latest.official("resnet50") == "resnet"
    assert latest.official("mine", {"mine": "resnet"}) == "resnet"
    assert latest.official("mine", {"mine": ["resnet"]}) == ""
    assert latest.official("retinanet") == ""
    assert rounds.get("v6.0").official("retinanet") == "retinanet"


def test_scenarios_with_their_own_bounds():
    rules = rounds.get("v6.1").model("qwen3-vl-235b-a22b")
    offline, interactive = (rules.accuracy(name)[0] for name in ("Offline", "Interactive"))
    assert offline.at_least > interactive.at_least
    assert rules.accuracy_sample_count("Interactive") == 8000
    bounds = {b.metric: b for b in rounds.get("v6.1").model("stable-diffusion-xl").accuracy()}
    assert bounds["FID_SCORE"].at_least < bounds["FID_SCORE"].at_most


def test_every_round_is_complete():
    for name in rounds.ROUNDS:
        of_round = rounds.get(name)
        assert len(of_round.commit) == 40
        for rules in of_round.models.values():
            assert rules.scenarios
            assert rules.performance_sample_count > 0
            for bound in rules.accuracy():
                assert bound.metric in metrics.METRICS
