"""When a cached outcome is served, when a recipe runs again, and what stays after a failure."""

from __future__ import annotations

import json
from pathlib import Path

from recipe_world import World


def counting(world: World, alias: str = "tool", **meta: object) -> Path:
    meta.setdefault("cache", True)
    run = world.notes("ran") + "pwd > made\n" + 'echo "CM_WHERE=$PWD" >> tmp-run-env.out\n'
    return world.recipe(alias, run=run, new_env_keys=["CM_WHERE"], **meta)


def test_a_second_run_is_served(world: World) -> None:
    counting(world)
    first, second = world.run("tool"), world.run("tool")
    assert world.noted() == ["ran"]
    assert first["new_env"] == second["new_env"]
    (entry,) = world.entries()
    assert first["new_env"]["CM_WHERE"] == str(entry)
    assert (entry / "made").exists()
    assert not (world.here / "made").exists()


def test_new_and_skip_cache_and_renew(world: World) -> None:
    counting(world)
    world.run("tool")
    world.run("tool", new=True)
    assert len(world.entries()) == 2
    world.run("tool", skip_cache=True)
    assert (world.here / "made").exists()
    assert len(world.entries()) == 2
    assert world.noted() == ["ran", "ran", "ran"]
    before = world.entries()
    world.run("tool", renew=True)
    assert world.entries() == before
    assert world.noted() == ["ran"]


def test_variations_and_versions_keep_entries_apart(world: World) -> None:
    counting(world, variations={"a": {}, "b": {}}, default_version="1.0", versions={"2.0": {}})
    for tags, flags in (("tool,_a", {}), ("tool,_b", {}), ("tool", {"version": "2.0"})):
        assert world.run(tags, **flags)["return"] == 0
        assert world.run(tags, **flags)["return"] == 0
    assert world.noted() == ["ran"] * 3
    assert len(world.entries()) == 3


def test_a_failed_run_leaves_nothing_to_serve_and_is_resumed(world: World) -> None:
    run = "ls > seen\n[ -f partial ] && exit 0\ntouch partial\nexit 1\n"
    world.recipe("flaky", cache=True, cache_class="data", run=run)
    assert world.run("flaky")["return"] == 2
    assert world.entries() == []
    assert world.run("flaky")["return"] == 0
    (entry,) = world.entries()
    assert "partial" in (entry / "seen").read_text().split()
    assert (
        len([p for p in (world.home / "cache").iterdir() if p.is_dir() and len(p.name) == 16]) == 1
    )


def test_only_dynamic_dependencies_run_on_a_hit(world: World) -> None:
    world.recipe("still", run=world.notes("still"))
    world.recipe("each", run=world.notes("each"))
    counting(world, deps=[{"tags": "still"}, {"tags": "each", "dynamic": True}])
    world.run("tool")
    assert world.noted() == ["still", "each", "ran"]
    world.run("tool")
    assert world.noted() == ["each"]


def test_an_entry_whose_path_is_gone_is_built_again(world: World) -> None:
    target = world.here / "installed"
    target.write_text("x")
    line = f'echo "CM_GET_DEPENDENT_CACHED_PATH={target}" >> tmp-run-env.out\n'
    world.recipe("tool", cache=True, run=world.notes("ran") + line)
    world.run("tool")
    world.run("tool")
    assert world.noted() == ["ran"]
    target.unlink()
    world.run("tool")
    assert world.noted() == ["ran"]


def test_a_recipes_own_check_can_turn_an_entry_down(world: World) -> None:
    code = """
def detect_version(i):
    return i["automation"].parse_version({"match_text": r"([\\d.]+)", "group_number": 1,
        "env_key": "CM_TOOL_VERSION", "which_env": i["env"]})

def postprocess(i):
    r = detect_version(i)
    if r["return"] > 0: return r
    return {"return": 0, "version": r["version"]}
"""
    version = world.here / "version"
    show = f"cp '{version}' tmp-ver.out\n"
    world.recipe(
        "tool",
        cache=True,
        customize=code,
        run=world.notes("ran") + show,
        files={"validate_cache.sh": world.notes("checked") + show},
    )
    version.write_text("1.2.3")
    world.run("tool")
    world.run("tool")
    assert world.noted() == ["ran", "checked"]
    version.write_text("1.2.4")
    world.run("tool")
    assert world.noted() == ["checked", "ran"]
    assert sorted(p.name for p in world.here.iterdir()) == ["version"]


