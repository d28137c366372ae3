"""Any model: inputs by name and shape, fixed batches, no batches, several outputs."""

import os

import numpy as np
import onnxmodels
import pytest

from cm_mlperf import accuracy, logs
from cm_mlperf.harness import data

FAST = {"target_qps": 20000}


def answered(run, kind):
    """Sample -> answer, of an accuracy run."""
    assert (run.code, run.error) == (0, "")
    log = logs.read_accuracy(run.file(logs.ACCURACY))
    assert not log.cut
    return {int(at): np.frombuffer(bytes_, kind) for at, bytes_ in _pairs(log)}


def _pairs(log):
    return zip(log.qsl_idx, log.data, strict=True)


def numbers(rows, width=3):
    return np.arange(rows * width, dtype=np.float32).reshape(rows, width)


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("workers", [1, 2])
def test_batches_of_any_size_and_of_one_fixed_size(bench, tmp_path, batch, workers):
    """21 samples do not fill batches of 4: the rest is padded, and the padding never answers."""
    model = onnxmodels.total(tmp_path / "m.onnx", batch)
    data.write(str(tmp_path / "d"), name="n", inputs={"left": numbers(21), "right": numbers(21)})
    more = {"dataset": str(tmp_path / "d"), "model": {"name": "m", "path": model}, "batch_size": 6}
    for scenario in ("Offline", "Server"):
        conf = FAST if scenario == "Server" else {}
        run = bench.run(scenario, "AccuracyOnly", conf, workers=workers, **more)
        found = answered(run, np.float32)
        assert set(found) == set(range(21))
        for at, answer in found.items():
            assert answer.tolist() == [2 * numbers(21)[at].sum()]
        assert run.facts()["settings"]["batch_size"] == (batch or 6)


def test_a_model_without_a_batch_axis(bench, tmp_path):
    model = onnxmodels.double(tmp_path / "m.onnx", [2, 5])
    samples = np.random.default_rng(1).random((9, 2, 5), dtype=np.float32)
    data.write(str(tmp_path / "d"), name="n", inputs={"x": samples})
    run = bench.run(
        "Offline",
        "AccuracyOnly",
        {},
        dataset=str(tmp_path / "d"),
        model={"name": "m", "path": model},
        batch_size=4,
    )
    found = answered(run, np.float32)
    for at in range(9):
        assert found[at].tolist() == (2 * samples[at]).ravel().tolist()


def test_other_names_are_matched_by_shape_and_types_converted(bench, tmp_path):
    model = onnxmodels.double(tmp_path / "m.onnx", [None, 5])
    samples = np.arange(40, dtype=np.float64).reshape(8, 5)
    data.write(str(tmp_path / "d"), name="n", inputs={"image": samples})
    run = bench.run(
        "SingleStream",
        "AccuracyOnly",
        {},
        dataset=str(tmp_path / "d"),
        model={"name": "m", "path": model},
    )
    assert answered(run, np.float32)[3].tolist() == (2 * samples[3]).tolist()


def test_inputs_of_one_shape_need_a_mapping(bench, tmp_path):
    model = onnxmodels.total(tmp_path / "m.onnx")
    data.write(str(tmp_path / "d"), name="n", inputs={"a": numbers(4), "b": 10 * numbers(4)})
    more = {"dataset": str(tmp_path / "d")}
    run = bench.run("Offline", model={"name": "m", "path": model}, **more)
    assert run.code == 2
    assert (
        "no data for the model's input 'left': several inputs of the data set fit" in run.sentence
    )
    assert "left ?x3, right ?x3" in run.sentence
    mapped = {"name": "m", "path": model, "inputs": {"left": "a", "right": "b"}}
    run = bench.run("Offline", "AccuracyOnly", {}, model=mapped, **more)
    assert answered(run, np.float32)[1].tolist() == [11 * numbers(4)[1].sum()]


@pytest.mark.parametrize(
    ("response", "outputs", "kind"),
    [("argmax", ["probabilities"], np.int64), ("raw", ["label", "probabilities"], np.uint8)],
)
def test_chosen_outputs(bench, digits, response, outputs, kind):
    model = {"name": "d", "path": digits["model"], "response": response, "outputs": outputs}
    run = bench.run("MultiStream", "AccuracyOnly", {}, model=model, batch_size=8)
    found = answered(run, kind)
    if response == "argmax":
        score = accuracy.evaluate(run.file(logs.ACCURACY), digits["dataset"])
        assert score.good == digits["good"]
    else:
        labels = np.load(os.path.join(digits["dataset"], "labels.npy"))
        assert all(len(answer) == 8 + 4 * 10 for answer in found.values())
        good = 0
        for at, answer in found.items():
            label = answer[:8].view(np.int64)[0]
            assert answer[8:].view(np.float32).argmax() == label
            good += label == labels[at]
        assert good == digits["good"]


