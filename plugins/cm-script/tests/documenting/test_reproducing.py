"""`cm doc script ... --format=readme|notebook`: how to repeat a run, and what is not told."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from recipe_world import World

from cm_script import identity
from cmcore.grammar import parse


def doc(world: World, *words: str, style: str = "readme", **flags: Any) -> dict[str, Any]:
    return world.access("doc", "script", artifacts=list(words), format=style, **flags)


def text(world: World, *words: str, style: str = "readme", **flags: Any) -> str:
    answer = doc(world, *words, style=style, **flags)
    assert answer["return"] == 0, answer
    found: str = answer["text"]
    return found


def blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def run_line(page: str, verb: str = "run") -> str:
    (line,) = [ln for b in blocks(page) for ln in b.splitlines() if ln.startswith(f"cm {verb} ")]
    return line


def simple(world: World, **more: Any) -> None:
    world.recipe("tool", cache=True, **more)
    world.recipe(
        "program", deps=[{"tags": "tool"}], input_mapping={"size": "CM_SIZE", "key": "CM_API_KEY"}
    )


def test_the_page_has_all_that_a_stranger_needs(world: World) -> None:
    simple(world)
    page = text(
        world, "program", size='it\'s $5 "big"', env={"CM_A": "x"}, adr={"t": {"version": "2"}}
    )
    heads = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert heads == [
        "Install", "Add the recipes", "Look at the plan", "Run", "Look into the cache",
        "Run in a container", "Versions",
    ]  # fmt: skip
    for verb in ("run", "plan", "docker"):
        words = shlex.split(run_line(page, verb))
        request = parse(words[1:]).request
        assert (request.action, request.automation, request.artifacts) == (
            verb, "script", ("program",)
        )  # fmt: skip
        assert dict(request.flags) == {
            "size": "it's $5 \"big\"", "env": {"CM_A": "x"}, "adr": {"t": {"version": "2"}}
        }  # fmt: skip
    install = blocks(page)[0]
    assert re.search(r"^pip install .*\bcmcore==\d\S* ", install, re.MULTILINE)
    assert re.search(r"cm-plugin-script==\d", install)
    assert f"cm add collection {world.folder}\n" in page
    for artifact in world.context().search("script"):
        assert f"`{identity.digest_of(artifact)}`" in page
        assert f"`{artifact.uid}`" in page


def test_the_same_run_gives_the_same_bytes(world: World) -> None:
    simple(world)
    for style in ("readme", "notebook"):
        first = text(world, "program", style=style)
        world.run("program")
        assert text(world, "program", style=style) == first


def test_a_changed_recipe_is_seen(world: World) -> None:
    simple(world)
    file = world.here / "README.md"
    assert doc(world, "program", output=".")["state"] == "new"
    assert doc(world, "program", output=str(file), check=True)["return"] == 0
    world.recipe("other")
    assert doc(world, "program", output=str(file), check=True)["return"] == 0
    (world.folder / "script" / "tool" / "customize.py").write_text("def preprocess(i): return {}\n")
    assert doc(world, "program", output=str(file), check=True)["return"] == 1
    assert doc(world, "program", output=str(file))["state"] == "changed"


@pytest.mark.parametrize(("style", "name"), [("readme", "README.md"), ("notebook", "run.ipynb")])
def test_what_a_person_wrote_is_kept(world: World, style: str, name: str) -> None:
    simple(world)
    (world.here / name).write_text("{}")
    answer = doc(world, "program", style=style, output=".")
    assert answer["return"] > 0
    assert (world.here / name).read_text() == "{}"
    assert doc(world, "program", style=style, output=".", force=True)["return"] == 0
    assert doc(world, "program", style=style, output=".")["state"] == "same"


def test_secrets_never_appear(world: World) -> None:
    simple(world)
    for style in ("readme", "notebook"):
        answer = doc(
            world, "program", style=style, key="planted 1", gh_token="planted-2",
            env={"HF_TOKEN": "planted'3", "GH_TOKEN": "planted-4", "CM_URL": "https://a:planted-5@b.org"},
        )  # fmt: skip
        assert "planted" not in json.dumps(answer)
    page = text(world, "program", key="planted 1", gh_token="x1", env={"GH_TOKEN": "x2"})
    assert run_line(page).endswith(
        '--key="${CM_API_KEY}" --gh_token="${GH_TOKEN}" --env.GH_TOKEN="${GH_TOKEN_2}"'
    )
    assert ': "${CM_API_KEY:?set CM_API_KEY first}"\n' in page
    assert text(world, "program", gh_token="x1", env={"GH_TOKEN": "x1"}).count("GH_TOKEN_2") == 0


def test_private_recipes_are_left_out_unless_asked_for(world: World) -> None:
    simple(world, private=True)
    for style in ("readme", "notebook"):
        page = text(world, "program", style=style)
        assert "`tool`" not in page
        assert not re.search(r"\btool\b", page.replace("cm-plugin", ""))
        assert "Private parts are left out." in page
        page = text(world, "program", style=style, include_private=True)
        assert re.search(r"\| tool \|.*\| private \|", page)
        assert "not meant for publication" in page


def test_a_run_of_a_private_recipe_is_not_told(world: World) -> None:
    world.recipe("tool")
    world.recipe("program", private=True)
    answer = doc(world, "program")
    assert answer["return"] > 0
    assert "private" in answer["error"]
    assert "--include_private" in answer["hint"]
    assert doc(world, "program", include_private=True)["return"] == 0
    world.recipe("unnamed", tags=["some", "thing"], private=True)
    assert doc(world, tags="some,thing")["return"] > 0
    world.recipe("public", deps=[{"tags": "program", "names": ["p"]}])
    assert doc(world, "public")["return"] == 0
    assert doc(world, "public", env={"CM_X": "see program"})["return"] > 0


def test_private_collections_and_packages_are_left_out(world: World) -> None:
    simple(world)
    other = World(world.home.parent / "other")
    other.recipe("hidden", tags=["hidden", "thing"])
    (other.folder / "cmr.yaml").write_text("alias: secret-place\nprivate: true\n")
    world.access("add", "collection", artifact=str(other.folder))
    world.recipe("asks", deps=[{"tags": "hidden,thing"}])
    page = text(world, "asks")
    assert "secret-place" not in page
    assert str(other.folder) not in page
    page = text(world, "asks", include_private=True)
    assert f"cm add collection {other.folder}" in page
    assert "`secret-place` is private." in page


def test_private_packages_are_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from cm_script import privacy

    simple(world)
    monkeypatch.setattr(privacy, "distribution", lambda name: name == "cm-plugin-cache")
    assert "cm-plugin-cache" not in text(world, "program")
    assert "cm-plugin-cache==" in text(world, "program", include_private=True)


def test_a_clone_is_told_by_its_address_and_commit(world: World, tmp_path: Path) -> None:
    simple(world)
    git = world.folder / ".git"
    git.mkdir()
    (git / "config").write_text('[remote "origin"]\n\turl = https://me:planted@example.org/r.git\n')
    (git / "HEAD").write_text("0123456789abcdef0123456789abcdef01234567\n")
    page = text(world, "program")
    assert "planted" not in page
    assert "git clone https://example.org/r.git test-recipes\n" in page
    assert "git -C test-recipes checkout --quiet 0123456789abcdef" in page
    assert "cm add collection test-recipes\n" in page


def test_the_notebook_is_one(world: World) -> None:
    simple(world)
    data = json.loads(text(world, "program", style="notebook"))
    assert (data["nbformat"], data["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in data["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", one) for one in ids)
    code = [cell for cell in data["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code] == [
        "install", "install-path", "collections", "plan", "run", "cache", "container"
    ]  # fmt: skip
    assert all(
        cell["source"][:2] == ["%%bash\n", "set -e\n"]
        for cell in code
        if cell["id"] != "install-path"
    )
    page = text(world, "program")
    lines = [line for block in blocks(page) for line in block.splitlines()]
    told = "".join("".join(cell["source"]) + "\n" for cell in code)
    assert all(line in told for line in lines)


def test_a_run_that_would_fail_is_no_lesson(world: World) -> None:
    world.recipe("program", deps=[{"tags": "not,there"}])
    assert doc(world, "program")["return"] > 0
    assert doc(world, "no-such-recipe")["return"] == 16
    simple_answer = doc(world, "program", nosuchflag="1")
    assert simple_answer["return"] > 0


def test_flags_of_runs_are_for_documents_about_runs(world: World) -> None:
    simple(world)
    answer = world.access("doc", "script", artifacts=["program"], outputt="-")
    assert answer["return"] == 4
    assert "output" in answer["hint"]
    page = text(world, "program", run={"output": "there"})
    assert run_line(page).endswith("--output=there")


def test_flags_of_containers_stand_where_the_container_is(world: World) -> None:
    simple(world)
    page = text(world, "program", docker={"base_image": "x:1"}, docker_os="debian", size="3")
    assert run_line(page) == "cm run script program --size=3"
    assert run_line(page, "plan") == "cm plan script program --size=3"
    boxed = "cm docker script program --size=3 --docker.base_image=x:1 --docker_os=debian"
    assert run_line(page, "docker") == boxed
