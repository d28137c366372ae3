"""A checkout that somebody works in is what runs in the container, too."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from boxes import BASE, Person
from kit import CHECKOUT, must
from real_switch import EVERYTHING

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(not EVERYTHING, reason="CMCORE_TEST_CONTAINERS=all runs it"),
]

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


def test_an_editable_checkout(caller: Person, ground: Path) -> None:
    """The one package of an environment that is installed from a folder, and changed there."""
    folder = ground / "editable"
    without = shutil.ignore_patterns("tests", "__pycache__", "dist")
    shutil.copytree(CHECKOUT / "plugins/cm-script", folder / "cm-script", ignore=without)
    for package in ("cmcore", "plugins/cm-cache", "plugins/cm-docker"):
        shutil.copytree(CHECKOUT / package, folder / Path(package).name, ignore=without)
    module = folder / "cm-script" / "src" / "cm_script" / "__init__.py"
    module.write_text(module.read_text() + '\nMARK = "changed here"\n')
    python = folder / "venv" / "bin" / "python"
    must(caller.run(caller.station.bin / "python", "-m", "venv", folder / "venv"))
    # The index has no build back end: what builds wheels comes from where the tests found it.
    block = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    block |= {"PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")}
    block |= {"PIP_CONFIG_FILE": os.environ.get("PIP_CONFIG_FILE", "/etc/pip.conf")}
    packages = [folder / name for name in ("cmcore", "cm-script", "cm-cache", "cm-docker")]
    editable = [word for package in packages for word in ("-e", str(package))]
    must(caller.run(python, "-m", "pip", "install", "--quiet", *editable, env=block))
    probe = "python -c 'import cm_script; print(cm_script.MARK)'"
    words = ["docker", "script", "--tags=use,tool", *GIVEN, f"--docker.pre_run_cmds={probe}"]
    env = {**block, "CM_HOME": str(folder / "home")}
    cm = folder / "venv" / "bin" / "cm"
    must(caller.run(cm, "add", "collection", ground / "trials", env=env))
    answer = must(caller.run(cm, *words, env=env))
    assert "changed here" in answer.out + answer.err, answer.text
    assert json.loads(must(caller.run(cm, "ls", "collection", "--out=json", env=env)).out)
