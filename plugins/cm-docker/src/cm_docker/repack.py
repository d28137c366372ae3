"""Wheels from installed files, and wheels that are the same byte for byte each time."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from zipfile import ZipInfo

    from cm_docker.distributions import Used

_DATE = (1980, 1, 1, 0, 0, 0)

#: Files that an installer writes beside those of the wheel.
_INSTALLERS = ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD")


def files(info: str) -> dict[str, str]:
    """Path in the wheel -> installed path, of a distribution with metadata folder `info`.

    Scripts and other files outside of the packages' folder are left out: an installer makes the
    scripts anew from the entry points.
    """
    import csv

    site = os.path.dirname(info)
    found: dict[str, str] = {}
    try:
        with open(os.path.join(info, "RECORD"), encoding="utf-8", newline="") as record:
            rows = [row[0] for row in csv.reader(record) if row]
    except (OSError, UnicodeDecodeError):
        rows = []
    for name in rows:
        path = os.path.normpath(os.path.join(site, name))
        inside = path.startswith(site + os.sep) and not os.path.isabs(name)
        own = os.path.dirname(path) == info and os.path.basename(path) in _INSTALLERS
        if inside and not own and not name.endswith(".pyc") and os.path.isfile(path):
            found[os.path.relpath(path, site).replace(os.sep, "/")] = path
    return found


def pack(used: Used, target: str) -> str:
    """Write the wheel of an installed distribution into `target`; its path.

    Raises:
        CmError: it was installed in a way that keeps no list of its files.
    """
    import base64
    import hashlib
    import zipfile

    from cmcore.errors import CmError
    from cmcore.storage import read_bytes

    installed = files(used.source)
    tags = _tags(os.path.join(used.source, "WHEEL"))
    if not installed or not tags:
        raise CmError(
            f"{used.name} {used.version} was installed without a list of its files, so that no"
            " image can get the same one",
            where=used.source,
            hint="install it anew with pip",
        )
    folder = os.path.basename(used.source)
    stem = folder.removesuffix(".dist-info")
    path = os.path.join(target, f"{stem}-{tags}.whl")
    rows = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(installed.items()):
            content = read_bytes(source)
            summed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            rows.append(f"{_quoted(name)},sha256={summed.decode()},{len(content)}\n")
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = (os.stat(source).st_mode & 0o777 | 0o100000) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
        record = f"{folder}/RECORD"
        archive.writestr(zipfile.ZipInfo(record, _DATE), "".join([*rows, f"{record},,\n"]))
    return path


def settle(path: str) -> None:
    """Rewrite a wheel with its files in order and without times of the day it was made on."""
    import zipfile

    hidden = path + ".new"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(hidden, "w") as new:
        # The metadata stands last, as wheels are recommended to be written.
        for entry in sorted(old.infolist(), key=_last_metadata):
            if entry.is_dir():
                continue
            kept = zipfile.ZipInfo(entry.filename, _DATE)
            run = (entry.external_attr >> 16) & 0o111
            kept.external_attr = (0o100755 if run else 0o100644) << 16
            # Not compressed: what a compressor makes differs between its versions.
            new.writestr(kept, old.read(entry), zipfile.ZIP_STORED)
    os.replace(hidden, path)


def _tags(path: str) -> str:
    """`py3-none-any` from a `WHEEL` file, or ""."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.partition(":") for line in file]
    except (OSError, UnicodeDecodeError):
        return ""
    tags = [value.strip().split("-") for key, _, value in lines if key.strip() == "Tag"]
    sound = [tag for tag in tags if len(tag) == 3]
    if not sound:
        return ""
    return "-".join(".".join(dict.fromkeys(tag[n] for tag in sound)) for n in range(3))


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name


def _last_metadata(entry: ZipInfo) -> tuple[bool, str]:
    return ".dist-info/" in entry.filename, entry.filename
