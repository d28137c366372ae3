"""What the repository says about itself must be true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kit import CHECKOUT, PACKAGES, must, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = re.findall(r"<!-- test command -->\n```sh\n(.+)\n```", _text("README.md"))
    assert command in _text(".ci/run").splitlines()


def test_readme_shows_the_command_that_sets_up_and_runs() -> None:
    (command,) = re.findall(r"<!-- demo command -->\n```sh\n(.+)\n```", _text("README.md"))
    assert command == "sh ./demo"
    assert (CHECKOUT / "demo").is_file()


@pytest.mark.parametrize("package", [*PACKAGES, "plugins/cm-docker", "plugins/cm-mlperf"])
def test_packages_are_alike(package: str) -> None:
    project = tomllib.loads(_text(f"{package}/pyproject.toml"))["project"]
    assert project["requires-python"] == ">=3.10"
    assert project["license"] == "Apache-2.0"
    assert _text(f"{package}/LICENSE") == _text("LICENSE")
    assert (CHECKOUT / package / "README.md").is_file()
    (source,) = (path for path in (CHECKOUT / package / "src").iterdir() if path.is_dir())
    assert (source / "py.typed").is_file()
    assert json.loads((source / "cm-plugin.json").read_text())["manifest"] == 1


def test_the_core_depends_on_five_packages() -> None:
    wanted = tomllib.loads(_text("cmcore/pyproject.toml"))["project"]["dependencies"]
    names = {re.split(r"[<>=~!; ]", word)[0].lower() for word in wanted}
    assert names == {"filelock", "platformdirs", "pluggy", "pyyaml"}


def test_hook_reference_is_current(tmp_path: Path) -> None:
    script = CHECKOUT / "docs/generate_hooks.py"
    made = must(run([sys.executable, script, "--print"])).out
    assert made == _text("docs/reference/hooks.md"), "run: nox -s docs"


def test_every_hook_is_documented() -> None:
    from cmcore.hookspecs import CmSpecs

    page = _text("docs/reference/hooks.md")
    hooks = [name for name in vars(CmSpecs) if name.startswith("cm_")]
    assert len(hooks) > 20
    for name in hooks:
        assert f"### {name}(" in page, name
        assert "Example::" in (vars(CmSpecs)[name].__doc__ or ""), name


def test_links_in_documents_lead_somewhere() -> None:
    broken = []
    for name in _tracked("*.md"):
        page = CHECKOUT / name
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{name}: {target}")
    assert broken == []


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    here = Path(__file__).relative_to(CHECKOUT).as_posix()
    found = [
        f"{name}: {word}"
        for name in _tracked("*.py", "*.md", "*.toml", "*.json")
        if name != here
        for word in words.findall((CHECKOUT / name).read_text("utf-8"))
    ]
    assert found == []


def test_no_downloaded_recipe_is_committed() -> None:
    names = _tracked("*customize.py", "*_cm.yaml", "*meta.yaml")
    ours = ("tests/", "cmcore/tests/", "plugins/cm-script/tests/", "plugins/cm-cache/tests/")
    ours += ("plugins/cm-mlperf/",)  # recipes of our own
    assert [name for name in names if not name.startswith(ours)] == []


def _text(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


def _tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a Git checkout: what belongs to the repository is unknown")
    return [name for name in listed.stdout.split("\0") if name and (CHECKOUT / name).is_file()]
