"""Hooks of the recipes that get models and data sets: made, fetched, or pointed to."""

from __future__ import annotations

import os
import sys

from cm_mlperf.workflow import fetch, names
from cm_mlperf.workflow.steps import python
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where a data set that cannot be fetched freely comes from, and what its folder must hold.
_BY_HAND = {
    "imagenet": (
        "ImageNet's validation images are given out by https://image-net.org/download after "
        "registration",
        "the JPEG files and val_map.txt (a file name and a class number in each line)",
    ),
    "openimages": (
        "the images come from https://storage.googleapis.com/openimages/web/download_v7.html",
        "annotations.json in COCO's format and the images it names",
    ),
}


def model_before(i: dict[str, Any]) -> dict[str, Any]:
    """Recipe get-mlperf-model: fetch the file, or have the native step train it."""
    env = i["env"]
    name = str(env.get("CM_MLPERF_MODEL_NAME") or "digits")
    if name == "digits":
        python(env)
        i["run_script_input"]["script_name"] = "run-digits"
        sys.stderr.write("training digits, which takes a few seconds ...\n")
        sys.stderr.flush()
        return {"return": 0}
    if name not in names.MODELS:
        problem = f"model {name} is not part of cm-plugin-mlperf; {names.PUBLISHED} have it"
        return {"return": 1, "error": f"{problem}: {names.PUBLISHED_COMMAND}"}
    file = os.path.abspath(str(env["CM_MLPERF_MODEL_FILE_NAME"]))
    urls = str(env["CM_MLPERF_MODEL_URL"]).split()
    try:
        env["CM_MLPERF_MODEL_SHA256"] = fetch.into(
            file,
            urls,
            str(env.get("CM_MLPERF_MODEL_DIGEST") or ""),
            gate=_gate(urls),
            tell=progress(f"fetching {name}"),
        )
    except CmError as error:
        return {"return": error.code, "error": str(error)}
    env["CM_MLPERF_MODEL_FILE"] = file
    env["CM_MLPERF_MODEL_SOURCE"] = urls[0]
    return {"return": 0}


def model_after(i: dict[str, Any]) -> dict[str, Any]:
    """What training left."""
    env = i["env"]
    if env.get("CM_MLPERF_MODEL_NAME") != "digits":
        return {"return": 0}
    from cmcore.storage import read_json

    facts: Any = read_json("model.json")
    env["CM_MLPERF_MODEL_FILE"] = os.path.abspath(facts["model"])
    env["CM_MLPERF_MODEL_SHA256"] = facts["model_sha256"]
    env["CM_MLPERF_MODEL_SCORE"] = f"{100 * facts['score']:.3f}"
    env["CM_MLPERF_MODEL_SOURCE"] = "trained with scikit-learn"
    env["CM_MLPERF_MODEL_SAMPLES_PATH"] = os.path.abspath(facts["dataset"])
    return {"return": 0}


def model_file(env: dict[str, Any]) -> dict[str, Any]:
    """Recipe get-mlperf-model-file: a file of one's own."""
    path = str(env.get("CM_MLPERF_MODEL_PATH") or "")
    if not path:
        return {"return": 1, "error": "which file? --model_path=FILE says it"}
    path = os.path.normpath(os.path.join(str(env.get("CM_TMP_CURRENT_PATH") or ""), path))
    form = {".onnx": "onnx", ".pt": "torchscript", ".pth": "pytorch"}.get(
        os.path.splitext(path)[1].lower(), ""
    )
    if not os.path.isfile(path):
        return {"return": 16, "error": f"there is no model file {path}"}
    if not form:
        return {"return": 1, "error": f"{path} is no .onnx, .pt or .pth file"}
    env["CM_MLPERF_MODEL_NAME"] = "custom"
    env["CM_MLPERF_MODEL_FILE"] = path
    env["CM_MLPERF_MODEL_FORMAT"] = form
    env["CM_MLPERF_MODEL_SHA256"] = fetch.sha256(path)
    env["CM_MLPERF_MODEL_SOURCE"] = path
    return {"return": 0}


def dataset(i: dict[str, Any]) -> dict[str, Any]:
    """Recipe get-mlperf-dataset: the data set as its makers give it."""
    env = i["env"]
    name = str(env.get("CM_MLPERF_DATASET_NAME") or "")
    if not name:
        return {
            "return": 1,
            "error": "which data set? One of _squad, _coco, _imagenet, _openimages",
        }
    own = str(env.get("CM_MLPERF_DATASET_PATH") or "")
    try:
        if own:
            folder = _existing(own, env)
        elif name in _BY_HAND:
            where, holds = _BY_HAND[name]
            raise CmError(f"{where}; --dataset_path=FOLDER names the folder that holds {holds}")
        else:
            folder = os.getcwd()
            _fetch_dataset(name, env)
    except CmError as error:
        return {"return": error.code, "error": str(error)}
    env["CM_MLPERF_DATASET_FOLDER"] = folder
    env["CM_MLPERF_DATASET_SOURCE"] = own or str(env.get("CM_MLPERF_DATASET_URL") or "")
    return {"return": 0}


