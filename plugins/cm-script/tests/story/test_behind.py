"""A shared cache is asked as soon as nothing in the local one fits."""

from __future__ import annotations

import json
from pathlib import Path

from recipe_world import World


def test_a_local_entry_of_the_same_tags_is_in_nobodys_way(world: World, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    code = "def preprocess(i):\n    i['env'].get('CM_KIND')\n    return {'return': 0}\n"
    step = world.notes("made") + "echo x > file\n"
    world.recipe("thing", cache=True, customize=code, run=step)
    assert world.run("thing", quiet=True, env={"CM_KIND": "a"})["return"] == 0
    answer = world.access("export", "cache", to=f"{shared}/")
    assert answer["return"] == 0
    assert world.access("remove", "cache", force=True)["return"] == 0
    assert world.run("thing", quiet=True, env={"CM_KIND": "b"})["return"] == 0
    assert world.noted() == ["made", "made"]
    world.environ["CM_SETTING_CACHE_UPSTREAM"] = json.dumps([str(shared)])
    text = world.told("thing", "--env.CM_KIND=a", "--only_execute_from_cache", "--explain")
    assert world.noted() == []
    assert "cache hit" in text
    assert len(world.entries()) == 2
