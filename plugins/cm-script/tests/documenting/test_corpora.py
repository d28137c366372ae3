"""The published recipes of both dialects: every one can be described and documented."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rendering import broken_links, rendered

from cm_script.documenting import terminal
from cm_script.documenting.facts import facts
from cm_script.documenting.recipes import Recipes
from cmcore.context import Context


def home(path: Path, *roots: Path) -> Context:
    """Services of a home that knows these collections."""
    context = Context(environ={**os.environ, "CM_HOME": str(path)})
    for root in roots:
        add = {"action": "add", "automation": "collection", "artifact": str(root)}
        assert context.access(add)["return"] == 0
    return context


@pytest.mark.slow
@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_documents_of_a_whole_collection(form: str, tmp_path: Path) -> None:
    import corpora

    root = corpora.cm_root() if form == "cm" else corpora.mlc_root()
    context = home(tmp_path / "home", root)
    (name,) = {a.collection.name for a in context.search("script")}
    out = tmp_path / "out"
    call = {"action": "doc", "automation": "script", "artifact": name, "output": str(out)}
    first = context.access(call)
    assert first["return"] == 0
    assert first["counts"]["new"] > 300
    assert broken_links(out) == []
    # Two of each corpus are private.
    assert first["counts"]["new"] == len(context.search("script")) - 2 + 1
    again = context.access({**call, "check": True})
    assert (again["return"], again["counts"]["same"]) == (0, first["counts"]["new"])
    largest = sorted(out.rglob("*.md"), key=lambda page: page.stat().st_size)[-20:]
    for page in (*largest, *sorted(out.rglob("*.md"))[::25]):
        text = page.read_text("utf-8")
        found = rendered(text)
        assert found.unclosed == [], page
        assert "| ---" not in found.text, page
        # Every row that was written is a row that is shown.
        rows = sum(line.startswith("| ") for line in text.splitlines())
        assert rows == sum(len(table) + 1 for table in found.tables), page
        for table in found.tables:
            assert {len(row) for row in table} == {len(table[0])}, page
        assert str(root) not in text, page


@pytest.mark.slow
def test_every_recipe_fits_a_screen_or_two(tmp_path: Path) -> None:
    import corpora

    context = home(tmp_path / "home", corpora.cm_root(), corpora.mlc_root())
    recipes = Recipes.all(context)
    heights = []
    for artifact in recipes.artifacts:
        found = facts(artifact, recipes)
        lines = terminal.draw(found, (), 100).splitlines()
        assert all(len(line) <= 100 or len(line.split()) <= 3 for line in lines), artifact.path
        heights.append(len(lines))
        assert terminal.draw(found, (), None, everything=True)
    heights.sort()
    assert len(heights) > 700
    assert heights[len(heights) // 2] < 60
    assert heights[-1] < 160


@pytest.mark.slow
def test_the_request_that_a_description_gives_selects_its_recipe(tmp_path: Path) -> None:
    """Unless another recipe has the same name and the same tags."""
    import corpora

    context = home(tmp_path / "home", corpora.mlc_root())
    recipes = Recipes.all(context)
    wrong = []
    for artifact in recipes.artifacts[::7]:
        answer = context.access(
            {"action": "help", "automation": "script", "artifact": recipes.words(artifact)}
        )
        if (answer.get("recipe") or {}).get("path") != artifact.path:
            wrong.append((artifact.alias, recipes.words(artifact)))
    assert wrong == []
