"""A plan that finds a failure answers as every failed action does."""

from __future__ import annotations

from recipe_world import World


def test_the_answer_of_a_plan_that_fails_says_why(world: World) -> None:
    world.recipe("top", deps=[{"tags": "nowhere"}])
    answer = world.access("plan", "script", tags="top")
    assert answer["return"] == 16
    assert answer["error"] == "no recipe has the tag 'nowhere'"
    assert answer["problems"][0]["text"] == answer["error"]
    world.recipe("good")
    assert "error" not in world.access("plan", "script", tags="good")


def test_a_name_that_nobody_has_is_answered_with_where_to_look(world: World) -> None:
    world.recipe("top")
    answer = world.access("run", "script", artifact="zzzzzz")
    assert "cm search script" in answer["hint"]
