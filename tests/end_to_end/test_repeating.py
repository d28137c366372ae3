"""What `cm doc script --format=readme|notebook` writes is run as it stands, on a new machine."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from kit import CHECKOUT, Answer, Index, User, must, run, write_tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES: dict[str, str | dict[str, Any]] = {
    "cmr.yaml": "alias: lesson\nuid: 5b0ff1c9a8d74e31\n",
    "script/get-number/_cm.json": {
        "alias": "get-number",
        "uid": "3b7c0d1e5f6a4b82",
        "tags": ["get", "number"],
        "cache": True,
        "new_env_keys": ["CM_NUMBER"],
    },
    "script/get-number/run.sh": "echo CM_NUMBER=42 > tmp-run-env.out\n",
    "script/tell-number/_cm.json": {
        "alias": "tell-number",
        "uid": "77c2a1f0d9e84b15",
        "tags": ["tell", "number"],
        "deps": [{"tags": "get,number"}],
        "input_mapping": {"words": "CM_WORDS", "where": "CM_WHERE"},
    },
    "script/tell-number/run.sh": 'echo "$CM_WORDS $CM_NUMBER" > "$CM_WHERE"\n',
}
#: Executes a notebook but for its cells with one tag, and keeps what came out of it.
EXECUTE = """import sys, nbformat
from nbclient import NotebookClient
found = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(found)
found.cells = [c for c in found.cells if "container" not in c.metadata.get("tags", [])]
try:
    NotebookClient(found, timeout=500, kernel_name="python3").execute()
finally:
    nbformat.write(found, sys.argv[2])
"""
WORDS = 'it\'s $HOME "now":'


@pytest.fixture
def asked(user: User, tmp_path: Path) -> list[str]:
    """Words behind `cm doc script`; the collection is registered where they are said."""
    user.ok("add", "collection", str(write_tree(tmp_path / "recipes", RECIPES)))
    where = tmp_path / "told.txt"
    return ["tell number", f"--words={WORDS}", f"--where={where}", "--gh_token=planted-secret"]


def sh_blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def stranger(index: Index, folder: Path, **extra: str) -> tuple[Path, dict[str, str]]:
    """Somebody else's new home, and the environment of a shell there: no cm, an index for pip."""
    folder.mkdir()
    block = {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "CM_HOME": str(folder / "cm"),
        "LANG": "C.UTF-8",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.url,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return folder, {**block, **extra}


def told(tmp_path: Path) -> str:
    return (tmp_path / "told.txt").read_text()


@pytest.mark.network
def test_a_readme_is_run_by_a_shell(
    user: User, index: Index, asked: list[str], tmp_path: Path
) -> None:
    page = tmp_path / "README.md"
    user.ok("doc", "script", *asked, "--format=readme", f"--output={page}")
    text = page.read_text()
    assert "planted" not in text
    native, _, container = text.partition("## Run in a container")
    assert "cm docker script" in container
    commands = "".join(sh_blocks(native))
    home, env = stranger(index, tmp_path / "stranger")

    def shell(**more: str) -> Answer:
        return run(["sh", "-e", "-c", commands], cwd=home, env={**env, **more})

    refused = shell()
    assert refused.code != 0
    assert "set GH_TOKEN first" in refused.err
    assert not (tmp_path / "told.txt").exists()
    answer = must(shell(GH_TOKEN="mine"))
    assert told(tmp_path) == f"{WORDS} 42\n"
    assert "get-number" in answer.out
    assert (home / "cm-env" / "bin" / "cm").is_file()
    assert list((home / "cm" / "cache").glob("*/_cm.json"))


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that can execute notebooks."""
    folder = tmp_path_factory.mktemp("jupyter") / "venv"
    must(run([sys.executable, "-m", "venv", folder]))
    python = folder / "bin" / "python"
    project = (CHECKOUT / "pyproject.toml").read_bytes()
    wanted = tomllib.loads(project.decode())["dependency-groups"]["notebook"]
    got = run([python, "-m", "pip", "install", "--quiet", *wanted], timeout=500)
    if got.code:
        pytest.skip(f"nbclient and ipykernel cannot be installed: {got.err.strip()[-200:]}")
    return python


def executed(jupyter: Path, notebook: Path, home: Path, env: dict[str, str]) -> Answer:
    block = {**env, "GH_TOKEN": "mine"}
    script = [jupyter, "-c", EXECUTE, notebook, home / "out.ipynb"]
    return run(script, cwd=home, env=block, timeout=550)


def counts(notebook: Path) -> dict[str, Any]:
    """Cell -> its number in the order of execution, None when it was not executed."""
    cells = json.loads(notebook.read_text())["cells"]
    return {cell["id"]: cell["execution_count"] for cell in cells if cell["cell_type"] == "code"}


@pytest.mark.network
@pytest.mark.slow
def test_a_notebook_is_executed_by_jupyter(
    user: User, index: Index, asked: list[str], tmp_path: Path, jupyter: Path
) -> None:
    file = tmp_path / "run.ipynb"
    user.ok("doc", "script", *asked, "--format=notebook", f"--output={file}")
    assert "planted" not in file.read_text()
    home, env = stranger(index, tmp_path / "stranger")
    must(executed(jupyter, file, home, env))
    assert told(tmp_path) == f"{WORDS} 42\n"
    found = counts(home / "out.ipynb")
    assert list(found) == [
        "install",
        "install-path",
        "secrets",
        "collections",
        "plan",
        "run",
        "cache",
    ]
    assert all(found.values())
    assert "get-number" in (home / "out.ipynb").read_text()


@pytest.mark.network
@pytest.mark.slow
def test_a_notebook_stops_where_a_command_fails(
    user: User, index: Index, asked: list[str], tmp_path: Path, jupyter: Path
) -> None:
    file = tmp_path / "run.ipynb"
    user.ok("doc", "script", *asked, "--format=notebook", f"--output={file}")
    (tmp_path / "recipes" / "script" / "get-number" / "run.sh").write_text("exit 7\n")
    home, env = stranger(index, tmp_path / "stranger")
    assert executed(jupyter, file, home, env).code != 0
    found = counts(home / "out.ipynb")
    assert found["plan"]
    assert found["run"]
    assert not found["cache"]
    assert not (tmp_path / "told.txt").exists()
