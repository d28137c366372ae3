"""`cm add script --template`: each template gives a recipe that lints clean and runs."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from recipe_world import World

FORMS = ("cm", "mlc")


def add(world: World, name: str = "my-tool", **flags: Any) -> dict[str, Any]:
    answer = world.access("add", "script", artifact=name, **flags)
    assert answer["return"] == 0, answer
    return answer


def variables(world: World, **flags: Any) -> dict[str, str]:
    """What the recipe exports, names without the dialect's prefix and the recipe's name."""
    answer = world.access("run", "script", artifact="my-tool", quiet=True, **flags)
    assert answer["return"] == 0, answer
    return {key.partition("MY_TOOL_")[2]: value for key, value in answer["new_env"].items()}


def check(world: World) -> None:
    answer = world.access("lint", "script", artifact="my-tool", level="note")
    # They are for Unix: a note.
    assert {finding["rule"] for finding in answer["findings"]} <= {"one-platform"}
    assert answer["counts"] == {"error": 0, "warning": 0, "note": len(answer["findings"])}
    assert answer["recipes"] == 1


def make_wheel(folder: Path) -> Path:
    """A package with nothing in it, which installs without a network."""
    path = folder / "tiny_thing-1.5-py3-none-any.whl"
    info = "tiny_thing-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_thing.py", "")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.5\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_native(world: World, form: str) -> None:
    answer = add(world, template="native", form=form)
    assert (Path(answer["path"]) / ("_cm.yaml" if form == "cm" else "meta.yaml")).is_file()
    check(world)
    found = variables(world, greeting="$(date) `id`", artifacts=["_loud"])
    assert found["TEXT"].startswith("$(date) `id` from ")
    assert found["TEXT"].endswith("!")
    answer = world.access("test", "script", artifact="my-tool")
    assert answer["counts"] == {"passed": 2, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("form", FORMS)
def test_python(world: World, form: str) -> None:
    add(world, template="python", form=form)
    check(world)
    assert variables(world, count="4") == {"COUNT": "4", "SUM": "10"}
    answer = world.access("run", "script", artifact="my-tool", count="x")
    assert "must be a number" in answer["error"]
    assert world.access("test", "script", artifact="my-tool")["return"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_pip_tool(world: World, tmp_path: Path, form: str) -> None:
    wheel = make_wheel(tmp_path)
    add(world, template="pip-tool", form=form, package=str(wheel))
    check(world)
    env = {f"{form.upper()}_PYTHON_BIN_WITH_PATH": sys.executable}
    found = variables(world, env=env)
    assert found["VERSION"] == "1.5"
    assert Path(found["BIN_PATH"], "python").exists()
    assert variables(world, env=env) == found
    assert len(world.entries()) == 1


@pytest.mark.parametrize("form", FORMS)
def test_download(world: World, tmp_path: Path, form: str) -> None:
    source = tmp_path / "data.txt"
    source.write_bytes(b"something")
    checksum = hashlib.sha256(b"something").hexdigest()
    add(world, template="download", form=form, url=source.as_uri(), sha256=checksum)
    check(world)
    found = variables(world)
    assert Path(found["PATH"]).read_bytes() == b"something"
    source.unlink()
    assert variables(world)["PATH"] == found["PATH"], "it stays in the cache"
    answer = world.access("run", "script", artifact="my-tool", new=True)
    assert "cannot fetch" in answer["error"]
    source.write_bytes(b"something else")
    answer = world.access("run", "script", artifact="my-tool", new=True)
    assert "has checksum" in answer["error"]


@pytest.mark.parametrize("form", FORMS)
def test_paper(world: World, form: str) -> None:
    path = Path(add(world, template="paper", form=form)["path"])
    check(world)
    assert world.access("test", "script", artifact="my-tool")["return"] == 0
    variables(world, artifacts=["_run"])
    assert (world.here / "results.json").is_file()
    (path / "published.json").write_text('{"pi": 4.0}')
    answer = world.access("run", "script", artifact="my-tool", artifacts=["_compare"])
    assert answer["return"] == 2
    assert world.access("run", "script", artifact="my-tool", tolerance="0.5")["return"] == 0


def test_names_and_values_reach_the_meta_as_text(world: World) -> None:
    name = "it's {a} #1"
    url = "https://example.org/a'b\"c: #d"
    add(world, name, template="download", url=url, tags="my,tool")
    answer = world.access("load", "script", artifact=name)
    assert answer["meta"]["alias"] == name
    assert url in answer["meta"]["default_env"].values()
    assert world.access("lint", "script", tags="my,tool")["findings"] == []


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        ("x", {"template": "natve"}, "did you mean 'native'"),
        ("x", {"template": "native", "url": "y"}, "belongs to --template=download"),
        ("x", {"url": "y"}, "belongs to --template=download"),
        ("x", {"template": "download", "url": True}, "needs a value"),
        ("x", {"template": "native", "json": True}, "do not go together"),
        ("a/b", {"template": "native"}, "holds '/'"),
        ("_", {"template": "native"}, "no tags can be made"),
        ("", {"template": "native"}, "needs a name"),
        ("x", {"template": "native", "form": "yaml"}, "cm or mlc"),
    ],
)
def test_refused(world: World, name: str, flags: dict[str, Any], said: str) -> None:
    answer = world.access("add", "script", artifact=name, **flags)
    assert answer["return"] == 4
    assert said in answer["error"] + answer.get("hint", "")
    assert world.access("find", "script")["list"] == []


def test_a_name_twice(world: World) -> None:
    add(world, template="native")
    before = world.access("load", "script", artifact="my-tool")["meta"]
    answer = world.access("add", "script", artifact="my-tool", template="paper")
    assert answer["return"] == 8
    assert world.access("load", "script", artifact="my-tool")["meta"] == before


def test_without_a_template_it_is_the_common_action(world: World) -> None:
    answer = add(world, "plain", tags="a,b", meta={"cache": True})
    assert answer["meta"]["tags"] == ["a", "b"]
    assert [path.name for path in Path(answer["path"]).iterdir()] == ["_cm.yaml"]
