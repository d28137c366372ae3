"""Images as rows of one large numpy file, written one after the other and never all in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from cm_mlperf.libraries import load
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def rows(
    path: str,
    files: Sequence[str],
    shape: tuple[int, ...],
    make: Callable[[Any], Array],
) -> None:
    """Write one row per image file.

    Args:
        path: the numpy file; it gets its name when all rows are there.
        files: image files, in the order of the rows.
        shape: of one row, float32.
        make: an opened image in RGB -> its row.

    Raises:
        CmError: Pillow is missing, or an image cannot be read.
    """
    import sys

    import numpy as np

    image = load("PIL.Image")
    part = path + ".part"
    array = np.lib.format.open_memmap(part, "w+", np.float32, (len(files), *shape))
    for at, file in enumerate(files):
        try:
            with image.open(file) as opened:
                array[at] = make(opened.convert("RGB"))
        except (OSError, ValueError) as error:
            raise CmError(f"cannot read this image: {error}", where=file) from None
        if at % 5000 == 4999:
            sys.stderr.write(f"prepared {at + 1} of {len(files)} images\n")
    array.flush()
    del array
    os.replace(part, path)


def described(folder: str, more: dict[str, Any]) -> None:
    """Write dataset.json for the numpy files of a folder; it comes last."""
    from cm_mlperf.harness import data
    from cm_mlperf.workflow.tree import write_json

    files = [*more["inputs"].values(), *([more["labels"]] if more.get("labels") else [])]
    write_json(
        os.path.join(folder, data.FILE),
        {"kind": "folder", **more, "digest": data.digest_of(folder, files)},
    )
