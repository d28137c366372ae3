"""SQuAD 1.1 for BERT: questions and windows of their paragraphs, as numbers of 384 tokens.

A paragraph that does not fit is cut into windows that begin 128 tokens apart; an answer is looked
for in each, and the window with the most context around a token decides. These are the rules of
the MLPerf BERT benchmark: 10,833 windows for the 10,570 questions of dev-v1.1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from cm_mlperf.workflow.preparing import images, wordpiece
from cmcore.errors import CmError
from cmcore.hints import Any, NamedTuple

LENGTH = 384
STRIDE = 128
LONGEST_QUESTION = 64


class Window(NamedTuple):
    """One sample: tokens, which of them belong to the paragraph, and their words.

    Attributes:
        tokens: `[CLS]`, the question, `[SEP]`, the part of the paragraph, `[SEP]`.
        first: position of the first token of the paragraph.
        origin: position of a token -> number of its word in the paragraph.
        best: positions for which no other window has more context.
    """

    example: str
    tokens: list[str]
    first: int
    origin: dict[int, int]
    best: list[int]


def prepare(folder: str, target: str, count: int = 0) -> None:
    """Write the first `count` windows (0: all) as a data set.

    Raises:
        CmError: a file is missing or is not what it should be.
    """
    import numpy as np

    from cm_mlperf.workflow.tree import write_json
    from cmcore.storage import make_dir

    vocabulary = _vocabulary(os.path.join(folder, "vocab.txt"))
    made: list[Window] = []
    examples: dict[str, Any] = {}
    for name, question, words, answers in _examples(os.path.join(folder, "dev-v1.1.json")):
        if count and len(made) >= count:
            break
        examples[name] = {"words": words, "answers": answers}
        made += windows(name, question, words, vocabulary)
    made = made[:count] if count else made
    ids = np.zeros((len(made), LENGTH), dtype=np.int64)
    mask, segments = np.zeros_like(ids), np.zeros_like(ids)
    for row, window in enumerate(made):
        length = len(window.tokens)
        ids[row, :length] = [vocabulary[token] for token in window.tokens]
        mask[row, :length] = 1
        segments[row, window.first : length] = 1
    make_dir(target)
    inputs = {"input_ids": ids, "input_mask": mask, "segment_ids": segments}
    for key, array in inputs.items():
        np.save(os.path.join(target, f"{key}.npy"), array)
    features = [
        {"example": w.example, "tokens": w.tokens, "origin": w.origin, "best": w.best} for w in made
    ]
    write_json(os.path.join(target, "features.json"), features)
    write_json(os.path.join(target, "examples.json"), examples)
    images.described(
        target,
        {
            "name": "squad",
            "count": len(made),
            "inputs": {key: f"{key}.npy" for key in inputs},
            "labels": None,
            "task": "squad",
            "features": "features.json",
            "examples": "examples.json",
            "source": folder,
        },
    )


def windows(
    name: str, question: str, words: list[str], vocabulary: dict[str, int]
) -> Iterator[Window]:
    """The samples of one question."""
    asked = wordpiece.tokens(question, vocabulary)[:LONGEST_QUESTION]
    pieces: list[tuple[str, int]] = [
        (piece, number)
        for number, word in enumerate(words)
        for piece in wordpiece.tokens(word, vocabulary)
    ]
    room = LENGTH - len(asked) - 3
    spans = [(0, min(room, len(pieces)))]
    while sum(spans[-1]) < len(pieces):
        start = spans[-1][0] + min(spans[-1][1], STRIDE)
        spans.append((start, min(room, len(pieces) - start)))
    first = len(asked) + 2
    for start, length in spans:
        part = pieces[start : start + length]
        yield Window(
            name,
            ["[CLS]", *asked, "[SEP]", *(piece for piece, _ in part), "[SEP]"],
            first,
            {first + at: number for at, (_, number) in enumerate(part)},
            [first + at for at in range(length) if _most(spans, (start, length), start + at)],
        )


def _most(spans: list[tuple[int, int]], this: tuple[int, int], position: int) -> bool:
    """Whether no other window has more context on both sides of a position."""

    def context(span: tuple[int, int]) -> float:
        start, length = span
        before, after = position - start, start + length - 1 - position
        return min(before, after) + 0.01 * length if before >= 0 and after >= 0 else -1.0

    best = max(spans, key=context)
    return best == this


def _vocabulary(path: str) -> dict[str, int]:
    if not os.path.isfile(path):
        raise CmError("the vocabulary is missing", where=path)
    with open(path, encoding="utf-8") as file:
        found = {line.rstrip("\n"): number for number, line in enumerate(file)}
    for token in ("[CLS]", "[SEP]", wordpiece.UNKNOWN):
        if token not in found:
            raise CmError(f"this vocabulary has no {token}", where=path)
    return found


def _examples(path: str) -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Identifier, question, words of the paragraph and right answers."""
    from cmcore.storage import read_json

    content: Any = read_json(path)
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                words = _words(paragraph["context"])
                for asked in paragraph["qas"]:
                    answers = [answer["text"] for answer in asked["answers"]]
                    yield asked["id"], asked["question"], words, answers
    except (KeyError, TypeError) as error:
        raise CmError(f"this is not SQuAD 1.1: {error} is missing", where=path) from None


def _words(text: str) -> list[str]:
    """Words between white space; the narrow space of typographers counts."""
    return text.replace("\u202f", " ").split()
