"""The embedded benchmark: scikit-learn's digits, a small network trained in seconds.

The 1,797 images of 8 x 8 pixels come with scikit-learn. 573 train a multi-layer perceptron, 1,224
are held out; the folder that `make` writes is what the harness reads. The same versions of
scikit-learn and numpy give the same weights, because every draw has a fixed seed.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NAME = "digits"
#: Seed of the split and of the training.
SEED = 20
#: Images the model never saw in training: a multiple of 8, so that MultiStream pads nothing.
HELD_OUT = 1224
MODEL_FILE = "model.onnx"
DATA_FOLDER = "dataset"


def make(folder: str) -> dict[str, Any]:
    """Train, export and write model and data set below `folder`.

    Writes `model.onnx`, `model.json` (what this function returns) and `dataset/` (a folder in the
    form of `cm_mlperf.harness.data`). An existing folder is completed or overwritten.

    Returns:
        `model` and `dataset` (paths), `score` (share of held-out images that scikit-learn itself
        classifies correctly), `good`, `total`, `model_sha256`, `dataset_sha256`, `versions`.

    Raises:
        CmError: scikit-learn, onnx or skl2onnx cannot be imported.
        StorageError: the folder cannot be written.
    """
    import json
    import os

    from cm_mlperf.harness import data
    from cm_mlperf.libraries import load, version
    from cmcore import storage

    load("sklearn", "scikit-learn")
    load("skl2onnx")
    images, labels, classifier = _train()
    predicted = classifier.predict(images)
    good = int((predicted == labels).sum())
    content = _export(classifier, images)
    storage.make_dir(folder)
    model = os.path.join(folder, MODEL_FILE)
    storage.write_atomic(model, content)
    dataset = os.path.join(folder, DATA_FOLDER)
    digest = data.write(
        dataset,
        name=NAME,
        inputs={"X": images},
        labels=labels,
        task="classification",
        source="sklearn.datasets.load_digits",
    )
    facts = {
        "name": NAME,
        "model": MODEL_FILE,
        "dataset": DATA_FOLDER,
        "score": good / len(labels),
        "good": good,
        "total": len(labels),
        "model_sha256": _sha256(content),
        "dataset_sha256": digest,
        "versions": {name: version(name) for name in ("scikit-learn", "skl2onnx", "onnx", "numpy")},
    }
    # Last: a folder with this file is complete.
    storage.write_atomic(os.path.join(folder, "model.json"), json.dumps(facts, indent=2) + "\n")
    return {**facts, "model": model, "dataset": dataset}


def _train() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], Any]:
    """Held-out images and labels, and the trained classifier."""
    import warnings

    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    images, labels = load_digits(return_X_y=True)
    seen, images, known, labels = train_test_split(
        images.astype(np.float32), labels, test_size=HELD_OUT, random_state=SEED, stratify=labels
    )
    classifier = MLPClassifier(hidden_layer_sizes=(64,), max_iter=400, random_state=SEED)
    # One thread: matrices this small gain nothing from more, and sums keep their order.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(seen, known)
    return np.ascontiguousarray(images), labels.astype(np.int64), classifier


def _export(classifier: Any, images: np.ndarray[Any, Any]) -> bytes:
    """The classifier as an ONNX model: input `X` (N x 64), outputs label and probabilities."""
    from skl2onnx import to_onnx

    graph = to_onnx(classifier, images[:1], options={"zipmap": False})
    # The exporter names the graph after a random number: equal models shall have equal bytes.
    graph.graph.name = NAME
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
