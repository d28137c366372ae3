"""Each mistake is found at its place, and what is right is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recipe_world import World

UID = "0123456789abcdef"


def meta(world: World, text: str, *, name: str = "one", form: str = "cm", **files: str) -> Path:
    """A recipe whose meta is written by hand, so that its lines are known."""
    path = world.folder / "script" / name
    path.mkdir()
    (path / ("_cm.yaml" if form == "cm" else "meta.yaml")).write_text(text)
    for file, content in files.items():
        (path / file.replace("_", ".")).write_text(content)
    return path


def lint(world: World, *words: str, **flags: Any) -> dict[str, Any]:
    return world.access("lint", "script", artifacts=list(words), **{"level": "note", **flags})


def told(answer: dict[str, Any]) -> list[tuple[str, str, int, str]]:
    return [(f["level"], f["rule"], f["line"], f["key"]) for f in answer["findings"]]


def findings(world: World, text: str, form: str = "cm") -> list[tuple[str, str, int, str]]:
    """Findings of a recipe `one` with tags `one` and the lines of `text` from line 4 on."""
    meta(world, f"alias: one\nuid: {UID}\ntags: [one]\n{text}", form=form)
    world.recipe("target")
    return told(lint(world, "one"))


def test_a_recipe_without_mistakes(world: World) -> None:
    world.recipe("other", variations={"x.#": {}}, input_mapping={"revision": "CM_REVISION"})
    text = """cache: true
deps:
- tags: other,_x.5
  names: [o]
  revision: main
  enable_if_env: {CM_A: [yes]}
  skip_if_env: {CM_A: [other]}
variations:
  a: {group: g, default: true, env: {CM_B: 1}}
  b: {group: g, base: [n.3], ad: {o: {tags: _x.6}}}
  n.#: {}
  a,n.3: {default_variations: {g: a}}
tests:
  run_inputs:
  - variations_list: ["b,_n.4"]
