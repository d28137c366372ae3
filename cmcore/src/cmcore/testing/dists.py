"""Installed distributions as they lie on a disk, made without building or installing anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cmcore.discovery import GROUP


def fake_dist(
    folder: str | os.PathLike[str],
    name: str,
    version: str = "1.0",
    *,
    entry_points: Mapping[str, str] | str | None = None,
    files: Mapping[str, str | bytes | Mapping[str, Any]] | None = None,
    record: bool = True,
) -> str:
    """Put a distribution into a folder, the way pip leaves it in `site-packages`.

    Args:
        folder: the folder; made if needed, and to be put on `sys.path` by the caller.
        name: distribution name, in any spelling.
        version: its version.
        entry_points: of group `cmcore.plugins`, `{name: "package.module"}`; text is written as the
            whole `entry_points.txt`, None writes none.
        files: path below `folder` -> text, bytes or a dictionary (written as JSON).
        record: write RECORD, with the hash of every file.

    Returns:
        The path of its `*.dist-info` folder.
    """
    root = os.path.abspath(os.fspath(folder))
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    content: dict[str, str | bytes | Mapping[str, Any]] = dict(files or {})
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    content[f"{info}/INSTALLER"] = "cmcore.testing\n"
    if entry_points is not None and not isinstance(entry_points, str):
        lines = [f"{key} = {value}" for key, value in entry_points.items()]
        entry_points = "\n".join([f"[{GROUP}]", *lines, ""])
    if entry_points is not None:
        content[f"{info}/entry_points.txt"] = entry_points
    rows = [_write(root, path, value) for path, value in content.items()]
    if record:
        rows.append(f"{info}/RECORD,,")
        _write(root, f"{info}/RECORD", "\n".join([*rows, ""]))
    return os.path.join(root, info)


def fake_plugin(
    folder: str | os.PathLike[str],
    noun: str,
    *,
    code: str | None = None,
    manifest: Mapping[str, Any] | str | bytes | None = None,
    version: str = "1.0",
    files: Mapping[str, str | bytes | Mapping[str, Any]] | None = None,
    **changes: Any,
) -> str:
    """Put a whole plugin `cm-plugin-NOUN` into a folder: package `cm_NOUN`, with `cm run NOUN`.

    Args:
        folder: as for `fake_dist`.
        noun: name of the automation, and of everything else.
        code: source of the entry module; by default `cm_run` answers `{"ran": [artifacts]}`.
        manifest: in place of the default one; text and bytes are written as they are.
        version: version of the distribution.
        files: more files.
        changes: keys of the default manifest to replace.

    Returns:
        The path of its `*.dist-info` folder.
    """
    package = f"cm_{noun}"
    if manifest is None:
        manifest = {**plugin_manifest(noun), **changes}
    content: dict[str, str | bytes | Mapping[str, Any]] = {
        f"{package}/__init__.py": "",
        f"{package}/plugin.py": RUN.format(noun=noun) if code is None else code,
        f"{package}/cm-plugin.json": manifest,
        **(files or {}),
    }
    points = {noun: f"{package}.plugin"}
    return fake_dist(folder, f"cm-plugin-{noun}", version, entry_points=points, files=content)


def plugin_manifest(noun: str) -> dict[str, Any]:
    """The smallest useful manifest: one noun without artifacts, and `cm run NOUN`."""
    return {
        "manifest": 1,
        "api": "1.0",
        "name": noun,
        "summary": f"plugin for {noun}",
        "hooks": ["cm_run"],
        "automations": {
            noun: {
                "help": f"things called {noun}",
                "artifacts": False,
                "actions": {"run": {"help": f"run a {noun}", "flags": {"fast": {"help": "hurry"}}}},
            }
        },
    }


#: Entry module of the default plugin.
RUN = """\
from cmcore import hookimpl
from cmcore.types import Result


@hookimpl
def cm_run(ctx, request):
    if request.automation != "{noun}":
        return None
    return Result({{"ran": list(request.artifacts)}}, "ran")
"""


def _write(root: str, path: str, value: str | bytes | Mapping[str, Any]) -> str:
    """Write one file; returns its line of RECORD."""
    import base64
    import hashlib
    import json

    if isinstance(value, Mapping):
        value = json.dumps(value, indent=1)
    raw = value.encode() if isinstance(value, str) else value
    target = os.path.join(root, *path.split("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as stream:
        stream.write(raw)
    digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return f"{path},sha256={digest},{len(raw)}"