def test_a_label_offset(bench, digits):
    model = {"name": "d", "path": digits["model"], "label_offset": -1}
    run = bench.run("Offline", "AccuracyOnly", {}, model=model, batch_size=8)
    found = answered(run, np.int64)
    assert min(int(answer[0]) for answer in found.values()) == -1


def test_boxes_are_logged_and_judged_as_the_reference_does(bench, tmp_path):
    """The model returns the truth itself, so its mAP is 100 %; a shifted box costs half of it."""
    import json

    pytest.importorskip("pycocotools")
    rng = np.random.default_rng(3)
    corner, size = rng.random((6, 2, 2)) * 200, 50 + rng.random((6, 2, 2)) * 100
    found = np.concatenate([corner, corner + size], axis=2).astype(np.float32)
    labels = np.tile(np.array([1, 2], np.float32), (6, 1))
    annotations = {
        "images": [{"id": 100 + i, "width": 400, "height": 400} for i in range(6)],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "annotations": [
            {
                "id": 1 + 2 * i + j,
                "image_id": 100 + i,
                "category_id": 1 + j,
                "bbox": [*corner[i, j].tolist(), *size[i, j].tolist()],
                "area": float(size[i, j].prod()),
                "iscrowd": 0,
            }
            for i in range(6)
            for j in range(2)
        ],
    }
    model = onnxmodels.boxes(tmp_path / "m.onnx")
    for name, right in (("right", True), ("half", False)):
        boxes = found.copy()
        if not right:
            boxes[:, 1] += 1000
        folder = tmp_path / name
        data.write(
            str(folder),
            name="boxes",
            task="detection",
            inputs={"boxes_in": boxes, "labels_in": labels, "scores_in": np.full_like(labels, 0.9)},
            more={"annotations": "truth.json", "detection": {"scale": 400, "threshold": 0.5}},
        )
        (folder / "truth.json").write_text(json.dumps(annotations))
        run = bench.run(
            "Offline",
            "AccuracyOnly",
            {},
            dataset=str(folder),
            model={"name": "m", "path": model, "outputs": ["boxes", "labels", "scores"]},
            batch_size=4,
        )
        assert (run.code, run.error) == (0, "")
        score = accuracy.evaluate(run.file(logs.ACCURACY), str(folder))
        assert (score.metric, score.total) == ("mAP", 6)
        assert score.value == pytest.approx(100 if right else 50)
        assert score.text == f"mAP={score.value:.3f}%"


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("form", ["torchscript", "pytorch"])
def test_pytorch_models(bench, tmp_path, digits, form):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Sums(torch.nn.Module):
        def forward(me, X):  # the module itself may have any name
            return X @ torch.ones(64, 10)

    path = str(tmp_path / ("m.pt" if form == "torchscript" else "m.pt2"))
    if form == "torchscript":
        torch.jit.script(Sums()).save(path)
    else:
        free = {"X": {0: torch.export.Dim("samples", min=1, max=4096)}}
        example = (torch.zeros(4, 64),)
        torch.export.save(torch.export.export(Sums(), example, dynamic_shapes=free), path)
    model = {"name": "d", "path": path, "format": form, "response": "raw"}
    backend = {"name": "pytorch", "threads": 1}
    run = bench.run("Offline", "AccuracyOnly", {}, model=model, backend=backend, batch_size=8)
    images = np.load(os.path.join(digits["dataset"], "X.npy"))
    for at, answer in answered(run, np.float32).items():
        assert answer.tolist() == [images[at].sum()] * 10
    assert run.facts()["versions"]["torch"] == torch.__version__
    assert bench.run("Server", model=model, backend=backend, workers=2).verdict().valid


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_pytorch_refuses(bench, tmp_path, device):
    """A pickled module runs code when it is loaded; a device that is not there is named."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    torch.save(torch.nn.Linear(64, 10), tmp_path / "m.pth")
    model = {"name": "d", "path": str(tmp_path / "m.pth"), "format": "pytorch"}
    run = bench.run(model=model, backend={"name": "pytorch", "device": device})
    assert run.code == 2
    said = {"cpu": "executes code when it is loaded", "cuda": "finds no CUDA device"}[device]
    assert said in run.sentence
