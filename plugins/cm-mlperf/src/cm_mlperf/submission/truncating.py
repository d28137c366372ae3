"""Accuracy logs as a submission carries them: short, with the digest of the whole one beside."""

from __future__ import annotations

import os

from cm_mlperf.rounds import metrics
from cm_mlperf.submission.layout import ACCURACY_LIMIT, ACCURACY_LOG, ACCURACY_TEXT

#: Bytes kept of each end.
_KEPT = 4096
#: Stands where the middle was.
GAP = b"\n\n...\n\n"


def digest_of(path: str) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def shortened(content: bytes) -> bytes:
    """Beginning and end of a log, as it is when it is short; always below the limit of 10 KiB.

    Cuts fall between whole characters, so that the result is text if the log was.
    """
    if len(content) <= 2 * _KEPT + len(GAP):
        return content
    end = content[-_KEPT:]
    while end and 0x80 <= end[0] < 0xC0:
        end = end[1:]
    return content[:_KEPT].decode("utf-8", "ignore").encode() + GAP + end


def _ends(path: str) -> bytes:
    """A whole short file; of a long one enough of both ends for `shortened`."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size <= ACCURACY_LIMIT:
            return file.read()
        head = file.read(_KEPT)
        file.seek(-_KEPT - len(GAP) - 1, os.SEEK_END)
        return head + file.read()


def copy(source: str, target: str, text: str) -> str:
    """Copy an accuracy run's log, shortened, and its accuracy.txt with the digest.

    Args:
        source: folder with the whole accuracy log, or one that is shortened already.
        target: folder to write to; must exist.
        text: content of accuracy.txt without or with a line `hash=`.

    Returns:
        The digest.

    Raises:
        ValueError: the log is shortened and the text does not tell the digest of the whole one.
        OSError: a file cannot be read or written.
    """
    log = os.path.join(source, ACCURACY_LOG)
    content = _ends(log)
    if is_shortened(content):
        digest = metrics.read(text, ()).digest
        if not digest:
            raise ValueError(f"{log} is shortened and nothing tells the digest of the whole log")
    else:
        digest = digest_of(log)
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("hash=")]
    with open(os.path.join(target, ACCURACY_LOG), "wb") as file:
        file.write(shortened(content))
    with open(os.path.join(target, ACCURACY_TEXT), "w", encoding="utf-8") as out:
        out.write("".join(f"{line}\n" for line in [*lines, f"hash={digest}"]))
    return digest


def is_shortened(content: bytes) -> bool:
    """Whether a log had its middle cut out."""
    return GAP in content