def test_version_limits_choose_among_entries(world: World) -> None:
    counting(world, default_version="1.5", versions={"1.5": {}, "3.0": {}})
    world.run("tool")
    world.run("tool", version_min="1.0")
    assert world.noted() == ["ran"]
    world.run("tool", version_min="2.0")
    assert world.noted() == ["ran"]


def test_expired_entries_are_built_again(world: World) -> None:
    counting(world, form="mlc", cache_expiration="0")
    world.run("tool")
    world.run("tool")
    assert world.noted() == ["ran", "ran"]


def test_a_damaged_entry_is_built_again(world: World) -> None:
    counting(world)
    world.run("tool")
    (entry,) = world.entries()
    (entry / "cm-cached-state.json").write_text("{")
    assert world.run("tool")["return"] == 0
    assert world.noted() == ["ran", "ran"]
    assert world.run("tool")["return"] == 0
    assert world.noted() == []


def test_a_hit_follows_a_moved_home(world: World) -> None:
    counting(world)
    world.run("tool")
    moved = world.home.with_name("elsewhere")
    world.home.rename(moved)
    world.home, world.environ["CM_HOME"] = moved, str(moved)
    answer = world.run("tool")
    assert world.noted() == ["ran"]
    assert answer["new_env"]["CM_WHERE"].startswith(str(moved))


def test_only_execute_from_cache_does_not_run(world: World) -> None:
    counting(world)
    answer = world.run("tool", only_execute_from_cache=True)
    assert answer["return"] == 16
    assert world.noted() == []
    assert not list((world.home).glob("cache/*/.cm-building.json"))


def test_a_cached_recipe_is_preferred_among_several(world: World) -> None:
    counting(world, "first", tags=["pick", "one"])
    counting(world, "second", tags=["pick", "two"])
    world.run("two")
    world.noted()
    assert world.run("pick")["return"] == 0
    assert world.noted() == []


def test_fake_runs_and_caching_without_a_cache_plugin(tmp_path: Path) -> None:
    world = World(tmp_path, plugins="cm-plugin-script")
    counting(world)
    first, second = world.run("tool"), world.run("tool")
    assert first["return"] == second["return"] == 0
    assert world.noted() == ["ran", "ran"]
    assert not (world.here / "made").exists()
    assert first["new_env"]["CM_WHERE"] != second["new_env"]["CM_WHERE"]


def test_entries_tell_how_they_came_about(world: World) -> None:
    counting(world, variations={"a": {"env": {"CM_A": "1"}}}, input_mapping={"size": "CM_SIZE"})
    world.run("tool,_a", size="8")
    (entry,) = world.entries()
    meta = json.loads((entry / "_cm.json").read_text())
    assert "_a" in meta["tags"]
    text = json.dumps(meta)
    assert '"size": "8"' in text
    assert len(meta["recipe_digest"]) == 64


def test_what_a_tool_printed_is_data_on_a_hit_too(world: World) -> None:
    line = "printf '%s\\n' 'CM_SAID=$HOME costs $5' >> tmp-run-env.out\n"
    world.recipe("tool", cache=True, run=line, new_env_keys=["CM_SAID"])
    world.recipe("main", deps=[{"tags": "tool"}], run='printf %s "$CM_SAID" > got\n')
    for _ in range(2):
        assert world.run("main")["return"] == 0
        assert (world.here / "got").read_text() == "$HOME costs $5"


def test_a_hit_exports_what_the_first_run_did(world: World) -> None:
    code = 'def postprocess(i):\n i["env"]["MLC_B"] = "b"\n return {"return": 0}\n'
    world.recipe(
        "tool",
        form="mlc",
        cache=True,
        customize=code,
        input_mapping={"size": "MLC_SIZE"},
        new_env_keys=["MLC_B", "+PATH"],
    )
    flags = {"size": "8", "const": {"MLC_C": "c"}}
    first = world.run("tool", **flags)
    second = world.run("tool", **flags)
    assert first["new_env"] == second["new_env"] == {"MLC_B": "b"}
    assert first["env"] == second["env"]


def test_renew_shows_a_recipe_what_it_exported_before(world: World) -> None:
    code = "def postprocess(i):\n    env = i['env']\n"
    code += "    env['CM_COUNT'] = env.get('CM_COUNT', '') + 'x'\n    return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["CM_COUNT"])
    assert world.run("tool")["new_env"] == {"CM_COUNT": "x"}
    assert world.run("tool", renew=True)["new_env"] == {"CM_COUNT": "xx"}
    assert world.run("tool")["new_env"] == {"CM_COUNT": "xx"}
    assert len(world.entries()) == 1
