"""ResNet50's way from images to accuracy, with a tiny model of the same inputs and outputs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def tiny_model() -> bytes:
    """Says which colour an image has; like ResNet50 it counts classes from 1, 0 is background."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("ReduceMean", ["input_tensor:0"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("ArgMax", ["means"], ["ArgMax:0"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_tensor:0", TensorProto.FLOAT, ["N", 3, 224, 224])],
        [helper.make_tensor_value_info("ArgMax:0", TensorProto.INT64, ["N"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def images(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    folder = tmp_path / "imagenet"
    folder.mkdir()
    listed = []
    draw = np.random.default_rng(1)
    for number in range(12):
        label = number % 2
        pixels = draw.integers(0, 60, (90, 70 + number, 3)).astype(np.uint8)
        pixels[:, :, label + 1] += 180
        image.fromarray(pixels).save(folder / f"{number}.png")
        # The last one is labelled wrongly, so that not everything is right.
        listed.append(f"{number}.png {label if number < 11 else 1 - label}")
    (folder / "val_map.txt").write_text("\n".join(listed) + "\n")
    return folder


def test_images_are_prepared_classified_and_judged(place: Any, files: Any, images: Path) -> None:
    files.files["/tiny.onnx"] = tiny_model()
    digest = hashlib.sha256(files.files["/tiny.onnx"]).hexdigest()
    words = (
        "run", "mlperf", "--quiet", "--model=resnet50", f"--dataset_path={images}",
        f"--adr.mlperf-model.url={files.url('/tiny.onnx')}",
        f"--adr.mlperf-model.digest={digest}",
    )  # fmt: skip
    said = place.cm(*words, "--scenario=Offline,SingleStream", "--out=json")
    assert said.code == 0, said.err
    for result in said.json["results"]:
        assert result["performance"]["valid"]
        accuracy = result["accuracy"]
        assert (accuracy["good"], accuracy["samples"]) == (11, 12)
        # 99 per cent of the reference model's 76.46, as the round says.
        assert accuracy["target"] == pytest.approx(75.695, abs=0.01)
        assert accuracy["met"] is True
        assert result["dataset"] == "imagenet"
        assert any("the rules want 1024" in why for why in result["why_not"])
    (conf,) = place.here.glob("mlperf-results/*/*/resnet50/offline/user.conf")
    assert "resnet50.Offline.min_query_count = 12" in conf.read_text()
    # Prepared once, fetched once.
    again = place.cm(*words, "--scenario=Offline", "--rerun")
    assert again.code == 0, again.err
    assert len(files.asked) == 1
