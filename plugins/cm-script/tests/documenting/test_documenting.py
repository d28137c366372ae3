"""`cm doc script`: pages that are right, found again, and never written over a person's work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipe_world import World
from rendering import broken_links, rendered

from cm_script.documenting import catalogue, formats
from cm_script.documenting.catalogue import Entry

NASTY = "a|b `c` <d> _e_ *f* [g](h) #i $j$ &amp; \\ - 1. ~~k~~ <<<CM_X>>>"


def doc(world: World, *words: str, **flags: Any) -> dict[str, Any]:
    return world.access("doc", "script", artifacts=list(words), **flags)


def some(world: World) -> None:
    world.recipe("detect-os", tags=["detect", "os"], category="Platform information")
    world.recipe(
        "get-tool",
        tags=["get", "tool"],
        category="AI/ML tools",
        deps=[{"tags": "detect,os"}],
        variations={"a": {"group": "g", "deps": [{"tags": "detect,os"}]}, "a,b": {}, "b": {}},
    )
    world.recipe("secret", tags=["get", "secret"], category="AI/ML tools", private=True)
    world.recipe("loose", tags=["loose", "end"], deps=[{"tags": "get,secret"}])


def pages(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text("utf-8") for p in sorted(root.rglob("README.md"))}


def test_a_collection_is_documented_in_place(world: World) -> None:
    some(world)
    answer = doc(world, "test-recipes")
    assert answer["counts"] == {"new": 4, "changed": 0, "same": 0, "foreign": 0}
    root = world.folder / "script"
    found = pages(root)
    assert sorted(found) == [
        "README.md",
        "detect-os/README.md",
        "get-tool/README.md",
        "loose/README.md",
    ]
    assert all(text.startswith(formats.MARK + "\n") for text in found.values())
    assert broken_links(root) == []
    assert "[detect-os](../detect-os/README.md)" in found["get-tool/README.md"]
    assert "[AI/ML tools](../README.md#aiml-tools)" in found["get-tool/README.md"]
    assert "[`_cm.json`](_cm.json)" in found["get-tool/README.md"]
    again = doc(world, "test-recipes")
    assert again["counts"] == {"new": 0, "changed": 0, "same": 4, "foreign": 0}
    assert pages(root) == found


def test_the_same_recipes_give_the_same_bytes_anywhere(world: World, tmp_path: Path) -> None:
    some(world)
    one, two = tmp_path / "one", tmp_path / "two"
    doc(world, "test-recipes", output=str(one))
    # Another home, another order of registration, another collection beside it.
    other = World(tmp_path / "b")
    other.recipe("detect-os", tags=["detect", "os"])
    renamed = other.folder / "cmr.yaml"
    renamed.write_text("alias: aaa-other\nuid: 00112233445566ab\n")
    assert other.access("add", "collection", artifact=str(world.folder))["return"] == 0
    doc(other, "test-recipes", output=str(two))
    assert pages(one) == pages(two)
    assert str(tmp_path) not in "".join(pages(one).values())


def test_one_page_is_the_same_as_that_of_the_whole_collection(world: World) -> None:
    some(world)
    doc(world, "test-recipes")
    page = world.folder / "script/get-tool/README.md"
    assert doc(world, "get-tool", check=True)["return"] == 0
    assert doc(world, "get-tool", output="-")["text"] == page.read_text("utf-8")


def test_private_recipes_are_neither_listed_nor_named(world: World, tmp_path: Path) -> None:
    some(world)
    doc(world, "test-recipes", output=str(tmp_path / "out"))
    text = "".join(pages(tmp_path / "out").values())
    assert "get,secret" in text  # the tags stand in a public meta
    assert "secret/README.md" not in text
    assert "[secret]" not in text
    assert "| secret |" not in text
    doc(world, "test-recipes", output=str(tmp_path / "all"), private=True)
    assert "secret/README.md" in pages(tmp_path / "all")
    assert "[secret](../secret/README.md)" in pages(tmp_path / "all")["loose/README.md"]


def test_a_private_collection_is_documented_on_request_only(world: World, tmp_path: Path) -> None:
    some(world)
    (world.folder / "cmr.yaml").write_text(
        "alias: test-recipes\nuid: 00112233445566aa\nprivate: true\n"
    )
    answer = doc(world, "test-recipes", output=str(tmp_path / "out"))
    assert answer["return"] == 16
    assert "--private documents it" in answer["error"]
    assert not (tmp_path / "out").exists()
    answer = doc(world, "test-recipes", output=str(tmp_path / "out"), private=True)
    assert answer["counts"]["new"] == 5


def test_what_a_person_wrote_is_kept(world: World) -> None:
    some(world)
    mine = world.folder / "script/get-tool/README.md"
    mine.write_text("# My tool\n")
    answer = doc(world, "test-recipes")
    assert answer["counts"] == {"new": 3, "changed": 0, "same": 0, "foreign": 1}
    assert mine.read_text() == "# My tool\n"
    alone = doc(world, "get-tool")
    assert alone["return"] == 8
    assert "--force" in alone["hint"]
    assert mine.read_text() == "# My tool\n"
    assert doc(world, "test-recipes", check=True)["return"] == 0
    assert doc(world, "get-tool", force=True)["counts"]["changed"] == 1
    assert mine.read_text().startswith(formats.MARK)


def test_a_catalogue_of_a_person_is_linked_without_anchor(world: World) -> None:
    some(world)
    (world.folder / "script/README.md").write_text("# Our scripts\n")
    doc(world, "test-recipes")
    page = (world.folder / "script/get-tool/README.md").read_text()
    assert "[AI/ML tools](../README.md)" in page


def test_check_tells_what_is_out_of_date_and_writes_nothing(world: World) -> None:
    some(world)
    answer = doc(world, "test-recipes", check=True)
    assert answer["return"] == 1
    assert answer["counts"]["new"] == 4
    assert pages(world.folder) == {}
    doc(world, "test-recipes")
    assert doc(world, "test-recipes", check=True)["return"] == 0
    page = world.folder / "script/detect-os/README.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    assert doc(world, "test-recipes", check=True)["return"] == 0
    page.write_text(page.read_text() + "more\n")
    before = page.read_bytes()
    answer = doc(world, "test-recipes", check=True)
    assert answer["return"] == 1
    assert [p["recipe"] for p in answer["pages"] if p["state"] == "changed"] == ["detect-os"]
    assert page.read_bytes() == before


def test_pages_that_no_recipe_has_any_more_are_told(world: World, tmp_path: Path) -> None:
    some(world)
    out = tmp_path / "out"
    doc(world, "test-recipes", output=str(out), private=True)
    answer = doc(world, "test-recipes", output=str(out), check=True)
    assert answer["return"] == 1
    assert answer["leftovers"] == [str(out / "secret/README.md")]


def test_output_may_be_a_file_a_folder_or_the_screen(world: World, tmp_path: Path) -> None:
    some(world)
    doc(world, "get-tool", output=str(tmp_path / "tool.md"))
    assert "# get-tool" in (tmp_path / "tool.md").read_text()
    # It stands alone: there is nothing that it could link to.
    assert rendered((tmp_path / "tool.md").read_text()).links[0] == "#run-it"
    assert broken_links(tmp_path) == []
    doc(world, "get-tool", output=str(tmp_path / "folder"))
    assert (tmp_path / "folder/README.md").is_file()
    doc(world, "get-tool", output=str(world.folder / "script/get-tool"))
    home = (world.folder / "script/get-tool/README.md").read_text()
    assert "../detect-os/README.md" in home
    answer = doc(world, tags="get", output=str(tmp_path / "several"))
    assert sorted(pages(tmp_path / "several")) == [
        "README.md",
        "get-tool/README.md",
        "secret/README.md",
    ]
    answer = doc(world, "test-recipes", output="-")
    assert answer["return"] == 4
    assert "fit" in answer["error"]
    answer = doc(world, "test-recipes", output=str(tmp_path / "x.md"))
    assert answer["return"] == 4
    assert not (tmp_path / "x.md").exists()
    assert doc(world, "get-tool", output=True)["return"] == 4
    assert doc(world, "get-tool", format="pdf")["return"] == 4


def test_several_collections_get_folders_of_their_own(world: World, tmp_path: Path) -> None:
    some(world)
    other = World(tmp_path / "b")
    other.recipe("use-tool", tags=["use", "tool"], deps=[{"tags": "get,tool"}])
    (other.folder / "cmr.yaml").write_text("alias: more-recipes\nuid: 00112233445566ab\n")
    assert world.access("add", "collection", artifact=str(other.folder))["return"] == 0
    out = tmp_path / "out"
    doc(world, "test-recipes", "more-recipes", output=str(out))
    found = pages(out)
    assert "[test-recipes](test-recipes/README.md): 3 recipes" in found["README.md"]
    page = found["more-recipes/use-tool/README.md"]
    assert "[get-tool](../../test-recipes/get-tool/README.md)" in page
    assert broken_links(out) == []


def test_a_read_only_collection_is_documented_elsewhere(world: World, tmp_path: Path) -> None:
    """As a package carries it: its data is never written."""
    site = tmp_path / "site"
    recipe = site / "packed/recipes/script/pack-it"
    recipe.mkdir(parents=True)
    (site / "packed/__init__.py").touch()
    (recipe / "_cm.json").write_text(
        '{"alias": "pack-it", "uid": "0011223344556677", "tags": ["pack", "it"]}'
    )
    (site / "packed/recipes/cmr.yaml").write_text("alias: packed\nuid: 0011223344556600\n")
    (site / "packed/cm-plugin.json").write_text(
        '{"manifest": 1, "api": "1.0", "name": "packed", "summary": "recipes",'
        ' "hooks": [], "collections": [{"path": "recipes"}]}'
    )
    info = site / "packed-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cmcore.plugins]\npacked = packed\n")

    def cm(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {**world.environ, "PYTHONPATH": str(site), "CM_HOME": str(tmp_path / "h")}
        return subprocess.run(
            [sys.executable, "-m", "cmcore", "doc", "script", *words],
            cwd=world.here,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = cm("packed")
    assert refused.returncode
    assert "read-only" in refused.stderr
    assert "--output" in refused.stderr
    assert cm("pack-it", "--output=-").stdout.startswith(formats.MARK)
    assert cm("packed", f"--output={tmp_path / 'out'}").returncode == 0
    assert sorted(pages(tmp_path / "out")) == ["README.md", "pack-it/README.md"]
    assert sorted(p.name for p in recipe.iterdir()) == ["_cm.json"]


def test_a_folder_that_cannot_be_written_leaves_nothing_half_done(
    world: World, tmp_path: Path
) -> None:
    some(world)
    (tmp_path / "out").write_text("a file")
    answer = doc(world, "test-recipes", output=str(tmp_path / "out"))
    assert answer["return"]
    assert "Traceback" not in answer["error"]
    assert (tmp_path / "out").read_text() == "a file"


def test_nothing_named_outside_of_a_collection_is_an_error(world: World) -> None:
    answer = doc(world)
    assert answer["return"] == 4
    assert "test-recipes" in answer["hint"]
    before = os.getcwd()
    os.chdir(world.folder)
    try:
        some(world)
        assert world.context().access("doc script")["counts"]["new"] == 4
    finally:
        os.chdir(before)
    answer = doc(world, "test-recipe")
    assert "or the collection 'test-recipes'?" in answer["hint"]


def test_nasty_texts_stay_texts(world: World) -> None:
    world.recipe(
        "nasty",
        name=NASTY,
        tags=["nasty", "x|y", "<b>"],
        category=NASTY,
        input_mapping={"f": "CM_F"},
        input_description={"f": {"desc": NASTY, "default": NASTY, "choices": [NASTY]}},
        default_env={"CM_A": NASTY, "CM_B": "`", "CM_C": ""},
        variations={"v|w": {"env": {"CM_V": NASTY}, "group": NASTY}},
        versions={"1|2": {"env": {"CM_V": "```"}}},
        deps=[{"tags": "nasty,_v|w", "names": ["n|m"], "enable_if_env": {"CM_A": [NASTY]}}],
        docker={"extra_run_args": NASTY},
        new_env_keys=["CM_|*"],
    )
    doc(world, "test-recipes")
    root = world.folder / "script"
    assert broken_links(root) == []
    for text in pages(root).values():
        page = rendered(text)
        assert NASTY in page.text
        assert "| ---" not in page.text
        assert page.unclosed == []
        for table in page.tables:
            assert {len(row) for row in table} == {len(table[0])}
    flags = next(t for t in rendered(pages(root)["nasty/README.md"]).tables if "flag" in t[0])
    assert flags[1] == ["--f=VALUE", NASTY, NASTY, NASTY, "CM_F"]


META_TEXT = st.text(max_size=12)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(
    st.dictionaries(META_TEXT.filter(bool), META_TEXT, max_size=3),
    st.dictionaries(META_TEXT.filter(bool), META_TEXT, max_size=3),
    META_TEXT,
)
def test_any_texts_make_a_page_with_whole_tables(
    world: World, env: dict[str, str], described: dict[str, str], text: str
) -> None:
    path = world.folder / "script/any"
    if path.exists():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    world.recipe(
        "any",
        name=text,
        category=text,
        env=env,
        input_description=described,
        variations={name: {"env": env, "group": text} for name in described},
    )
    page = rendered(doc(world, "any", output="-")["text"])
    assert page.unclosed == []
    assert {link for link in page.links if link.startswith("#")} <= {f"#{a}" for a in page.anchors}
    for table in page.tables:
        assert {len(row) for row in table} == {len(table[0])}


def test_categories_are_in_order() -> None:
    def entry(alias: str, category: str, sort: float = 0) -> Entry:
        return Entry(alias, "", category, sort, (), "x")

    entries = [
        entry("z", "b"),
        entry("a", ""),
        entry("B", "A"),
        entry("a", "A"),
        entry("m", "late but first", 10),
    ]
    found = catalogue.by_category(entries)
    assert {name: [e.alias for e in rows] for name, rows in found.items()} == {
        "late but first": ["m"],
        "A": ["a", "B"],
        "b": ["z"],
        "Unsorted": ["a"],
    }
    assert list(found) == ["late but first", "A", "b", "Unsorted"]


def test_another_format_is_another_entry(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = formats.Format(
        "README.txt",
        lambda found, around: f"GENERATED {found['alias']} {around.catalogue('')}\n",
        lambda title, entries: f"GENERATED {title} {len(entries)}\n",
        lambda title, rows: f"GENERATED {title}\n",
        lambda content: content.startswith(b"GENERATED"),
    )
    monkeypatch.setitem(formats.FORMATS, "plain", plain)
    some(world)
    doc(world, "test-recipes", format="plain", output=str(tmp_path / "out"))
    assert (tmp_path / "out/README.txt").read_text() == "GENERATED test-recipes 3\n"
    found = (tmp_path / "out/loose/README.txt").read_text()
    assert found == "GENERATED loose ../README.txt#unsorted\n"
