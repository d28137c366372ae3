"""Uncached recipes that run as part of a cached one belong to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recipe_world import World


def runs(world: World, tags: str = "top") -> bool:
    """Whether a request ran `top` rather than being served."""
    answer = world.access("run", "script", tags=tags, quiet=True)
    assert answer["return"] == 0, answer
    return "top" in world.noted()


@pytest.fixture(params=["cm", "mlc"])
def leaf(world: World, request: pytest.FixtureRequest) -> Path:
    """A recipe that is not cached, below one that is not either, below `top`."""
    form = request.param
    path = world.recipe("leaf", form=form, run=world.notes("leaf"))
    world.recipe("middle", form=form, deps=[{"tags": "leaf"}])
    world.recipe("top", form=form, cache=True, deps=[{"tags": "middle"}], run=world.notes("top"))
    assert runs(world)
    assert not runs(world)
    return path


def add(path: Path, name: str, text: str) -> None:
    """Change a file of a recipe, noticeably."""
    with open(path / name, "a") as file:
        file.write(text)


def test_files_of_a_recipe_below(world: World, leaf: Path) -> None:
    add(leaf, "run.sh", "\necho other\n")
    assert runs(world)
    assert not runs(world)


def test_only_what_makes_a_recipe_counts(world: World, leaf: Path) -> None:
    add(leaf, "README.md", "text")
    os.utime(leaf / "run.sh", ns=(1, 1))
    assert not runs(world)


def test_a_recipe_that_has_moved_is_the_same(world: World, leaf: Path) -> None:
    leaf.rename(leaf.with_name("leaf-elsewhere"))
    assert not runs(world)


def test_the_name_of_the_recipe_is_told(world: World, leaf: Path) -> None:
    add(leaf, "run.sh", "\necho other\n")
    assert "recipe leaf, which it ran: changed since" in world.told("top", "--explain")


def test_cached_recipes_below_have_entries_of_their_own(world: World) -> None:
    path = world.recipe("leaf", run=world.notes("leaf"))
    world.recipe("middle", cache=True, deps=[{"tags": "leaf"}])
    world.recipe("top", cache=True, deps=[{"tags": "middle"}], run=world.notes("top"))
    assert runs(world)
    add(path, "run.sh", "\necho other\n")
    assert not runs(world)


def test_what_only_tells_of_the_host_is_no_part(world: World) -> None:
    path = world.recipe("leaf", env={"CM_HOST_FACT": "x"}, new_env_keys=["CM_HOST_FACT"])
    world.recipe("top", cache=True, deps=[{"tags": "leaf"}], run=world.notes("top"))
    assert runs(world)
    (path / "more.sh").write_text("echo\n")
    assert not runs(world)


def test_tags_alone_may_decide(world: World, leaf: Path) -> None:
    add(leaf, "run.sh", "\necho other\n")
    answer = world.access("run", "script", tags="top", quiet=True, cache_reuse="tags")
    assert answer["return"] == 0
    assert world.noted() == []


def test_explain_says_why_the_cache_is_not_asked(world: World, leaf: Path) -> None:
    assert "the cache is not asked (--skip_cache)" in world.told("top", "--explain", "--skip_cache")
    assert "not asked" not in world.told("top", "--skip_cache")
    add(leaf, "run.sh", "\necho other\n")
    text = world.told("top", "--explain")
    assert text.count("the recipe does not cache its result") == 2, text
