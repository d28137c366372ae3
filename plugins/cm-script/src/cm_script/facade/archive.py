"""Unpacking ZIP archives for recipe code."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import zipfile

_CHUNK = 1 << 20


def unzip_file(i: Mapping[str, Any]) -> dict[str, Any]:
    """Unpack ZIP archive `filename` into folder `path` (the current one by default).

    `strip_folders` leaves out that many leading folders of every member; members that have fewer
    are left out. An archive whose members would land outside the folder is refused as a whole.
    """
    import zipfile

    name = str(i["filename"])
    if not os.path.isfile(name):
        return {"return": 1, "error": f"archive {name} was not found"}
    target = os.path.abspath(str(i.get("path") or os.curdir))
    try:
        with zipfile.ZipFile(name) as archive:
            plan = []
            for member in archive.infolist():
                place = _place(member.filename, target, int(i.get("strip_folders") or 0))
                if place:
                    plan.append((member, place))
            for member, place in plan:
                _unpack(archive, member, place)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        return {"return": 1, "error": f"archive {name} cannot be unpacked: {error}"}
    except _OutsideError as error:
        return {"return": 1, "error": f"archive {name} is refused: {error}"}
    except OSError as error:
        text = f"{error.strerror}: {error.filename or target}"
        return {"return": 1, "error": f"archive {name} cannot be unpacked: {text}"}
    return {"return": 0}


class _OutsideError(Exception):
    """A member would be written outside the target folder."""


def _place(member: str, target: str, strip: int) -> str:
    """Where a member goes; "" when nothing is left of its name."""
    parts = member.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or (len(parts[0]) > 1 and parts[0][1] == ":"):
        raise _OutsideError(f"its member {member!r} would land outside {target}")
    left = [part for part in parts[strip:] if part not in ("", ".")]
    return os.path.join(target, *left) if left else ""


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str) -> None:
    if member.is_dir():
        os.makedirs(place, exist_ok=True)
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    # A link that an earlier member or an earlier archive left must not lead the data elsewhere.
    if os.path.islink(place):
        os.remove(place)
    with archive.open(member) as source, open(place, "wb") as out:
        while data := source.read(_CHUNK):
            out.write(data)
    mode = (member.external_attr >> 16) & 0o777
    if mode:
        os.chmod(place, mode)
