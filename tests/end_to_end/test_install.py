"""Installing a package is all there is to it, and so is uninstalling."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import Index, Machine, must, run


@pytest.fixture(scope="module")
def bare(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A fresh environment with the core alone."""
    made = Machine(tmp_path_factory.mktemp("bare") / "venv", index)
    made.install("cmcore")
    return made


def nouns(machine: Machine, home: Path) -> set[str]:
    """Nouns that the top-level help lists."""
    text = machine.user(home).ok("--help")
    return {line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.split()}


def test_core_alone_works_and_knows_no_automation(bare: Machine, tmp_path: Path) -> None:
    user = bare.user(tmp_path / "home")
    assert user.ok("--version").startswith("cm 0.1.0")
    assert "collection" in user.ok("--help")
    line = user.refused("run", "script", "detect os")
    assert "script" in line
    assert user.cm("run", "script", "detect os").code == 4


def test_each_package_is_there_after_pip_and_gone_after_uninstall(
    bare: Machine, tmp_path: Path
) -> None:
    assert not {"script", "cache"} & nouns(bare, tmp_path / "home")
    bare.install("cm-plugin-script")
    assert nouns(bare, tmp_path / "home") >= {"script"}
    bare.install("cm-plugin-cache")
    assert nouns(bare, tmp_path / "home") >= {"script", "cache"}
    bare.uninstall("cm-plugin-script")
    assert "script" not in nouns(bare, tmp_path / "home")
    assert "cache" in nouns(bare, tmp_path / "home")
    bare.uninstall("cm-plugin-cache")
    assert not {"script", "cache"} & nouns(bare, tmp_path / "home")


def test_only_the_five_dependencies_come_with_the_core(bare: Machine) -> None:
    found = {line.split("==")[0].lower() for line in bare.pip("freeze", "--all").out.split()}
    ours = {"cmcore", "cm-plugin-script", "cm-plugin-cache"}
    allowed = {"filelock", "platformdirs", "pluggy", "pyyaml"}
    assert found - ours - {"pip", "setuptools"} == allowed


def test_short_forms_are_the_long_ones(machine: Machine, tmp_path: Path) -> None:
    user = machine.user(tmp_path / "home")
    long = user.cm("run", "script", "--tags=there,is,no,such,recipe")
    short = user.run(str(machine.bin / "cmr"), "--tags=there,is,no,such,recipe")
    assert long.code == short.code == 16, long.text
    assert long.err == short.err
    docker = user.run(str(machine.bin / "cmrd"), "--tags=x")
    assert docker.code == 4, docker.text
    assert "docker" in docker.err


def test_python_dash_m_is_the_same_command(machine: Machine, tmp_path: Path) -> None:
    user = machine.user(tmp_path / "home")
    by_module = user.run(str(machine.python), "-m", "cmcore", "--version")
    assert by_module.out == user.ok("--version")


def test_a_folder_one_stands_in_brings_no_plugin(machine: Machine, tmp_path: Path) -> None:
    """A hostile download folder must not become a plugin by being the current one."""
    here = tmp_path / "download"
    info = here / "evil-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[cmcore.plugins]\nevil = evil\n")
    (here / "evil.py").write_text("raise SystemExit('evil ran')\n")
    user = machine.user(tmp_path / "home")
    for argv in ([str(machine.bin / "cm")], [str(machine.python), "-m", "cmcore"]):
        answer = must(user.run(*argv, "plugins", "list", cwd=here))
        assert "evil" not in answer.out + answer.err, answer.text


def test_the_environment_of_the_machine_is_really_fresh(machine: Machine) -> None:
    where = run(
        [machine.python, "-c", "import cmcore; print(cmcore.__file__)"],
        env=machine.environment(machine.folder),
        cwd="/",
    )
    assert must(where).out.startswith(str(machine.folder)), where.text
