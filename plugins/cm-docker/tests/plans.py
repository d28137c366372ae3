"""Plans as cm-script describes them for containers, and a home to prepare images in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cmcore.context import Context
from cmcore.paths import Paths


def recipe(folder: Path, alias: str, uid: str, **meta: Any) -> Path:
    """A recipe in a collection."""
    path = folder / "script" / alias
    path.mkdir(parents=True)
    rows = {"alias": alias, "uid": uid, "automation_alias": "script", **meta}
    lines = [
        f"{key}: {str(value).lower() if value is True else value}" for key, value in rows.items()
    ]
    (path / "_cm.yaml").write_text("\n".join([*lines, f"tags: [{alias}]", ""]))
    (path / "run.sh").write_text("echo hello\n")
    (path / "run.sh").chmod(0o755)
    return path


def collection(folder: Path, name: str = "tools") -> dict[str, Any]:
    """A collection of one recipe; its record in a plan."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cmr.yaml").write_text(f"alias: {name}\nuid: 0123456789abcdef\n")
    recipe(folder, f"get-{name}", "0123456789abc001")
    return {
        "name": name,
        "uid": "0123456789abcdef",
        "path": str(folder),
        "kind": "folder",
        "distribution": "",
        "private": False,
    }


def plan(*collections: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Key `container` of a plan that uses these collections."""
    rows = [
        {
            "uid": f"0123456789abc{number:03d}",
            "alias": f"get-{row['name']}",
            "path": f"{row['path']}/script/get-{row['name']}",
            "collection": row,
            "private": row["private"],
        }
        for number, row in enumerate(collections, 1)
    ]
    return {
        "settings": {},
        "dialect": "cm",
        "prefix": "CM",
        "env": {},
        "command": {"tags": "get,tools", "flags": {}},
        "recipes": rows,
        "prefetch": [],
        "programs": [],
        "system_packages": [],
        **more,
    }


def context(home: Path, **environ: str) -> Context:
    """Services of a home of its own; nothing of the caller's pip is seen."""
    block = {
        "CM_HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "PIP_CONFIG_FILE": "/dev/null",
        **environ,
    }
    return Context(environ=block, paths=Paths(str(home)))
