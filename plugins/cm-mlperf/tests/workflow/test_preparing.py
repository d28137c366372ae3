"""Data sets as the models take them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_mlperf.harness import data
from cm_mlperf.workflow.preparing import own, squad, wordpiece
from cmcore.errors import CmError

_PIECES = """
    [PAD] [UNK] [CLS] [SEP] the cat sat on mat . , ? who un ##able ##s word ##word a b c
"""
VOCABULARY = {piece: number for number, piece in enumerate(_PIECES.split())}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat sat.", ["the", "cat", "sat", "."]),
        ("cats", ["cat", "##s"]),
        ("unable", ["un", "##able"]),
        ("dog", ["[UNK]"]),
        ("Thé càt", ["the", "cat"]),
        ("cat\u0000,\tmat", ["cat", ",", "mat"]),
        ("a中b", ["a", "[UNK]", "b"]),
        ("x" * 201, ["[UNK]"]),
    ],
)
def test_text_is_cut_as_bert_does(text: str, expected: list[str]) -> None:
    assert wordpiece.tokens(text, VOCABULARY) == expected


@given(st.text(max_size=40))
def test_any_text_becomes_pieces_of_the_vocabulary(text: str) -> None:
    assert all(token in VOCABULARY for token in wordpiece.tokens(text, VOCABULARY))


@given(st.integers(1, 1200), st.integers(1, 80))
def test_every_word_is_in_a_window_and_best_in_exactly_one(count: int, asked: int) -> None:
    words = ["cat"] * count
    found = list(squad.windows("q", "the " * asked, words, VOCABULARY))
    best: list[int] = []
    for window in found:
        assert len(window.tokens) <= squad.LENGTH
        assert window.tokens[0] == "[CLS]"
        assert window.tokens[window.first - 1] == window.tokens[-1] == "[SEP]"
        assert set(window.best) <= set(window.origin)
        best += [window.origin[at] for at in window.best]
    assert sorted(best) == list(range(count))


def test_a_paragraph_that_fits_is_one_window() -> None:
    (window,) = squad.windows("q", "who sat?", ["The", "cats", "sat"], VOCABULARY)
    assert window.tokens == [
        "[CLS]",
        "who",
        "sat",
        "?",
        "[SEP]",
        "the",
        "cat",
        "##s",
        "sat",
        "[SEP]",
    ]
    assert window.origin == {5: 0, 6: 1, 7: 1, 8: 2}
    assert window.best == [5, 6, 7, 8]


def test_windows_begin_128_tokens_apart() -> None:
    found = list(squad.windows("q", "the " * 10, ["cat"] * 1000, VOCABULARY))
    assert [window.origin[window.first] for window in found] == [0, 128, 256, 384, 512, 640]


def squad_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "squad"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    answers = [{"text": "The cat", "answer_start": 0}]
    asked = [{"id": f"q{n}", "question": "Who sat on the mat?", "answers": answers} for n in (1, 2)]
    content = {"data": [{"paragraphs": [{"context": "The cat sat on the mat.", "qas": asked}]}]}
    (folder / "dev-v1.1.json").write_text(json.dumps(content))
    return folder


def prepare(
    kind: str, folder: Path, target: Path, count: int = 0
) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "cm_mlperf.workflow.preparing", kind, str(folder), str(target)]
    return subprocess.run([*words, str(count)], capture_output=True, text=True, check=False)


def test_squad_becomes_what_the_harness_reads(tmp_path: Path) -> None:
    target = tmp_path / "samples"
    done = prepare("squad", squad_folder(tmp_path), target)
    assert done.returncode == 0, done.stderr
    read = data.read(str(target))
    assert (read.size, read.task) == (2, "squad")
    assert set(read.inputs) == {"input_ids", "input_mask", "segment_ids"}
    ids = read.inputs["input_ids"]
    assert ids.shape == (2, 384)
    assert ids.dtype == np.int64
    first = [list(VOCABULARY)[number] for number in ids[0] if number]
    assert first[0] == "[CLS]"
    assert first.count("[SEP]") == 2
    assert read.inputs["input_mask"][0].sum() == len(first)
    assert read.inputs["segment_ids"][0].sum() == 8


def test_the_right_scores_for_squad_are_worth_100(tmp_path: Path) -> None:
    """A model that points at the answer: preparation and judgement agree about positions."""
    from cm_mlperf import accuracy, logs

    target = tmp_path / "samples"
    assert prepare("squad", squad_folder(tmp_path), target).returncode == 0
    features = json.loads((target / "features.json").read_text())
    entries = []
    for index, feature in enumerate(features):
        scores = np.zeros((384, 2), dtype=np.float32)
        origin = {word: int(at) for at, word in feature["origin"].items()}
        scores[origin[0], 0] = scores[origin[1], 1] = 9
        entries.append(
            {"seq_id": index, "qsl_idx": index, "data": scores.tobytes().hex(), "token_count": 0}
        )
    log = tmp_path / logs.ACCURACY
    log.write_text(json.dumps(entries))
    found = accuracy.evaluate(str(log), data.read(str(target)))
    assert (found.metric, found.value) == ("F1", 100.0)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("vocab.txt", "the\n", "has no [CLS]"),
        ("dev-v1.1.json", "{}", "'data' is missing"),
        ("dev-v1.1.json", "{", "dev-v1.1.json"),
    ],
)
def test_what_is_not_squad_is_said(tmp_path: Path, file: str, content: str, says: str) -> None:
    folder = squad_folder(tmp_path)
    (folder / file).write_text(content)
    done = prepare("squad", folder, tmp_path / "samples")
    assert done.returncode == 3
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "samples" / "dataset.json").exists()


def image_folder(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    folder = tmp_path / "images"
    folder.mkdir()
    for name, color in (("a.png", (255, 0, 0)), ("b.png", (0, 255, 0))):
        image.new("RGB", (500, 300), color).save(folder / name)
    return folder


def test_imagenet_is_prepared(tmp_path: Path) -> None:
    folder, target = image_folder(tmp_path), tmp_path / "samples"
    (folder / "val_map.txt").write_text("a.png 7\nb.png 65\n")
    done = prepare("imagenet", folder, target)
    assert done.returncode == 0, done.stderr
    read = data.read(str(target))
    images = read.inputs["input_tensor:0"]
    assert images.shape == (2, 3, 224, 224)
    assert images[0, :, 100, 100] == pytest.approx([255 - 123.68, -116.78, -103.94], abs=1e-3)
    assert read.labels is not None
    assert list(read.labels) == [7, 65]
    assert prepare("imagenet", folder, tmp_path / "one", 1).returncode == 0
    assert data.read(str(tmp_path / "one")).size == 1


def test_boxes_are_prepared(tmp_path: Path) -> None:
    folder, target = image_folder(tmp_path), tmp_path / "samples"
    images = [
        {"id": 5, "file_name": "a.png", "width": 500, "height": 300},
        {"id": 9, "file_name": "b.png", "width": 500, "height": 300},
    ]
    boxes = [{"id": n, "image_id": n, "bbox": [0, 0, 9, 9], "category_id": 1} for n in (5, 9)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1}]}
    (folder / "annotations.json").write_text(json.dumps(content))
    assert prepare("openimages", folder, target, 1).returncode == 0
    read = data.read(str(target))
    assert read.inputs["images"].shape == (1, 3, 800, 800)
    assert read.inputs["images"][0, 0, 0, 0] == pytest.approx((1 - 0.485) / 0.229, abs=1e-4)
    kept = json.loads((target / "annotations.json").read_text())
    assert [box["image_id"] for box in kept["annotations"]] == [5]


@pytest.mark.parametrize(
    ("listed", "says"),
    [("a.png\n", "line 1"), ("none.png 3\n", "no image none.png"), ("", "no image is listed")],
)
def test_a_wrong_list_of_classes_is_said(tmp_path: Path, listed: str, says: str) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "val_map.txt").write_text(listed)
    done = prepare("imagenet", folder, tmp_path / "samples")
    assert done.returncode == 3
    assert says in done.stderr


def test_a_folder_of_numpy_files_is_a_data_set(tmp_path: Path, data_folder: Any) -> None:
    folder = data_folder(X=np.zeros((5, 3), np.float32), labels=np.arange(5))
    target = own.describe(str(folder), str(tmp_path / "samples"))
    read = data.read(target)
    assert (read.size, read.task, list(read.inputs)) == (5, "classification", ["X"])
    assert read.digest == data.read(own.describe(str(folder), str(tmp_path / "again"))).digest


def test_a_folder_without_numpy_files_is_none(tmp_path: Path, data_folder: Any) -> None:
    folder = data_folder(labels=np.arange(5))
    with pytest.raises(CmError, match="is no data set"):
        own.describe(str(folder), str(tmp_path / "samples"))
