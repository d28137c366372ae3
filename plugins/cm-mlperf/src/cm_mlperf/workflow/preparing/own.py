"""A data set of one's own: a folder with one numpy file for each input of the model."""

from __future__ import annotations

import os

from cmcore.errors import CmError


def describe(folder: str, target: str) -> str:
    """Make a data set folder that leads to the numpy files of another one.

    Args:
        folder: holds `<input>.npy` for each input, and `labels.npy` when accuracy is wanted.
        target: folder to make; the files are linked, not copied.

    Returns:
        `target`.

    Raises:
        CmError: there is no numpy file, or none but the labels.
    """
    from cm_mlperf.harness import data
    from cm_mlperf.workflow.tree import write_json
    from cmcore.storage import make_dir, remove_tree

    files = sorted(name for name in os.listdir(folder) if name.endswith(".npy"))
    inputs = {name.removesuffix(".npy"): name for name in files if name != "labels.npy"}
    if not inputs:
        raise CmError(
            f"{folder} is no data set: it has neither dataset.json nor a .npy file per model input"
        )
    if os.path.isdir(target):
        remove_tree(target)
    make_dir(target)
    for name in files:
        os.symlink(os.path.join(folder, name), os.path.join(target, name))
    labels = "labels.npy" if "labels.npy" in files else None
    description = {
        "name": os.path.basename(folder),
        "kind": "folder",
        "inputs": inputs,
        "labels": labels,
        "task": "classification" if labels else "",
        "digest": data.digest_of(folder, files),
        "source": folder,
    }
    write_json(os.path.join(target, data.FILE), description)
    data.read(target)
    return target