"""
    assert findings(world, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cahce: true\n", ("error", "unknown-key", 4, "cahce")),
        ("surprise: 1\n", ("warning", "unknown-key", 4, "surprise")),
        ("docker_off: {}\n", ("note", "unknown-key", 4, "docker_off")),
        ("gui: {}\n", ("note", "dead-key", 4, "gui")),
        ("deps: other\n", ("error", "type", 4, "deps")),
        ("env:\n  CM_A: {b: 1}\n", ("error", "type", 5, "env.CM_A")),
        ("docker:\n  al_gpus: yes\n", ("error", "unknown-key", 5, "docker.al_gpus")),
        ("versions:\n  '1':\n    en: {}\n", ("warning", "unknown-key", 6, "versions.1.en")),
        (
            "input_description:\n  f: {desk: x}\n",
            ("warning", "unknown-key", 5, "input_description.f.desk"),
        ),
        ("tests: {run_input: []}\n", ("error", "unknown-key", 4, "tests.run_input")),
        (
            "tests:\n  run_inputs:\n  - {variation_list: []}\n",
            ("error", "unknown-key", 6, "tests.run_inputs[0].variation_list"),
        ),
        (
            "deps:\n- tags: target\n  force-cache: true\n",
            ("error", "unknown-key", 6, "deps[0].force-cache"),
        ),
        (
            "variations:\n  a: {default-variations: {}}\n",
            ("error", "unknown-key", 5, "variations.a.default-variations"),
        ),
        ("deps:\n- names: [a]\n", ("warning", "dependency-without-tags", 5, "deps[0]")),
        ("deps:\n- tags: nobody\n", ("error", "no-recipe", 5, "deps[0].tags")),
        (
            "deps:\n- tags: nobody\n  skip_if_env: {A: [b]}\n",
            ("warning", "no-recipe", 5, "deps[0].tags"),
        ),
        (
            "docker:\n  deps:\n  - tags: nobody\n",
            ("warning", "no-recipe", 6, "docker.deps[0].tags"),
        ),
        ("deps:\n- tags: one,_no\n", ("error", "no-variation", 5, "deps[0].tags")),
        ("deps:\n- tags: one,-one\n", ("error", "tags", 5, "deps[0].tags")),
        ("deps:\n- {tags: target, names: a}\n", ("warning", "names-as-text", 5, "deps[0].names")),
        (
            "variations:\n  a: {ad: {o: {tags: x}}}\n",
            ("error", "no-such-dependency", 5, "variations.a.ad.o"),
        ),
        (
            "variations:\n  a: {adr: {o: {tags: x}}}\n",
            ("warning", "no-such-dependency", 5, "variations.a.adr.o"),
        ),
        ("variations:\n  a: {adr: {o: text}}\n", ("error", "type", 5, "variations.a.adr.o")),
        (
            "variations:\n  a: {base: [nope]}\n",
            ("error", "unknown-variation", 5, "variations.a.base"),
        ),
        (
            "variations:\n  a: {alias: nope}\n",
            ("error", "unknown-variation", 5, "variations.a.alias"),
        ),
        (
            "variations:\n  a: {}\n  b: {alias: a, group: g}\n",
            ("error", "alias-in-group", 6, "variations.b.group"),
        ),
        (
            "variations:\n  a: {default_variations: {g: a}}\n",
            ("error", "unknown-group", 5, "variations.a.default_variations.g"),
        ),
        (
            "variations:\n  a: {group: g, default_variations: {g: b}}\n",
            ("error", "unknown-variation", 5, "variations.a.default_variations.g"),
        ),
        (
            "variations:\n  a: {group: g, default: true}\n  b: {group: g, default: true}\n",
            ("error", "two-defaults", 6, "variations.b.default"),
        ),
        (
            "variations:\n  a: {group: g, default: false}\n",
            ("warning", "default-off", 5, "variations.a.default"),
        ),
        (
            "variations:\n  a: {default: true}\n",
            ("warning", "default-without-group", 5, "variations.a.default"),
        ),
        (
            "variations:\n  a: {}\n  a,b: {}\n",
            ("warning", "combination", 6, "variations.a,b"),
        ),
        (
            "variations:\n  a: {group: g}\n  b: {group: g}\n  a,b: {}\n",
            ("warning", "combination", 7, "variations.a,b"),
        ),
        (
            "tests:\n  run_inputs:\n  - variations_list: [a]\n",
            ("error", "unknown-variation", 6, "tests.run_inputs[0].variations_list[0]"),
        ),
        (
            "deps:\n- tags: one\n  enable_if_env: {A: []}\n",
            ("warning", "dead-condition", 6, "deps[0].enable_if_env.A"),
        ),
        (
            "deps:\n- tags: one\n  enable_if_env: {A: ['b ']}\n",
            ("warning", "dead-condition", 6, "deps[0].enable_if_env.A"),
        ),
        (
            "deps:\n- tags: one\n  enable_if_env: {A: [b]}\n  skip_if_env: {A: [yes]}\n",
            ("warning", "dead-condition", 7, "deps[0].skip_if_env.A"),
        ),
        (
            "deps:\n- tags: one\n  enable_if_env: {A: 'on'}\n",
            ("note", "condition-as-value", 6, "deps[0].enable_if_env.A"),
        ),
        ("script_name: go\n", ("error", "no-script", 4, "script_name")),
        ("cache: true\ncache: false\n", ("error", "repeated-key", 5, "cache")),
        ("cache: true\ncache: true\n", ("warning", "repeated-key", 5, "cache")),
    ],
)
def test_one_mistake(world: World, text: str, expected: tuple[str, str, int, str]) -> None:
    found = findings(world, text)
    assert expected in found
    assert all(level in ("warning", "note") for level, *_ in found if (level, *_) != expected)


@pytest.mark.parametrize(
    "text",
    [
        "deps:\n- tags: one\n  enable_if_env: {A: [yes]}\n  skip_if_env: {A: [b]}\n",
        "deps:\n- tags: one\n  enable_if_env: {A: [b]}\n  skip_if_env: {A: [yes], B: [c]}\n",
        "deps:\n- tags: one\n  enable_if_env: {A: ['']}\n  skip_if_env: {A: [yes]}\n",
        "deps:\n- tags: one,_package.<<<CM_NAME>>>\n",
        "variations:\n  v.#:\n    deps:\n    - tags: 'one,_v.#'\n",
        "deps:\n- {tags: target, names: [a]}\nvariations:\n  v: {ad: {a: {version: '1'}}}\n",
        "env: null\nvariations:\n  a: null\n",
    ],
)
def test_what_only_looks_wrong(world: World, text: str) -> None:
    assert findings(world, text) == []


def test_a_value_as_condition_is_right_in_mlcflow(world: World) -> None:
    text = "deps:\n- tags: one\n  enable_if_env: {A: 'on'}\n"
    assert findings(world, text, form="mlc") == []


def test_messages_name_what_was_meant(world: World) -> None:
    world.recipe("fetch", variations={"url.#": {}})
    meta(world, f"uid: {UID}\ntags: [one]\ncahce: 1\ndeps:\n- tags: fetch,url.http://x\n")
    fixes = [f["fix"] for f in lint(world, "one")["findings"]]
    assert fixes == ["write 'cache'", "'url.http://x' is a variation: write '_url.http://x'"]


def test_identity(world: World) -> None:
    meta(world, "alias: two\nuid: xyz\ntags: [_a, 5]\n", name="one")
    found = told(lint(world, str(world.folder / "script/one")))
    assert found == [
        ("note", "alias-and-folder", 1, "alias"),
        ("error", "uid", 2, "uid"),
        ("warning", "tags", 3, "tags[0]"),
        ("warning", "tags", 3, "tags[1]"),
    ]
    meta(world, "alias: three\n", name="three")
    found = told(lint(world, "three"))
    assert found == [("error", "missing-key", 1, "")] * 2


def test_a_uid_used_twice(world: World) -> None:
    meta(world, f"uid: {UID}\ntags: [one]\n")
    meta(world, f"uid: {UID.upper()}\ntags: [two]\n", name="two")
    answer = lint(world)
    assert [(f["rule"], f["line"]) for f in answer["findings"]] == [("uid-twice", 1)] * 2
    assert answer["return"] == 1


def test_files_that_cannot_be_read(world: World) -> None:
    bad = meta(world, "tags: [one\nuid: x\n")
    code = meta(world, f"uid: {UID}\ntags: [two]\n", name="two", customize_py="def f(:\n")
    found = [(f["rule"], f["file"], f["line"]) for f in lint(world, str(world.folder))["findings"]]
    assert found == [
        ("syntax", str(bad / "_cm.yaml"), 2),
        ("python", str(code / "customize.py"), 1),
    ]


def test_json_metas_have_lines(world: World) -> None:
    path = world.folder / "script/one"
    path.mkdir()
    (path / "meta.json").write_text('{\n "uid": "0123456789abcdef",\n "tags": 5\n}\n')
    assert told(lint(world, "one")) == [("error", "type", 3, "tags")]
    (path / "meta.json").write_text('{\n "uid":\n}\n')
    (finding,) = lint(world, str(path))["findings"]
    assert (finding["rule"], finding["line"]) == ("syntax", 3)


def test_a_native_step_for_one_platform(world: World) -> None:
    path = meta(world, f"uid: {UID}\ntags: [one]\nscript_name: go\n", run_sh="", go_sh="")
    assert told(lint(world, "one")) == [("note", "one-platform", 0, "")]
    (path / "run.bat").write_text("")
    assert told(lint(world, "one")) == []


def test_recipes_that_nobody_registered_know_each_other(world: World, tmp_path: Path) -> None:
    for name, text in (("a", "deps:\n- tags: bee\n"), ("b", "")):
        path = tmp_path / "elsewhere/script" / name
        path.mkdir(parents=True)
        tag = "bee" if name == "b" else "aye"
        (path / "_cm.yaml").write_text(f"uid: 000000000000000{name}\ntags: [{tag}]\n{text}")
    assert lint(world, str(tmp_path / "elsewhere"))["findings"] == []
    assert lint(world, str(tmp_path / "elsewhere/script/a/_cm.yaml"))["findings"] == []


def test_levels_and_exit_code(world: World) -> None:
    meta(world, f"uid: {UID}\ntags: [one]\nsurprise: 1\ngui: {{}}\n")
    answer = lint(world, "one", level="error")
    assert (answer["return"], answer["findings"]) == (0, [])
    assert answer["counts"] == {"error": 0, "warning": 1, "note": 1}
    assert [f["level"] for f in lint(world, "one", level="warning")["findings"]] == ["warning"]
    assert lint(world, "one", level="bad")["return"] == 4
    assert lint(world, "nobody")["return"] == 16


def test_tags_select_what_is_linted(world: World) -> None:
    world.recipe("first", tags=["a", "b"])
    world.recipe("second", tags=["a"])
    assert lint(world, "a b")["recipes"] == 1
    assert lint(world, tags="a")["recipes"] == 2
    assert lint(world, "first", "second")["recipes"] == 2
    assert lint(world)["recipes"] == 2
