"""What docs/write-a-plugin.md tells people to do, done to the letter."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from kit import CHECKOUT, Machine, build_wheel, write_tree


def test_the_documented_plugin_works(workshop: Machine, tmp_path: Path) -> None:
    page = (CHECKOUT / "docs" / "write-a-plugin.md").read_text(encoding="utf-8")
    blocks = dict(reversed(re.findall(r"```(toml|json|python|sh)\n(.*?)```", page, re.DOTALL)))
    project = write_tree(
        tmp_path / "project",
        {
            "pyproject.toml": blocks["toml"],
            "src/cm_notebook/__init__.py": "",
            "src/cm_notebook/cm-plugin.json": blocks["json"],
            "src/cm_notebook/plugin.py": blocks["python"],
        },
    )
    somebody = workshop.user(tmp_path / "home")
    workshop.install(str(build_wheel(project, tmp_path)))
    try:
        for line in blocks["sh"].splitlines():
            somebody.ok(*shlex.split(line)[1:])
        assert somebody.ok("run", "notebook", "first").split() == ["one", "two"]
        assert somebody.ok("run", "notebook", "first", "--upper").split() == ["ONE", "TWO"]
    finally:
        workshop.uninstall("cm-plugin-notebook")
