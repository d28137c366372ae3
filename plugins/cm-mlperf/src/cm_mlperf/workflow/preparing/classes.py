"""ImageNet's validation images for ResNet50, as the MLPerf rules describe the preparation.

The shorter side becomes 256 pixels, the middle 224 x 224 are taken, and the channel means that the
model was trained with are subtracted: RGB, channels first, float32.
"""

from __future__ import annotations

import os

from cm_mlperf.workflow.preparing import images
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Files that may hold the classes: a file name and a number in each line.
LABELS = ("val_map.txt", "val.txt", "labels.txt")
SIZE = 224
#: The middle is 87.5 per cent of the whole side.
SIDE = 256
MEANS = (123.68, 116.78, 103.94)


def prepare(folder: str, target: str, count: int = 0) -> None:
    """Write the first `count` images (0: all) as a data set.

    Raises:
        CmError: no list of classes, an image that it names is missing, or Pillow is.
    """
    import numpy as np

    from cmcore.storage import make_dir

    listed = _listed(folder)
    listed = listed[:count] if count else listed
    make_dir(target)
    images.rows(
        os.path.join(target, "images.npy"),
        [file for file, _ in listed],
        (3, SIZE, SIZE),
        _row,
    )
    labels = np.array([label for _, label in listed], dtype=np.int64)
    np.save(os.path.join(target, "labels.npy"), labels)
    images.described(
        target,
        {
            "name": "imagenet",
            "count": len(listed),
            "inputs": {"input_tensor:0": "images.npy"},
            "labels": "labels.npy",
            "task": "classification",
            "source": folder,
        },
    )


def _listed(folder: str) -> list[tuple[str, int]]:
    path = next((p for name in LABELS if os.path.isfile(p := os.path.join(folder, name))), "")
    if not path:
        raise CmError(
            f"{folder} has no {LABELS[0]}",
            hint="each of its lines is the name of an image file and the number of its class",
        )
    found = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split()
            if not words:
                continue
            if len(words) != 2 or not words[1].isdigit():
                raise CmError(f"line {number} is no file name and class number", where=path)
            image = os.path.join(folder, words[0])
            if not os.path.isfile(image):
                raise CmError(f"there is no image {words[0]}", where=path)
            found.append((image, int(words[1])))
    if not found:
        raise CmError("no image is listed", where=path)
    return found


def _row(image: Any) -> Array:
    import numpy as np

    wide, high = image.size
    scale = SIDE / min(wide, high)
    wide, high = max(SIDE, round(wide * scale)), max(SIDE, round(high * scale))
    # BOX averages what falls into a pixel, as the area interpolation of the rules does.
    resized = image.resize((wide, high), resample=4)
    left, top = (wide - SIZE) // 2, (high - SIZE) // 2
    middle = resized.crop((left, top, left + SIZE, top + SIZE))
    pixels = np.asarray(middle, dtype=np.float32) - np.array(MEANS, dtype=np.float32)
    made: Array = pixels.transpose(2, 0, 1)
    return made
