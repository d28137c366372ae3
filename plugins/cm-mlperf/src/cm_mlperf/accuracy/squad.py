"""Exact match and F1 of answers to questions about a text (SQuAD 1.1).

dataset.json names two files: `features`, a list with one entry per sample

    {"example": "<question id>", "tokens": ["[CLS]", ...], "origin": {"<token>": <word>},
     "best": [<tokens for which this window has the most context>]}

and `examples`, `{"<question id>": {"words": [...], "answers": ["...", ...]}}`. The model answers
with a start and an end score for each token. The rules (20 best, 30 tokens at most, texts compared
without case, punctuation and articles) are those of the MLPerf BERT benchmark.
"""

from __future__ import annotations

from cm_mlperf.accuracy import Accuracy
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.data import Dataset
    from cm_mlperf.logs import AccuracyLog

#: How many start and end tokens are combined.
BEST = 20
#: Tokens that an answer has at most.
LONGEST = 30


def answers(log: AccuracyLog, dataset: Dataset, where: str) -> Accuracy:
    """Judge the answers; a question that was not asked counts as wrong, as in the reference.

    Raises:
        CmError: a file of the data set is missing or the log belongs to another one.
    """
    import numpy as np

    from cmcore.errors import CmError

    features = _file(dataset, "features")
    examples = _file(dataset, "examples")
    best: dict[str, tuple[float, str]] = {}
    for at in log.first():
        index = int(log.qsl_idx[at])
        row = index % dataset.stored
        if row >= len(features):
            raise CmError(f"sample {index} has no entry in the features", where=where)
        feature = features[row]
        if len(log.data[at]) % 8:
            raise CmError(f"the answer to sample {index} is no pair of scores", where=where)
        scores = np.frombuffer(log.data[at], dtype=np.float32).reshape(-1, 2)
        example = examples[feature["example"]]
        for score, text in spans(scores, feature, example["words"])[:1]:
            if score > best.get(feature["example"], (float("-inf"), ""))[0]:
                best[feature["example"]] = score, text
    exact = f1 = 0.0
    for name, example in examples.items():
        if name in best:
            said = best[name][1]
            exact += max(float(plain(said) == plain(right)) for right in example["answers"])
            f1 += max(overlap(said, right) for right in example["answers"])
    total = len(examples)
    exact, f1 = 100.0 * exact / total, 100.0 * f1 / total
    text = f'{{"exact_match": {exact:.6f}, "f1": {f1:.6f}}}'
    return Accuracy("F1", f1, "%", -1, total, text)


def spans(scores: Any, feature: dict[str, Any], words: list[str]) -> list[tuple[float, str]]:
    """Possible answers of one sample, best first: the sum of both scores and the text."""
    tokens, origin = feature["tokens"], feature["origin"]
    context = set(feature["best"])
    starts, ends = (_highest(scores[:, side]) for side in (0, 1))
    found: list[tuple[float, int, int]] = []
    for start in starts:
        if start >= len(tokens) or str(start) not in origin or start not in context:
            continue
        for end in ends:
            if end >= len(tokens) or str(end) not in origin:
                continue
            if start <= end < start + LONGEST:
                found.append((float(scores[start, 0]) + float(scores[end, 1]), start, end))
    found.sort(key=lambda span: -span[0])
    return [
        (
            score,
            original(
                joined(tokens[start : end + 1]),
                " ".join(words[origin[str(start)] : origin[str(end)] + 1]),
            ),
        )
        for score, start, end in found[:BEST]
    ]


def joined(tokens: list[str]) -> str:
    """Word pieces as text: a piece with ## belongs to the one before."""
    text = ""
    for token in tokens:
        text += token[2:] if token.startswith("##") else f" {token}"
    return " ".join(text.split())


def original(found: str, words: str) -> str:
    """The part of `words` that the tokens in `found` stand for.

    Tokens are lower-case, without accents and with punctuation apart: the same letters without
    spaces lead from one to the other. Where they do not, all of `words` is the answer.
    """
    cut = _tokenized(words)
    start = cut.find(found)
    if start < 0 or not found:
        return words
    letters = [at for at, letter in enumerate(words) if not letter.isspace()]
    if len(letters) != len(cut.replace(" ", "")):
        return words
    before = len(cut[:start].replace(" ", ""))
    length = len(found.replace(" ", ""))
    return words[letters[before] : letters[before + length - 1] + 1]


def plain(text: str) -> str:
    """A text as it is compared: lower-case, no punctuation, no articles, single spaces."""
    import re
    import string

    text = text.lower().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", text).split())


def overlap(said: str, right: str) -> float:
    """F1 of the words of two texts."""
    from collections import Counter

    one, other = plain(said).split(), plain(right).split()
    same = sum((Counter(one) & Counter(other)).values())
    if not same:
        return 0.0
    precision, recall = same / len(one), same / len(other)
    return 2 * precision * recall / (precision + recall)


def _highest(scores: Any) -> list[int]:
    """Positions of the highest scores, the earlier one first where two are equal."""
    order = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    return order[:BEST]


def _tokenized(text: str) -> str:
    """Lower-case, accents gone, a space around each punctuation mark."""
    import unicodedata

    made = []
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        if kind == "Mn":
            continue
        made.append(f" {letter} " if kind.startswith("P") or _symbol(letter) else letter)
    return " ".join("".join(made).split())


def _symbol(letter: str) -> bool:
    """Signs of ASCII that BERT's tokenizer takes for punctuation though Unicode does not."""
    return letter in "$+<=>^`|~"


def _file(dataset: Dataset, key: str) -> Any:
    import os

    from cmcore import storage
    from cmcore.errors import CmError

    name = dataset.meta.get(key)
    if not name:
        raise CmError(f"the data set {dataset.name!r} names no {key!r}", where=dataset.path)
    return storage.read_json(os.path.join(dataset.path, name))
