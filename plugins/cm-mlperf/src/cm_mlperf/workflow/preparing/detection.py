"""Images with boxes in COCO's form, for RetinaNet: 800 x 800, normalised, channels first."""

from __future__ import annotations

import os

from cm_mlperf.workflow.preparing import images
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SIZE = 800
MEANS = (0.485, 0.456, 0.406)
DEVIATIONS = (0.229, 0.224, 0.225)

#: Where annotations and images may lie in a folder.
ANNOTATIONS = (
    "annotations.json",
    "annotations/openimages-mlperf.json",
    "annotations/instances_val2017.json",
)
FOLDERS = ("", "images", "validation/data", "val2017")

#: The model gives boxes as left, top, right, bottom, in pixels of the resized image.
_FORM = {"boxes": "xyxy", "scale": SIZE, "threshold": 0.05}


def prepare(folder: str, target: str, count: int = 0) -> None:
    """Write the first `count` images (0: all) and their annotations as a data set.

    Raises:
        CmError: no annotations, an image that they name is missing, or Pillow is.
    """
    from cm_mlperf.workflow.tree import write_json
    from cmcore.storage import make_dir

    content = _annotations(folder)
    known = content["images"][:count] if count else content["images"]
    files = [_image(folder, str(image.get("file_name") or "")) for image in known]
    make_dir(target)
    images.rows(os.path.join(target, "images.npy"), files, (3, SIZE, SIZE), _row)
    ids = {image["id"] for image in known}
    boxes = [box for box in content.get("annotations", []) if box["image_id"] in ids]
    write_json(
        os.path.join(target, "annotations.json"),
        {**content, "images": known, "annotations": boxes},
    )
    images.described(
        target,
        {
            "name": os.path.basename(os.path.abspath(folder)),
            "count": len(known),
            "inputs": {"images": "images.npy"},
            "labels": None,
            "task": "detection",
            "annotations": "annotations.json",
            "detection": _FORM,
            "source": folder,
        },
    )


def _annotations(folder: str) -> dict[str, Any]:
    from cmcore.storage import read_json

    for name in ANNOTATIONS:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            content = read_json(path)
            if not isinstance(content, dict) or not content.get("images"):
                raise CmError("no annotations in COCO's form: 'images' is missing", where=path)
            return content
    raise CmError(f"{folder} has none of {', '.join(ANNOTATIONS)}")


def _image(folder: str, name: str) -> str:
    for place in FOLDERS:
        path = os.path.join(folder, place, name)
        if name and os.path.isfile(path):
            return path
    raise CmError(f"{folder} has no image '{name}', which its annotations name")


def _row(image: Any) -> Array:
    import numpy as np

    resized = image.resize((SIZE, SIZE), resample=2)
    pixels = np.asarray(resized, dtype=np.float32) / 255
    pixels = (pixels - np.array(MEANS, dtype=np.float32)) / np.array(DEVIATIONS, dtype=np.float32)
    made: Array = pixels.transpose(2, 0, 1)
    return made
