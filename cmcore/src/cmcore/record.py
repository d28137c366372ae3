"""RECORD, the list of files with their hashes that an installer leaves beside a distribution."""

from __future__ import annotations

import os


def record_digest(dist_info: str) -> str:
    """SHA-256 of RECORD as 64 hexadecimal digits, "" when there is none to read."""
    import hashlib

    try:
        with open(os.path.join(dist_info, "RECORD"), "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return ""


def check_files(dist_info: str) -> list[str]:
    """What differs from RECORD: missing and changed files, one sentence each; [] for nothing.

    Files without a hash are only looked for: RECORD itself, and compiled files, which the
    interpreter may rewrite at any time.
    """
    import csv

    path = os.path.join(dist_info, "RECORD")
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [f"{path} cannot be read: {error}"]
    root = os.path.dirname(dist_info)
    found = []
    for name, *rest in rows:
        fault = _check(os.path.join(root, *name.split("/")), rest[0] if rest else "")
        if fault and not name.endswith(".pyc"):
            found.append(fault)
    return found


def _check(path: str, expected: str) -> str:
    if not expected:
        return "" if os.path.exists(path) else f"{path} is missing"
    import base64
    import hashlib

    algorithm, _, digest = expected.partition("=")
    try:
        with open(path, "rb") as stream:
            actual = hashlib.new(algorithm, stream.read()).digest()
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    except ValueError:
        return f"{path} has a hash of unknown kind {algorithm!r}"
    encoded = base64.urlsafe_b64encode(actual).decode().rstrip("=")
    return "" if encoded == digest else f"{path} was changed after it was installed"
