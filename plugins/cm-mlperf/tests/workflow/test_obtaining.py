"""Recipes that get models and data sets, through the real command line and a local web server."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = b"a model file" * 50_000
MD5 = hashlib.md5(MODEL).hexdigest()


def got(place: Any, tags: str, *words: str) -> Any:
    return place.cm("run", "script", f"get {tags}", *words, "--quiet", "--out=json")


@pytest.fixture
def served(files: Any) -> Any:
    files.files = {"/model.onnx": MODEL}
    return files


def test_a_published_model_is_fetched_once(place: Any, served: Any) -> None:
    words = (f"--url={served.url('/model.onnx')}", f"--digest={MD5}")
    said = got(place, "mlperf-model _resnet50", *words)
    assert said.code == 0, said.err
    env = said.json["new_env"]
    assert Path(env["CM_MLPERF_MODEL_FILE"]).read_bytes() == MODEL
    assert Path(env["CM_MLPERF_MODEL_FILE"]).name == "resnet50_v1.onnx"
    assert env["CM_MLPERF_MODEL_SHA256"] == hashlib.sha256(MODEL).hexdigest()
    again = got(place, "mlperf-model _resnet50", *words)
    assert again.json["new_env"] == env
    assert len(served.asked) == 1


def test_the_published_digest_is_the_default(place: Any, served: Any) -> None:
    said = got(place, "mlperf-model _bert-99", f"--url={served.url('/model.onnx')}")
    assert said.code == 1
    assert f"has MD5 {MD5}, expected is 819b25b19cd8e59080c10892689750ca" in said.json["error"]
    assert not list(place.home.glob("cache/*/model.onnx*"))


def test_an_interrupted_model_goes_on_where_it_was(place: Any, served: Any) -> None:
    words = (f"--url={served.url('/model.onnx')}", f"--digest={MD5}")
    served.breaks = 4
    said = got(place, "mlperf-model _retinanet", *words)
    assert said.code == 1
    assert "the next run goes on there" in said.json["error"]
    served.asked.clear()
    assert got(place, "mlperf-model _retinanet", *words).code == 0
    ((_, asked, _),) = served.asked
    assert asked.startswith("bytes=")
    assert int(asked[6:-1]) > len(MODEL) // 2


def test_a_model_that_is_not_there(place: Any, served: Any) -> None:
    said = got(place, "mlperf-model _resnet50", f"--url={served.url('/none')}")
    assert said.code == 1
    assert "the server says 404" in said.json["error"]


def test_a_model_behind_a_login(place: Any, served: Any) -> None:
    said = got(place, "mlperf-model _resnet50", f"--url={served.url('/gated/model.onnx')}")
    assert said.code == 1
    assert "is not for everybody: the server says 401" in said.json["error"]


def test_every_published_model_has_addresses_and_a_digest() -> None:
    from importlib.resources import files as package_files

    import yaml

    path = package_files("cm_mlperf") / "recipes/script/get-mlperf-model/_cm.yaml"
    variations = yaml.safe_load(path.read_text())["variations"]
    published = {k: v for k, v in variations.items() if "CM_MLPERF_MODEL_FILE_NAME" in str(v)}
    assert set(published) == {"resnet50", "retinanet", "bert-99"}
    for about in published.values():
        default = about["default_env"]
        assert len(default["CM_MLPERF_MODEL_DIGEST"]) == 32
        assert all(u.startswith("https://") for u in default["CM_MLPERF_MODEL_URL"].split())


@pytest.mark.parametrize("name", ["imagenet", "openimages"])
def test_a_data_set_that_cannot_be_fetched_says_where_it_comes_from(place: Any, name: str) -> None:
    said = got(place, f"mlperf-dataset _{name}")
    assert said.code == 1
    assert "https://" in said.json["error"]
    assert "--dataset_path=FOLDER" in said.json["error"]


def test_squad_is_fetched_with_its_vocabulary(place: Any, files: Any) -> None:
    files.files = {"/dev.json": b"{}", "/vocab": b"[CLS]\n"}
    digests = {key: hashlib.md5(data).hexdigest() for key, data in files.files.items()}
    said = got(
        place,
        "mlperf-dataset _squad",
        f"--url={files.url('/dev.json')}",
        f"--digest={digests['/dev.json']}",
        f"--env.CM_MLPERF_VOCABULARY_URL={files.url('/vocab')}",
        f"--env.CM_MLPERF_VOCABULARY_DIGEST={digests['/vocab']}",
    )
    assert said.code == 0, said.err
    folder = Path(said.json["new_env"]["CM_MLPERF_DATASET_FOLDER"])
    assert (folder / "dev-v1.1.json").read_bytes() == b"{}"
    assert (folder / "vocab.txt").read_bytes() == b"[CLS]\n"


def packed(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def test_coco_is_fetched_and_unpacked(place: Any, files: Any) -> None:
    files.files = {
        "/val.zip": packed(val2017__a=b"image", other__b=b"no"),
        "/ann.zip": packed(annotations__instances=b"{}"),
    }
    digests = {key: hashlib.md5(data).hexdigest() for key, data in files.files.items()}
    said = got(
        place,
        "mlperf-dataset _coco",
        f"--url={files.url('/val.zip')}",
        f"--digest={digests['/val.zip']}",
        f"--env.CM_MLPERF_ANNOTATIONS_URL={files.url('/ann.zip')}",
        f"--env.CM_MLPERF_ANNOTATIONS_DIGEST={digests['/ann.zip']}",
    )
    assert said.code == 0, said.err
    folder = Path(said.json["new_env"]["CM_MLPERF_DATASET_FOLDER"])
    assert (folder / "val2017" / "a").read_bytes() == b"image"
    assert (folder / "annotations" / "instances").exists()
    assert not (folder / "other").exists()
    assert not list(folder.glob("*.zip"))


def test_a_folder_of_ones_own_that_is_not_there(place: Any) -> None:
    said = got(place, "mlperf-dataset _imagenet", "--dataset_path=nowhere")
    assert said.code == 16
    assert "nowhere" in said.json["error"]


def test_a_model_file_of_ones_own(place: Any, digits: Path) -> None:
    model = digits / "model.onnx"
    for words in ((f"_path.{model}",), ("", f"--model_path={model}")):
        said = got(place, f"mlperf-model-file {words[0]}", *words[1:])
        assert said.code == 0, said.err
        env = said.json["new_env"]
        assert env["CM_MLPERF_MODEL_FILE"] == str(model)
        assert env["CM_MLPERF_MODEL_SHA256"] == hashlib.sha256(model.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("path", "says"), [("none.onnx", "there is no model file"), ("model.bin", "no .onnx, .pt")]
)
def test_what_is_no_model_file(place: Any, path: str, says: str) -> None:
    (place.here / "model.bin").write_bytes(b"x")
    said = got(place, "mlperf-model-file", f"--model_path={path}")
    assert said.code != 0
    assert says in said.json["error"]


def test_own_model_and_own_data(place: Any, digits: Path, data_folder: Callable[..., Path]) -> None:
    import numpy as np

    images = np.load(digits / "dataset" / "X.npy")[:200]
    labels = np.load(digits / "dataset" / "labels.npy")[:200]
    folder = data_folder(X=images, labels=labels)
    said = place.cm(
        "run", "mlperf", "--quiet", f"--model_path={digits / 'model.onnx'}",
        f"--dataset_path={folder}", "--scenario=Offline", "--hw_name=My box", "--out=json",
    )  # fmt: skip
    assert said.code == 0, said.err
    (result,) = said.json["results"]
    assert (result["model"], result["dataset"]) == ("custom", "own")
    assert result["system"] == "My_box-cm-cpu-onnxruntime"
    assert result["accuracy"]["samples"] == 200
    assert result["accuracy"]["value"] > 90
    assert result["accuracy"]["target"] is None
    assert result["performance"]["valid"]
    assert any("no accuracy is demanded" in why for why in result["why_not"])


def test_an_own_model_without_data_is_measured_with_random_numbers(
    place: Any, digits: Path
) -> None:
    words = ("run", "mlperf", "--quiet", f"--model_path={digits / 'model.onnx'}")
    said = place.cm(*words, "--scenario=SingleStream", "--out=json")
    assert said.code == 0, said.err
    (result,) = said.json["results"]
    assert result["dataset"] == "random"
    assert result["accuracy"] is None
    refused = place.cm(*words, "--mode=accuracy")
    assert refused.code == 4
    assert "needs a data set with labels" in refused.err
    strange = place.cm(*words, "--scenario=Offline", "--input_shapes=Y:64")
    assert strange.code != 0
    assert "'Y', which is no input of the model; its inputs: X" in strange.err
    shaped = place.cm(*words, "--scenario=Offline", "--input_shapes=X:64", "--out=json")
    assert shaped.code == 0, shaped.err


def test_a_part_can_be_replaced_by_its_name(place: Any, digits: Path) -> None:
    """A recipe of one's own stands in for the model; it is digits under another name."""
    recipe = place.here / "mine" / "script" / "get-my-model"
    recipe.mkdir(parents=True)
    (place.here / "mine" / "cmr.yaml").write_text("alias: mine\nuid: 3f8c4d1e2b7a6905\n")
    (recipe / "_cm.json").write_text(
        json.dumps(
            {
                "alias": "get-my-model",
                "uid": "8e1f2a3b4c5d6e7f",
                "automation_alias": "script",
                "automation_uid": "5b4e0237da074764",
                "tags": ["get", "mlperf-model", "my-model"],
                "env": {
                    "CM_MLPERF_MODEL_FILE": str(digits / "model.onnx"),
                    "CM_MLPERF_MODEL_SOURCE": "mine",
                },
                "new_env_keys": ["CM_MLPERF_MODEL_*"],
                "variations": {"digits": {}},
            }
        )
    )
    assert place.cm("add", "collection", str(place.here / "mine")).code == 0
    said = place.cm(
        "run", "mlperf", "--quiet", "--adr.mlperf-model.tags=my-model",
        f"--dataset_path={digits / 'dataset'}", "--scenario=SingleStream",
        "--mode=performance", "--out=json",
    )  # fmt: skip
    assert said.code == 0, said.err
    (folder,) = place.here.glob("mlperf-results/*/*/digits/singlestream")
    measurements = json.loads((folder / "measurements.json").read_text())
    assert measurements["starting_weights_filename"] == "mine"


def test_loadgen_that_is_missing_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from cm_mlperf import libraries
    from cm_mlperf.workflow import detection

    monkeypatch.setattr(libraries, "version", lambda distribution: "")
    env: dict[str, Any] = {"CM_MLPERF_BACKEND_NAME": "pytorch"}
    assert "-m pip install mlcommons-loadgen" in detection.loadgen(env)["error"]
    assert "-m pip install torch" in detection.backend(env)["error"]


def test_a_device_that_is_not_there_is_said() -> None:
    from cm_mlperf.workflow import detection

    if "cuda" in detection.devices("onnxruntime"):
        pytest.skip("this machine has CUDA")
    env = {"CM_MLPERF_BACKEND_NAME": "onnxruntime", "CM_MLPERF_DEVICE": "cuda"}
    answer = detection.backend(env)
    assert answer["return"] == 1
    assert "has no device cuda here, only" in answer["error"]
