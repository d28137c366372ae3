"""Keys without effect are named when the recipe runs, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from recipe_world import World

from cm_script import metakeys
from cm_script.lint import shape


def warnings(
    world: World, capsys: pytest.CaptureFixture[str], tags: str, **flags: Any
) -> list[str]:
    answer = world.run(tags, quiet=True, **flags)
    assert answer["return"] == 0, answer
    lines = capsys.readouterr().err.splitlines()
    return [line.partition("warning: ")[2] for line in lines if "has no effect" in line]


def test_the_lists_are_those_of_the_schema() -> None:
    definitions = shape.schema()["$defs"]
    assert set(shape.schema()["properties"]) == metakeys.RECIPE
    assert set(definitions["variation"]["properties"]) == metakeys.VARIATION
    assert set(definitions["dependency"]["properties"]) == metakeys.DEPENDENCY


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_each_kind_of_key(world: World, capsys: pytest.CaptureFixture[str], form: str) -> None:
    world.recipe("lib", form=form)
    world.recipe(
        "tool",
        form=form,
        uid="00000000000000aa",
        cahce=True,
        docker_off={},
        variations={
            "a": {"default-variations": {}, "env1": {}},
            "b": {"alis": "a"},
            "p.#": {"Env": {}},
            "a,p.#" if form == "mlc" else "a,p.3": {"bases": []},
        },
        deps=[{"tags": "lib", "force-cache": True}, {"tags": "lib", "name": "flag of the engine"}],
    )
    name = "recipe tool,00000000000000aa: "
    top = name + "'cahce' is no key of a recipe and has no effect; did you mean 'cache'?"
    entry = (
        name + "'force-cache' is no key of its dependency on lib and has no effect; "
        "did you mean 'force_cache'?"
    )
    assert warnings(world, capsys, "tool") == [top, entry]
    said = warnings(world, capsys, "tool,_a,_p.3")
    assert [line.partition("'")[2].partition("'")[0] for line in said] == [
        "cahce", "default-variations", "Env", "bases", "force-cache",
    ]  # fmt: skip
    assert "of variation 'a' and has no effect; did you mean 'default_variations'?" in said[1]


def test_it_is_said_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.recipe("lib", cahce=True)
    world.recipe("tool", deps=[{"tags": "lib"}, {"tags": "lib"}], post_deps=[{"tags": "lib"}])
    assert len(warnings(world, capsys, "tool")) == 1


def test_flags_for_a_dependency_are_keys_of_its_entry(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.recipe(
        "lib",
        input_mapping={"mapped": "CM_MAPPED"},
        input_description={"described": {}},
        customize="def preprocess(i):\n    i['input'].get('read')\n    return {'return': 0}\n",
    )
    flags = {"mapped": 1, "described": 1, "read": 1, "skip_cache": True, "version": "1"}
    world.recipe("tool", deps=[{"tags": "lib", "names": ["n"], "env": {"CM_A": 1}, **flags}])
    assert warnings(world, capsys, "tool") == []


def test_calls_of_recipe_code_are_no_entries(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.recipe("lib")
    code = (
        "import cmind\n\ndef preprocess(i):\n"
        "    return cmind.access({'action': 'run', 'automation': 'script', 'tags': 'lib',\n"
        "                         'force-cache': 1, 'env': i['env']})\n"
    )
    world.recipe("tool", customize=code)
    assert warnings(world, capsys, "tool") == []


def test_the_ordinary_way_imports_no_linter(world: World) -> None:
    import subprocess
    import sys

    world.recipe("tool", variations={"a": {}})
    code = (
        "import sys, cmcore\n"
        "r = cmcore.access({'action': 'run', 'automation': 'script', 'tags': 'tool,_a'})\n"
        "assert r['return'] == 0, r\n"
        "print([n for n in sys.modules if n.startswith('cm_script.lint') or n == 'difflib'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=world.environ,
        cwd=world.here,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