def samples_before(i: dict[str, Any]) -> dict[str, Any]:
    """Recipe get-mlperf-samples: name a prepared folder, or have the native step prepare one."""
    env = i["env"]
    kind = str(env.get("CM_MLPERF_SAMPLES_KIND") or "digits")
    own = str(env.get("CM_MLPERF_DATASET_PATH") or "")
    try:
        if own and os.path.isfile(os.path.join(_existing(own, env), "dataset.json")):
            env["CM_MLPERF_SAMPLES_PATH"] = _existing(own, env)
        elif kind == "digits" and not own:
            env["CM_MLPERF_SAMPLES_PATH"] = str(env["CM_MLPERF_MODEL_SAMPLES_PATH"])
        elif kind in ("own", "digits"):
            _describe_own(i, _existing(own, env) if own else "")
        else:
            python(env)
            i["run_script_input"]["script_name"] = "run-prepare"
    except CmError as error:
        return {"return": error.code, "error": str(error)}
    env["CM_MLPERF_SAMPLES_NAME"] = kind
    return {"return": 0}


def samples_after(i: dict[str, Any]) -> dict[str, Any]:
    """Where they are now."""
    env = i["env"]
    if not env.get("CM_MLPERF_SAMPLES_PATH"):
        env["CM_MLPERF_SAMPLES_PATH"] = os.path.abspath("samples")
    return {"return": 0}


def progress(what: str) -> Callable[[int, int], None]:
    """A function that tells about a download on stderr: redrawn on a terminal, else by quarters."""
    told = [-1]

    def tell(have: int, whole: int) -> None:
        if not whole:
            return
        share = have * 100 // whole
        terminal = sys.stderr.isatty()
        step = share if terminal else share // 25
        if step == told[0] or whole < 1 << 20:
            return
        told[0] = step
        text = f"{what}: {have >> 20} of {whole >> 20} MiB"
        end = "\n" if not terminal or have == whole else ""
        sys.stderr.write(("\r" if terminal else "") + text + end)
        sys.stderr.flush()

    return tell


def _gate(urls: list[str]) -> fetch.Gate | None:
    """Hugging Face gives some files to those only who accepted terms."""
    for url in urls:
        if url.startswith("https://huggingface.co/"):
            page = "/".join(url.split("/")[:5])
            return fetch.Gate("HF_TOKEN", page)
    return None


def _existing(path: str, env: dict[str, Any]) -> str:
    full = os.path.join(str(env.get("CM_TMP_CURRENT_PATH") or ""), os.path.expanduser(path))
    full = os.path.normpath(full)
    if not os.path.isdir(full):
        raise CmError(f"there is no folder {full}", code=16)
    return full


def _fetch_dataset(name: str, env: dict[str, Any]) -> None:
    wanted = [("DATASET", "dev-v1.1.json"), ("VOCABULARY", "vocab.txt")]
    if name == "coco":
        wanted = [("DATASET", "val2017.zip"), ("ANNOTATIONS", "annotations.zip")]
    for key, file in wanted:
        urls = str(env[f"CM_MLPERF_{key}_URL"]).split()
        digest = str(env.get(f"CM_MLPERF_{key}_DIGEST") or "")
        fetch.into(file, urls, digest, tell=progress(f"fetching {file}"))
    if name == "coco":
        _unpack("val2017.zip", "val2017")
        _unpack("annotations.zip", "annotations")


def _unpack(archive: str, folder: str) -> None:
    """Unpack what lies in `folder` inside of an archive; zipfile lets no name lead out of it."""
    import zipfile

    try:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(members=[n for n in packed.namelist() if n.startswith(folder + "/")])
    except (zipfile.BadZipFile, OSError) as error:
        raise CmError(f"{archive} cannot be unpacked: {error}") from None
    os.remove(archive)


def _describe_own(i: dict[str, Any], folder: str) -> None:
    """A folder of numpy files: one for each model input, and labels.npy if there are any."""
    from cm_mlperf.workflow.preparing import own

    if not folder:
        raise CmError("--dataset_path=FOLDER is needed: a data set of your own")
    i["env"]["CM_MLPERF_SAMPLES_PATH"] = own.describe(folder, os.path.abspath("samples"))
