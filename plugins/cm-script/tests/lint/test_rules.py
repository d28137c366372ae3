"""What tags, variables, versions and files of a recipe may get wrong, each with its counterpart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recipe_world import World

UID = "0123456789abcdef"


def write(world: World, text: str, *, form: str = "cm", **files: str) -> Path:
    """Recipe `one`, its meta written by hand so that lines are known; tags and UID come first."""
    path = world.folder / "script/one"
    path.mkdir()
    name = "_cm.yaml" if form == "cm" else "meta.yaml"
    (path / name).write_text(f"alias: one\nuid: {UID}\ntags: [one]\n{text}")
    for file, content in files.items():
        (path / file.replace("_dot_", ".")).write_bytes(content.encode())
    return path


def told(world: World, *, level: str = "warning") -> list[tuple[str, str, int]]:
    answer = world.access("lint", "script", artifact="one", level=level)
    for finding in answer["findings"]:
        assert finding["message"]
        assert finding["fix"]
    return [(f["level"], f["rule"], f["line"]) for f in answer["findings"]]


def others(world: World) -> None:
    world.recipe("lib", variations={"x": {}, "a": {"group": "g"}, "b": {"group": "g"}, "p.#": {}})
    world.recipe("broken", variations={"v": {"base": ["nope"]}})
    world.recipe("user", deps=[{"tags": "lib", "names": ["far"]}])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Variations that cannot be chosen together.
        ("deps:\n- tags: lib,_a,_b\n", ("error", "variations-clash", 5)),
        ("deps:\n- tags: broken,_v\n", ("error", "variations-clash", 5)),
        (
            "deps:\n- {tags: 'lib,_a,_b', skip_if_env: {A: [b]}}\n",
            ("warning", "variations-clash", 5),
        ),
        # Tags that edits add.
        (
            "deps:\n- {tags: lib, names: [l]}\nvariations:\n  v: {ad: {l: {tags: _no}}}\n",
            ("error", "no-variation", 7),
        ),
        (
            "deps:\n- {tags: lib, names: [l]}\nvariations:\n  v: {adr: {l: {tags: _no}}}\n",
            ("error", "no-variation", 7),
        ),
        (
            "deps:\n- {tags: 'lib,_a', names: [l]}\nvariations:\n  v: {ad: {l: {tags: _b}}}\n",
            ("error", "variations-clash", 7),
        ),
        (
            "deps:\n- {tags: lib, names: [l]}\nversions:\n  '1': {adr: {l: {tags: other}}}\n",
            ("error", "no-recipe", 7),
        ),
        (
            "deps:\n- {tags: lib, names: [l], skip_if_env: {A: [b]}}\n"
            "variations:\n  v: {ad: {l: {tags: _no}}}\n",
            ("warning", "no-variation", 7),
        ),
        ("variations:\n  v: {adr: {far: {tags: _no}}}\n", ("warning", "no-variation", 5)),
        # Tags that variables add.
        (
            "deps:\n- tags: lib\n  update_tags_from_env_with_prefix: {_q.: [A]}\n",
            ("warning", "no-variation", 6),
        ),
        (
            "default_env: {A: z}\n"
            "deps:\n- tags: lib\n  update_tags_from_env_with_prefix: {_: [A]}\n",
            ("warning", "no-variation", 4),
        ),
        (
            "deps:\n- tags: lib\n  env: {A: _z}\n  update_tags_from_env: [A]\n",
            ("warning", "no-variation", 6),
        ),
        # Cycles.
        ("deps:\n- tags: one\n", ("error", "cycle", 5)),
        ("deps:\n- tags: one,_v\nvariations: {v: {}}\n", ("error", "cycle", 5)),
        # Versions.
        (
            "deps:\n- {tags: lib, version_min: '2', version_max: '1.9'}\n",
            ("error", "versions-clash", 5),
        ),
        (
            "deps:\n- {tags: lib, version: '3', version_max: '2.10'}\n",
            ("error", "versions-clash", 5),
        ),
        ("deps:\n- {tags: lib, version: '1', version_min: '2'}\n", ("error", "versions-clash", 5)),
        (
            "deps:\n- {tags: lib, version_max: '1', version_max_usable: '2'}\n",
            ("warning", "versions-clash", 5),
        ),
        ("version_min: '10'\nversion_max: '9'\n", ("error", "versions-clash", 4)),
        # Variables and flags.
        ("env: {B: 'a <<<NOBODY_SETS>>>'}\n", ("warning", "placeholder", 4)),
        ("env: {B: '<<< A >>>'}\n", ("warning", "placeholder", 4)),
        ("default_env: {A: 1}\nenv: {A: 2}\n", ("warning", "default-overridden", 4)),
        ("input_description: {f: {desc: x}}\n", ("warning", "flag-not-read", 4)),
        (
            "input_mapping: {f: A}\ninput_description:\n  f: {default: c, choices: [a, b]}\n",
            ("warning", "description", 6),
        ),
        # Variations.
        ("variations: {a: {}, 'b.#': {}, 'a,b.#': {}}\n", ("warning", "combination", 4)),
        ("automation_alias: cache\n", ("warning", "automation", 4)),
    ],
)
def test_one_mistake(world: World, text: str, expected: tuple[str, str, int]) -> None:
    others(world)
    write(world, text)
    assert told(world) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "deps:\n- tags: lib,_a,_x\n",
        # What an edit adds fits one of those that have the name.
        "deps:\n- {tags: lib, names: [l]}\n- {tags: other, names: [l], skip_if_env: {A: [b]}}\n"
        "variations:\n  v: {ad: {l: {tags: _x}}}\n",
        "variations:\n  v: {adr: {far: {tags: _x}}}\n",
        "variations:\n  'v.#': {adr: {far: {tags: '_q.#'}}}\n",
        "deps:\n- {tags: lib, names: [l]}\nvariations:\n  v: {ad: {l: {tags: '_q.<<<A>>>'}}}\n"
        "default_env: {A: x}\n",
        "deps:\n- tags: lib\n  update_tags_from_env_with_prefix: {_p.: [A], _: [B]}\n",
        # The dependency is left out when the variable has that value.
        "default_env: {A: z}\n"
        "deps:\n- tags: lib\n  skip_if_env: {A: [z]}\n"
        "  update_tags_from_env_with_prefix: {_: [A]}\n",
        # Its own variable comes first.
        "default_env: {A: z}\n"
        "deps:\n- tags: lib\n  env: {A: x}\n  update_tags_from_env_with_prefix: {_: [A]}\n",
        # No cycle: a condition, another entry in its place, a tag from a variable.
        "deps:\n- {tags: one, enable_if_env: {A: [b]}}\n",
        "deps:\n- {tags: one, names: [n]}\nvariations: {v: {deps: [{tags: lib, names: [n]}]}}\n",
        "deps:\n- {tags: one, update_tags_from_env: [A]}\n",
        "prehook_deps:\n- tags: one\n",
        "deps:\n- {tags: lib, version_min: '1.9', version_max: '1.10'}\n",
        "deps:\n- {tags: lib, version_min: '1', version_max: '1', version_max_usable: '1'}\n",
        "deps:\n- {tags: lib, version_min: main, version_max: '1'}\n",
        "env: {B: 'a <<<A>>>'}\ninput_mapping: {f: A}\n",
        "env: {B: '<<<CM_VERSION>>> <<<HOME>>> <<<CM_TMP_X>>>'}\n",
        "variations: {'v.#': {env: {B: '<<<A_#>>>'}}}\n",
        "default_env: {A: 1}\nvariations: {v: {env: {A: 2}}}\n",
        "default_env: {+A: [x]}\nenv: {+A: [y]}\n",
        "input_description: {input: {desc: x}, env.A: {desc: x}, adr.lib.tags: {}}\n",
        "docker: {docker_input_mapping: {f: A}}\ninput_description: {f: {desc: x}}\n",
        "input_mapping: {f: A}\ninput_description:\n  f: {default: yes, choices: ['no', 'yes']}\n",
    ],
)
def test_what_only_looks_wrong(world: World, text: str) -> None:
    others(world)
    world.recipe("other")
    write(world, text)
    assert told(world) == []


def test_notes(world: World) -> None:
    write(
        world,
        "deps:\n- {tags: one, enable_if_env: {A: [b]}, version: 3.10}\n"
        "default_env: {A: 1}\ninput_mapping: {f: A}\ninput_description: {f: {default: 2}}\n"
        "variations: {a: {group: g}}\n",
    )
    rules = [rule for _, rule, _ in told(world, level="note")]
    assert rules == ["version-as-number", "description", "group-without-default"]


def test_a_cycle_of_three_names_the_way(world: World) -> None:
    world.recipe("two", deps=[{"tags": "three"}])
    world.recipe("three", deps=[{"tags": "one"}], cache=True)
    write(world, "deps:\n- tags: two\n")
    (finding,) = world.access("lint", "script", artifact="one")["findings"]
    assert "one -> two -> three -> one" in finding["message"]
    # Who only leads into a cycle is not to blame.
    world.recipe("outside", deps=[{"tags": "one"}])
    assert world.access("lint", "script", artifact="outside")["findings"] == []
    # The engine agrees.
    assert "depends on itself" in world.run("one", quiet=True)["error"]


def test_recipes_that_are_taken_for_each_other(world: World) -> None:
    world.recipe("one", dir="twin")
    write(world, "")
    path = str(world.folder / "script/one")
    answer = world.access("lint", "script", artifact=path)
    assert [f["rule"] for f in answer["findings"]] == ["alias-twice", "tags-twice"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def preprocess(i):\n    return {'return': 0}\n", []),
        ("def preprocess(i):\n    raise ValueError\n", []),
        ("def preprocess(i, more=1, *rest, flag=2):\n    return {'return': 0}\n", []),
        ("def helper():\n    pass\n", []),
        (
            "def preprocess(i):\n    if i:\n        return {'return': 0}\n    else:\n"
            "        try:\n            return {}\n        except OSError:\n            raise\n",
            [],
        ),
        ("def preprocess(i):\n    while True:\n        if i:\n            return {}\n", []),
        ("def preprocess(i):\n    with i:\n        return {}\n", []),
        (
            "def preprocess(i):\n    def g():\n        return\n    return g\n",
            [],
        ),
        ("def preprocess(i):\n    i['a'] = 1\n", [("warning", "hook", 1)]),
        ("def preprocess(i):\n    if i:\n        return {}\n", [("warning", "hook", 1)]),
        (
            "def preprocess(i):\n    if i:\n        return\n    return {}\n",
            [("warning", "hook", 1)],
        ),
        ("def preprocess(i):\n    while True:\n        break\n", [("warning", "hook", 1)]),
        ("def postprocess(i, j):\n    return {}\n", [("error", "hook", 1)]),
        ("def postprocess():\n    return {}\n", [("error", "hook", 1)]),
        ("def postprocess(i, *, j):\n    return {}\n", [("error", "hook", 1)]),
        ("def preproces(i):\n    return {}\n", [("warning", "hook", 1)]),
        ("def pre_process(i):\n    return {}\n", [("warning", "hook", 1)]),
        ("def pre_process(i):\n    return {}\ndef preprocess(i):\n    return pre_process(i)\n", []),
        (
            "def preprocess(i):\n    return {}\ndef preprocess(i):\n    return {}\n",
            [("warning", "hook", 3)],
        ),
        (
            "def preprocess(i):\n"
            "    return i['automation'].run_native_script({'script_name': 'go'})\n",
            [("warning", "no-script", 2)],
        ),
        (
            "def preprocess(i):\n"
            "    return i['automation'].run_native_script({'script_name': 'run'})\n",
            [],
        ),
        ("def preprocess(i):\n    return {\n", [("error", "python", 2)]),
    ],
)
def test_hooks(world: World, code: str, expected: list[tuple[str, str, int]]) -> None:
    write(world, "", customize_dot_py=code, run_dot_sh="true\n", run_dot_bat="")
    assert told(world) == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("run", "#!/bin/bash\necho 'a'\n", []),
        ("run", "cat <<E\nunfinished\n", []),  # bash only warns
        ("run", "if true; then\n", ("error", "shell", 2)),
        ("run-ubuntu", "fi\n", ("error", "shell", 1)),
        ("validate_cache", "(\n", ("error", "shell", 2)),
        ("go", "fi\n", ("error", "shell", 1)),
        ("helper", "fi\n", ("warning", "shell", 1)),
        ("run", "echo\r\n", ("warning", "shell", 1)),
        ("run", "if true; then\r\necho\r\nfi\r\n", ("error", "shell", 1)),
        ("run", "#!/usr/bin/env python3\nimport os\n", ("warning", "shell", 1)),
        ("helper", "#!/usr/bin/env -S python3\nimport os (\n", []),
    ],
)
def test_native_scripts(world: World, file: str, text: str, expected: Any) -> None:
    path = write(world, "variations: {v: {script_name: go}}\n")
    for name in ("run.sh", "run.bat", "go.sh", f"{file}.sh"):
        (path / name).write_text("true\n")
    (path / f"{file}.sh").write_bytes(text.encode())
    assert told(world) == ([expected] if expected else [])


def test_a_tab_is_named(world: World) -> None:
    path = write(world, "env:\n\tA: 1\n")
    answer = world.access("lint", "script", artifact=str(path))
    (finding,) = answer["findings"]
    assert (finding["rule"], finding["line"]) == ("syntax", 5)
    assert "tabs" in finding["fix"]


def test_places_have_columns(world: World) -> None:
    path = write(world, "deps:\n- tags: nobody\n- {tags: nobody}\n")
    found = world.access("lint", "script", artifact="one")["findings"]
    assert [(f["line"], f["column"]) for f in found] == [(5, 3), (6, 4)]
    answer = world.access("lint", "script", artifact="one", format="text")
    assert answer["return"] == 1
    assert str(path / "_cm.yaml") in found[0]["file"]
