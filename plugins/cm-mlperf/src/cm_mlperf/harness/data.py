"""Data sets: a folder of numpy files, or random numbers shaped as the model wants them.

A data set folder has `dataset.json`:

    {"name": "digits", "kind": "folder", "count": 1224, "inputs": {"X": "X.npy"},
     "labels": "labels.npy", "task": "classification", "digest": "<sha256>", "source": "..."}

`count` may be larger than the number of stored samples, which are then used again from the first
one: sample i is row i modulo the number of rows. `labels` may be null.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    Array = np.ndarray[Any, Any]

FILE = "dataset.json"
TASKS = ("classification", "detection", "squad")
#: Bytes read at once for a digest.
BLOCK = 1 << 20


class Dataset(NamedTuple):
    """Samples of a data set.

    Attributes:
        size: samples the benchmark sees.
        stored: rows that the arrays have.
        inputs: one array for each input; the first axis counts samples. Mapped, not read.
        labels: the expected answers, one per row; None where the task has another form of them.
        task: one of `TASKS`, or "".
        meta: all of dataset.json.
    """

    name: str
    path: str
    size: int
    stored: int
    inputs: Mapping[str, Array]
    labels: Array | None
    task: str
    digest: str
    meta: dict[str, Any]


def read(folder: str, count: int | None = None) -> Dataset:
    """Open a data set folder.

    Args:
        count: samples the benchmark shall see, instead of what dataset.json says.

    Raises:
        CmError: no such folder, or a file of it is missing, damaged or of another length.
    """
    import os

    from cmcore import storage
    from cmcore.errors import CmError, NotFoundError

    path = os.path.join(folder, FILE)
    if not os.path.isfile(path):
        raise NotFoundError(f"no data set at {folder}: it has no {FILE}")
    meta = storage.read_json(path)
    if not isinstance(meta, dict) or not isinstance(meta.get("inputs"), dict):
        raise CmError("not a data set description: no 'inputs'", where=path)
    if not meta["inputs"]:
        raise CmError("the data set has no inputs", where=path)
    inputs = {name: _open(folder, file, path) for name, file in meta["inputs"].items()}
    lengths = {name: len(array) for name, array in inputs.items()}
    stored = next(iter(lengths.values()))
    if stored == 0 or any(length != stored for length in lengths.values()):
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise CmError(f"inputs must have equally many samples, at least one: {told}", where=path)
    labels = _open(folder, meta["labels"], path) if meta.get("labels") else None
    if labels is not None and len(labels) != stored:
        raise CmError(f"{len(labels)} labels for {stored} samples", where=path)
    task = meta.get("task") or ""
    if task and task not in TASKS:
        raise CmError(f"unknown task {task!r}; known: {', '.join(TASKS)}", where=path)
    wanted = count if count is not None else meta.get("count", stored)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
        raise CmError(f"'count' must be a positive number, not {wanted!r}", where=path)
    name = str(meta.get("name") or os.path.basename(os.path.abspath(folder)))
    digest = str(meta.get("digest") or "")
    return Dataset(name, folder, wanted, stored, inputs, labels, task, digest, meta)


def write(
    folder: str,
    *,
    name: str,
    inputs: Mapping[str, Array],
    labels: Array | None = None,
    task: str = "",
    count: int | None = None,
    source: str = "",
    more: Mapping[str, Any] | None = None,
) -> str:
    """Write a data set folder; `dataset.json` comes last, so that no half folder is taken for one.

    Args:
        inputs: arrays whose first axis counts samples.
        more: further keys of dataset.json, for instance `annotations` of a detection data set.

    Returns:
        The digest: SHA-256 over names and contents of the numpy files.

    Raises:
        StorageError: the folder cannot be written.
    """
    import io
    import json
    import os

    import numpy as np

    from cmcore import storage

    storage.make_dir(folder)
    files: dict[str, str] = {}
    for key, array in {**inputs, **({} if labels is None else {"labels": labels})}.items():
        stem = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in key)
        files[key] = f"{stem}.npy"
        content = io.BytesIO()
        np.save(content, np.ascontiguousarray(array), allow_pickle=False)
        storage.write_atomic(os.path.join(folder, files[key]), content.getvalue())
    digest = digest_of(folder, files.values())
    meta = {
        "name": name,
        "kind": "folder",
        "count": count if count is not None else len(next(iter(inputs.values()))),
        "inputs": {key: files[key] for key in inputs},
        "labels": files["labels"] if labels is not None else None,
        "task": task,
        "digest": digest,
        "source": source,
        **(more or {}),
    }
    storage.write_atomic(os.path.join(folder, FILE), json.dumps(meta, indent=2) + "\n")
    return digest


def digest_of(folder: str, files: Any) -> str:
    """SHA-256 over the names and contents of `files`, in the order of their names."""
    import hashlib
    import os

    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.encode() + b"\0")
        with open(os.path.join(folder, file), "rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def random(inputs: Mapping[str, tuple[tuple[int, ...], str]], count: int, seed: int = 1) -> Dataset:
    """Random samples: floats in [0, 1), integers 0 or 1, always the same for the same `seed`.

    Args:
        inputs: name -> (shape of one sample, numpy type).
        count: samples the benchmark sees; at most 1024 different ones are kept in memory.
    """
    import numpy as np

    stored = min(count, 1024)
    draw = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    for name, (shape, kind) in inputs.items():
        full = (stored, *shape)
        if np.dtype(kind).kind == "f":
            arrays[name] = draw.random(full, dtype=np.float32).astype(kind)
        else:
            arrays[name] = draw.integers(0, 2, full).astype(kind)
    return Dataset("random", "", count, stored, arrays, None, "", "", {"kind": "random"})


def _open(folder: str, file: Any, path: str) -> Array:
    import os

    import numpy as np

    from cmcore.errors import CmError

    if not isinstance(file, str) or os.path.isabs(file) or ".." in file.split("/"):
        raise CmError(f"{file!r} is not a file name inside the folder", where=path)
    full = os.path.join(folder, file)
    try:
        array: Array = np.load(full, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise CmError(f"the data set lacks {file}", where=path) from None
    except (ValueError, OSError, EOFError) as error:
        raise CmError(f"{file} is not a numpy file: {error}", where=path) from None
    if array.ndim == 0:
        raise CmError(f"{file} holds one number instead of samples", where=path)
    return array
