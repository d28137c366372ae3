"""Compiled recipe code, kept between runs."""

from __future__ import annotations

import marshal
import os
import sys
import warnings
from types import CodeType
from zlib import crc32


def compiled(path: str, store: str) -> CodeType:
    """The code of the Python file at `path`, from folder `store` when it is there and current.

    A kept copy is current while path, size and time of change are the same and this Python made
    it. A damaged copy, or a folder that cannot be written, only costs the compilation.

    Raises:
        SyntaxError: the file is no Python.
        OSError, ValueError: it cannot be read or decoded.
    """
    status = os.stat(path)
    stamp = f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0{sys.version}"
    name = f"{os.path.basename(os.path.dirname(path))[:60]}-{crc32(path.encode()):08x}.code"
    kept = os.path.join(store, name)
    code = _load(kept, stamp)
    if code is None:
        with open(path, "rb") as file, warnings.catch_warnings():
            # What a newer Python thinks of somebody else's recipe is no news for who runs it.
            warnings.simplefilter("ignore")
            code = compile(file.read(), path, "exec", dont_inherit=True)
        _save(kept, stamp, code)
    return code


def _load(path: str, stamp: str) -> CodeType | None:
    try:
        with open(path, "rb") as file:
            data = file.read()
        body = data[4:]
        if int.from_bytes(data[:4], "little") != crc32(body):
            return None
        found, code = marshal.loads(body)
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return code if found == stamp and isinstance(code, CodeType) else None


def _save(path: str, stamp: str, code: CodeType) -> None:
    body = marshal.dumps((stamp, code))
    scratch = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(scratch, "wb") as file:
            file.write(crc32(body).to_bytes(4, "little") + body)
        os.replace(scratch, path)
    except OSError:
        # Without a kept copy the next run compiles again; nothing else depends on it.
        return
