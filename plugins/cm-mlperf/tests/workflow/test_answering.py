"""BERT's way from questions to F1, with a tiny model of the same inputs and outputs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "who", "sat", "?", "the", "cat", "on", "mat", "dog"]


def tiny_model() -> bytes:
    """Takes the animal of the paragraph for the answer, from its article on."""
    from onnx import TensorProto, checker, helper

    def constant(name: str, value: int) -> Any:
        return helper.make_tensor(name, TensorProto.INT64, [1], [value])

    nodes = []
    for side, piece in (("start", "the"), ("end", "cat")):
        nodes += [
            helper.make_node("Equal", ["input_ids", piece], [f"{side}_is"]),
            helper.make_node("Cast", [f"{side}_is"], [f"{side}_number"], to=TensorProto.INT64),
            helper.make_node("Mul", [f"{side}_number", "segment_ids"], [f"{side}_here"]),
            helper.make_node("Mul", [f"{side}_here", "input_mask"], [f"{side}_seen"]),
            helper.make_node(
                "Cast", [f"{side}_seen"], [f"output_{side}_logits"], to=TensorProto.FLOAT
            ),
        ]
    names = ("input_ids", "input_mask", "segment_ids")
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["N", 384]) for name in names],
        [
            helper.make_tensor_value_info(f"output_{side}_logits", TensorProto.FLOAT, ["N", 384])
            for side in ("start", "end")
        ],
        [constant("the", PIECES.index("the")), constant("cat", PIECES.index("cat"))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def questions() -> bytes:
    def asked(name: str, answer: str) -> dict[str, Any]:
        return {
            "id": name,
            "question": "Who sat?",
            "answers": [{"text": answer, "answer_start": 0}],
        }

    context = "The cat sat on a mat"
    paragraph = {"context": context, "qas": [asked("right", "The cat"), asked("wrong", "a mat")]}
    return json.dumps({"data": [{"paragraphs": [paragraph]}]}).encode()


def test_questions_are_prepared_answered_and_judged(place: Any, files: Any) -> None:
    files.files = {
        "/tiny.onnx": tiny_model(),
        "/dev.json": questions(),
        "/vocab.txt": ("\n".join(PIECES) + "\n").encode(),
    }
    digests = {name: hashlib.md5(data).hexdigest() for name, data in files.files.items()}
    said = place.cm(
        "run", "mlperf", "--quiet", "--model=bert-99.9", "--scenario=SingleStream", "--out=json",
        f"--adr.mlperf-model.url={files.url('/tiny.onnx')}",
        f"--adr.mlperf-model.digest={digests['/tiny.onnx']}",
        f"--adr.mlperf-dataset.url={files.url('/dev.json')}",
        f"--adr.mlperf-dataset.digest={digests['/dev.json']}",
        f"--env.CM_MLPERF_VOCABULARY_URL={files.url('/vocab.txt')}",
        f"--env.CM_MLPERF_VOCABULARY_DIGEST={digests['/vocab.txt']}",
    )  # fmt: skip
    # One of two answers is right, which the rules do not take for enough.
    assert said.code == 1, said.err
    (result,) = said.json["results"]
    assert result["performance"]["valid"]
    accuracy = result["accuracy"]
    assert (accuracy["metric"], accuracy["value"], accuracy["met"]) == ("F1", 50.0, False)
    assert accuracy["target"] == pytest.approx(0.999 * 90.874, abs=0.01)
    assert any("below the target" in why for why in result["why_not"])
