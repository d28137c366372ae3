"""Measures of accuracy on answers whose value is known."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cm_mlperf import accuracy, logs
from cm_mlperf.accuracy import squad
from cm_mlperf.harness import data
from cmcore.errors import CmError

#: How MLCommons' submission checker finds the value in accuracy.txt.
PATTERNS = {
    "top1": r"^(?:\{\"accuracy|accuracy)[\": ]*=?\s*([\d\.]+).*",
    "mAP": r".*(?:mAP=|'Total':)\s*([\d.]+)",
    "F1": r"^{[\"\']exact_match[\"\']\:\s*[\d\.]+,\s*[\"\']f1[\"\']\:\s*([\d\.]+)}",
}


def written(folder, answers):
    lines = [
        f'{{ "seq_id" : {at}, "qsl_idx" : {index}, "data" : "{answer.hex()}" }}'
        for at, (index, answer) in enumerate(answers)
    ]
    path = folder / "mlperf_log_accuracy.json"
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    return str(path)


def classes(folder, labels, **more):
    data.write(
        str(folder),
        name="c",
        inputs={"x": np.zeros((len(labels), 1), np.float32)},
        labels=np.array(labels),
        task="classification",
        **more,
    )
    return str(folder)


@pytest.mark.parametrize("kind", ["int64", "int32", "float32"])
def test_top1(tmp_path, kind):
    folder = classes(tmp_path / "d", [3, 1, 4, 1])
    given = [(2, 4), (0, 3), (1, 9), (2, 0), (3, 1)]  # the second answer to 2 does not count
    path = written(tmp_path, [(at, np.array(label, kind).tobytes()) for at, label in given])
    found = accuracy.evaluate(path, folder, label_type=kind)
    assert found[:5] == ("top1", 75.0, "%", 3, 4)
    assert found.text == "accuracy=75.000%, good=3, total=4"


def test_accuracy_txt_is_what_the_checker_looks_for(tmp_path):
    import hashlib

    folder = classes(tmp_path / "d", [0, 1, 2])
    path = written(tmp_path, [(at, np.int64(0).tobytes()) for at in range(3)])
    found = accuracy.evaluate(path, folder)
    text = Path(accuracy.write_text(str(tmp_path), found, path)).read_text()
    first, second = text.splitlines()
    assert re.match(PATTERNS["top1"], first).group(1) == "33.333"
    with open(path, "rb") as stream:
        assert second == f"hash={hashlib.sha256(stream.read()).hexdigest()}"
    for metric, text in (("mAP", "mAP=12.500%"), ("F1", '{"exact_match": 80.1, "f1": 90.87}')):
        assert re.match(PATTERNS[metric], text)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "has no answers"),
        ([(0, b"\x01")], "has 1 bytes, a class number of type int64 has 8"),
        ([(9, b"\x01" + bytes(7))], "sample 9 is not in the data set 'c', which has 2"),
    ],
)
def test_logs_that_do_not_belong(tmp_path, answers, said):
    folder = classes(tmp_path / "d", [1, 2])
    with pytest.raises(CmError, match=said):
        accuracy.evaluate(written(tmp_path, answers), folder)


def test_a_cut_log_is_not_judged(tmp_path):
    folder = classes(tmp_path / "d", [1, 2])
    path = written(tmp_path, [(0, bytes(8)), (1, bytes(8))])
    text = Path(path).read_text()
    Path(path).write_text(text[: len(text) // 2])
    with pytest.raises(CmError, match="incomplete"):
        accuracy.evaluate(path, folder)


WORDS = ["The", "Café", "opened", "in", "1901", "(by", "Ann", "O'Neil)."]
TOKENS = ["[CLS]", "who", "?", "[SEP]", "the", "cafe", "opened", "in", "190", "##1", "(", "by"]
TOKENS += ["ann", "o", "'", "neil", ")", ".", "[SEP]"]
#: Token -> word, for the tokens of the text.
ORIGIN = dict(zip(range(4, 18), [0, 1, 2, 3, 4, 4, 5, 5, 6, 7, 7, 7, 7, 7], strict=True))


def feature(**more):
    origin = {str(token): word for token, word in ORIGIN.items()}
    return {"example": "q", "tokens": TOKENS, "origin": origin, "best": list(ORIGIN), **more}


def scores(start, end, length=32):
    made = np.full((length, 2), -5, np.float32)
    made[start, 0] = made[end, 1] = 5
    return made


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (12, 15, "Ann O'Neil"),  # without the bracket and the stop of the last word
        (8, 9, "1901"),
        (5, 5, "Café"),
        (4, 6, "The Café opened"),
    ],
)
def test_tokens_become_the_original_words(start, end, text):
    assert squad.spans(scores(start, end), feature(), WORDS)[0][1] == text


def test_answers_in_the_question_or_backwards_do_not_count():
    for start, end in ((1, 2), (9, 8), (12, 31)):
        best = squad.spans(scores(start, end), feature(), WORDS)[0]
        assert best[0] <= 0  # one of both scores at most
    narrow = squad.spans(scores(12, 15), feature(best=[4]), WORDS)
    assert all(text.startswith("The") for _, text in narrow)


def test_no_answer_is_longer_than_thirty_tokens():
    tokens = ["w"] * 60
    entry = {"example": "q", "tokens": tokens, "best": list(range(60))}
    entry["origin"] = {str(at): at for at in range(60)}
    words = [f"w{at}" for at in range(60)]
    found = squad.spans(scores(0, 40, 60), entry, words)
    assert found[0][0] == 0
    assert squad.spans(scores(0, 29, 60), entry, words)[0][0] == 10


@pytest.mark.parametrize(
    ("said", "right", "f1"),
    [
        ("the Cat!", "cat", 1.0),
        ("black cat", "a cat", 2 / 3),
        ("dog", "cat", 0.0),
        ("an apple a day", "apple day tree", 0.8),
    ],
)
def test_overlap_of_words(said, right, f1):
    assert squad.overlap(said, right) == pytest.approx(f1)


def test_squad_from_log_to_line(tmp_path):
    """Three questions: one right, one half right, one never asked; two windows for the first."""
    folder = tmp_path / "d"
    samples = np.zeros((3, 32), np.int64)
    data.write(
        str(folder),
        name="s",
        inputs={"ids": samples},
        task="squad",
        more={"features": "f.json", "examples": "e.json"},
    )
    features = [feature(), feature(), feature(example="r")]
    (folder / "f.json").write_text(json.dumps(features))
    examples = {
        "q": {"words": WORDS, "answers": ["1901"]},
        "r": {"words": WORDS, "answers": ["Ann", "nobody"]},
        "never": {"words": WORDS, "answers": ["x"]},
    }
    (folder / "e.json").write_text(json.dumps(examples))
    weak = np.where(scores(5, 5) > 0, 1, -5).astype(np.float32)
    answers = [(1, scores(8, 9)), (0, weak), (2, scores(12, 15))]
    path = written(tmp_path, [(at, found.tobytes()) for at, found in answers])
    found = accuracy.evaluate(path, str(folder))
    assert found.value == pytest.approx(100 * (1 + 2 / 3) / 3)
    assert re.match(PATTERNS["F1"], found.text).group(1) == f"{found.value:.6f}"
    assert found.text.startswith('{"exact_match": 33.333333')


def test_a_data_set_that_has_nothing_to_compare_with(tmp_path):
    data.write(str(tmp_path / "d"), name="n", inputs={"x": np.zeros((2, 1))})
    with pytest.raises(CmError, match="nothing to compare"):
        accuracy.evaluate(written(tmp_path, [(0, b"x")]), str(tmp_path / "d"))
    log = logs.read_accuracy(written(tmp_path, [(0, b"x")]))
    assert log.data == [b"x"]
