"""What a plan says about a container: settings, what to replay, what can be made ahead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recipe_world import World

#: Keys of a request to be made ahead that are no flags.
ABOUT = ("label", "recipes", "open")


def container(world: World, tags: str, **flags: Any) -> dict[str, Any]:
    answer = world.access("plan", "script", tags=tags, container=True, **flags)
    assert answer["return"] == 0, answer
    found: dict[str, Any] = answer["container"]
    return found


def ahead(world: World, tags: str, **flags: Any) -> list[str]:
    return [one["tags"] for one in container(world, tags, **flags)["prefetch"]]


def sources(world: World) -> dict[str, str]:
    """Recipe -> `run` or `cache`, of the newest record."""
    newest = max((world.home / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    rows = json.loads(newest.read_text())["recipes"]
    return {row["recipe"].partition(",")[0]: row["source"] for row in rows}


def make_ahead(world: World, plan: dict[str, Any]) -> None:
    for one in plan["prefetch"]:
        flags = {key: value for key, value in one.items() if key not in (*ABOUT, "tags")}
        assert world.run(one["tags"], quiet=True, **flags)["return"] == 0


def tool(world: World, alias: str, form: str = "cm", **more: Any) -> None:
    """A cached recipe that exports one variable."""
    prefix = form.upper()
    name = f"{prefix}_{alias.upper().replace('-', '_')}"
    code = f"def preprocess(i):\n    i['env']['{name}'] = 'made'\n    return {{'return': 0}}\n"
    more.setdefault("customize", code)
    world.recipe(alias, form=form, cache=True, new_env_keys=[name], **more)


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_what_was_made_ahead_is_what_the_run_takes(world: World, form: str) -> None:
    p = form.upper()
    tool(world, "compiler", form, default_version="12", versions={"12": {}, "13": {}})
    tool(
        world,
        "library",
        form,
        deps=[{"tags": "compiler", "names": ["compiler"]}],
        variations={"fast": {"env": {f"{p}_LIBRARY_MODE": "fast"}}},
        customize=f"def preprocess(i):\n    i['env'].get('{p}_LIBRARY_MODE')\n"
        f"    i['env'].get('{p}_FLAVOUR')\n    i['env']['{p}_LIBRARY'] = 'made'\n"
        "    return {'return': 0}\n",
    )
    deps = [
        {"tags": "compiler", "names": ["compiler"], "version": "13"},
        {"tags": "library,_fast", "env": {f"{p}_FLAVOUR": "sweet"}, "extra_cache_tags": "mine"},
    ]
    world.recipe("program", form=form, deps=deps, env={f"{p}_OTHER": "1"})
    plan = container(world, "program")
    said = [{k: v for k, v in one.items() if k not in ABOUT[1:]} for one in plan["prefetch"]]
    assert said == [
        {"tags": "compiler", "version": "13", "label": "compiler"},
        {"tags": "compiler", "label": "compiler"},  # the library's, of the default version
        {
            "tags": "library,_fast",
            "env": {f"{p}_FLAVOUR": "sweet"},
            "extra_cache_tags": "mine",
            "label": "library",
        },
    ]
    make_ahead(world, plan)
    before = world.entries()
    assert world.run("program")["return"] == 0
    assert world.entries() == before
    assert sources(world) == {"compiler": "cache", "library": "cache", "program": "run"}


def test_what_the_host_has_cached_plays_no_part(world: World) -> None:
    tool(world, "compiler")
    world.recipe("program", deps=[{"tags": "compiler"}])
    first = container(world, "program")
    world.run("program")
    assert world.entries()
    assert container(world, "program") == first
    assert [one["tags"] for one in first["prefetch"]] == ["compiler"]


def test_the_requests_own_flags_are_no_part_of_what_is_made_ahead(world: World) -> None:
    reads = "def preprocess(i):\n    i['env'].get('CM_SIZE')\n    return {'return': 0}\n"
    tool(world, "data", customize=reads)
    tool(world, "compiler")
    world.recipe(
        "program", deps=[{"tags": "data"}, {"tags": "compiler"}], input_mapping={"size": "CM_SIZE"}
    )
    assert ahead(world, "program") == ["data", "compiler"]
    assert ahead(world, "program", size="3") == ["compiler"]
    assert ahead(world, "program", env={"CM_SIZE": "3"}) == ["compiler"]


def test_what_only_a_run_can_tell_is_not_made_ahead(world: World) -> None:
    reads = "def preprocess(i):\n    i['env'].get('CM_COMPILER')\n    return {'return': 0}\n"
    tool(world, "compiler")
    tool(world, "built", customize=reads)
    tool(world, "maybe")
    maybe = {"tags": "maybe", "enable_if_env": {"CM_COMPILER": ["made"]}}
    world.recipe("program", deps=[{"tags": "compiler"}, {"tags": "built"}, maybe])
    assert ahead(world, "program") == ["compiler"]
    tool(world, "alone", customize=reads, deps=[{"tags": "compiler"}])
    world.recipe("other", deps=[{"tags": "compiler"}, {"tags": "alone"}])
    assert ahead(world, "other") == ["compiler", "alone"]
    make_ahead(world, container(world, "other"))
    world.run("other")
    assert sources(world)["alone"] == "cache"


def test_no_entry_answers_a_look_up_that_a_new_machine_leaves_open(world: World) -> None:
    reads = "def preprocess(i):\n    i['env'].get('CM_SIZE')\n    return {'return': 0}\n"
    tool(world, "tool", customize=reads, versions={"2": {}})
    # The first one depends on the flag; it would find what the second one has made.
    world.recipe("program", deps=[{"tags": "tool"}, {"tags": "tool", "version": "2"}])
    assert ahead(world, "program") == ["tool"]
    assert ahead(world, "program", env={"CM_SIZE": "1"}) == []


def test_edits_of_other_recipes_are_not_forgotten(world: World) -> None:
    tool(world, "compiler", variations={"x": {}})
    tool(world, "library", deps=[{"tags": "compiler", "names": ["compiler"]}])
    world.recipe("program", deps=[{"tags": "library"}], variations={"odd": {"adr": {}}})
    assert ahead(world, "program") == ["compiler", "library"]
    typed = container(world, "program", adr={"compiler": {"tags": "_x"}})
    assert [one["tags"] for one in typed["prefetch"]] == ["compiler,_x", "library"]
    assert typed["prefetch"][1]["adr"] == {"compiler": {"tags": "_x"}}
    make_ahead(world, typed)
    before = world.entries()
    world.run("program", adr={"compiler": {"tags": "_x"}})
    assert world.entries() == before
    world.recipe(
        "editor",
        deps=[{"tags": "library"}],
        variations={"odd": {"adr": {"compiler": {"tags": "_x"}}}},
    )
    assert ahead(world, "editor,_odd") == ["compiler,_x"]


def test_what_must_not_run_while_an_image_is_built_is_not_made_ahead(world: World) -> None:
    tool(world, "plain")
    tool(world, "outside", docker={"run": False})
    tool(world, "partly", docker={"real_run": False})
    tool(world, "around", deps=[{"tags": "outside"}])
    tool(world, "stale", cache_expiration="1h")
    tool(world, "cuda-thing", tags=["cuda", "thing"])
    names = ["plain", "outside", "partly", "around", "stale", "cuda,thing"]
    world.recipe("program", deps=[{"tags": name} for name in names])
    assert ahead(world, "program") == ["plain"]


def test_what_is_made_ahead_names_the_recipes_it_may_need(world: World) -> None:
    world.recipe("deep")
    world.recipe("deeper", deps=[{"tags": "deep"}])
    tool(world, "compiler")
    maybe = {"tags": "deeper", "enable_if_env": {"CM_COMPILER": ["made"]}}
    never = {"tags": "unused", "enable_if_env": {"CM_NOT_SET": ["yes"]}}
    world.recipe("unused")
    tool(world, "library", deps=[{"tags": "compiler"}, maybe, never])
    calls = "def preprocess(i):\n    i['automation'].cmind.access({'action': 'run'})\n"
    tool(world, "caller", customize=calls + "    return {'return': 0}\n")
    world.recipe("program", deps=[{"tags": "library"}, {"tags": "caller"}])
    found = {one["tags"]: one for one in container(world, "program")["prefetch"]}
    names = {tags: [Path(p).name for p in one["recipes"]] for tags, one in found.items()}
    assert names == {
        "compiler": ["compiler"],
        "library": ["compiler", "deep", "deeper", "library"],
        "caller": ["caller"],
    }
    assert [tags for tags, one in found.items() if one["open"]] == ["caller"]


def test_secrets_are_named_and_not_shown(world: World) -> None:
    reads = "def preprocess(i):\n    i['env'].get('CM_GH_TOKEN')\n    return {'return': 0}\n"
    tool(world, "private-data", customize=reads)
    world.recipe(
        "program",
        deps=[{"tags": "private-data"}],
        input_mapping={"key": "CM_API_KEY", "url": "CM_URL"},
        env={"CM_CALL": "fetch <<<CM_API_KEY>>>"},
    )
    flags = {
        "gh_token": "planted-1",
        "key": "planted-2",
        "url": "https://user:planted-3@example.org/x",
        "env": {"HF_TOKEN": "planted-4", "CM_PLAIN": "seen"},
    }
    found = container(world, "program", **flags)
    assert "planted" not in json.dumps(found)
    assert sorted(found["command"]["secret_flags"]) == [
        "env.HF_TOKEN",
        "gh_token",
        "key",
        "url",
    ]
    assert {"CM_GH_TOKEN", "CM_API_KEY", "CM_URL", "HF_TOKEN"} <= set(found["secrets"])
    assert found["command"]["flags"]["env"] == {"CM_PLAIN": "seen"}
    assert found["env"]["CM_PLAIN"] == "seen"
    assert found["prefetch"] == []
    assert [one["tags"] for one in container(world, "program")["prefetch"]] == ["private-data"]


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_settings_are_merged_as_the_dialect_has_it(world: World, form: str) -> None:
    p = form.upper()
    world.recipe(
        "program",
        form=form,
        docker={
            "base_image": f"base:<<<{p}_RELEASE>>>",
            "mounts": [f"${{{{ {p}_DATA }}}}:/data"],
            "docker_input_mapping": {"data": f"{p}_DATA"},
            "deps": [{"tags": f"<<<{p}_RELEASE>>>"}],
            "default_env": {f"{p}_DEFAULT": "d"},
        },
        default_env={f"{p}_RELEASE": "7"},
        input_mapping={"size": f"{p}_SIZE"},
        variations={
            "gpu": {
                "docker": {"all_gpus": "yes", "mounts": ["/opt:/opt"]},
                "input_mapping": {"cards": f"{p}_CARDS"},
                "folder_path_env_keys": [f"{p}_OUT_DIR"],
            }
        },
        update_meta_if_env=[
            {"enable_if_env": {f"{p}_SIZE": ["big"]}, "docker": {"shm_size": "32gb"}},
            {"enable_if_env": {f"{p}_SIZE": ["huge"]}, "docker": {"shm_size": "64gb"}},
        ],
        file_path_env_keys=[f"{p}_FILE"],
        input_description={"where": {"desc": "a folder", "is_path": True}},
    )
    found = container(world, "program,_gpu", size="big", docker_base_image="other")
    settings = found["settings"]
    assert settings["base_image"] == "base:7"
    assert settings["mounts"] == [f"${{{{ {p}_DATA }}}}:/data", "/opt:/opt"]
    assert (settings["all_gpus"], settings["shm_size"]) == ("yes", "32gb")
    assert settings["deps"] == [{"tags": f"<<<{p}_RELEASE>>>"}]
    assert "shm_size" not in container(world, "program")["settings"]
    assert found["input_mapping"] == {
        "size": f"{p}_SIZE", "cards": f"{p}_CARDS", "data": f"{p}_DATA"
    }  # fmt: skip
    assert found["path_keys"] == {
        "file": [f"{p}_FILE"], "folder": [f"{p}_OUT_DIR"], "inputs": ["where"]
    }  # fmt: skip
    assert (found["dialect"], found["prefix"]) == (form, p)
    assert found["env"][f"{p}_DEFAULT"] == "d"
    flags = found["command"]["flags"]
    assert flags == {"tags": "program,_gpu", "size": "big"}


def test_recipes_say_whether_they_are_private(world: World) -> None:
    tool(world, "compiler", private=True)
    tool(world, "maybe")
    maybe = {"tags": "maybe", "enable_if_env": {"CM_COMPILER": ["made"]}}
    never = {"tags": "never", "enable_if_env": {"CM_NOT_SET": ["yes"]}}
    world.recipe("never")
    world.recipe("program", deps=[{"tags": "compiler"}, maybe, never])
    found = container(world, "program")
    assert {row["alias"]: row["private"] for row in found["recipes"]} == {
        "compiler": True, "maybe": False, "program": False
    }  # fmt: skip
    assert found["recipe"]["alias"] == "program"
    assert found["recipe"]["collection"]["path"] == str(world.folder)
    with (world.folder / "cmr.yaml").open("a") as file:
        file.write("private: true\n")
    assert all(row["private"] for row in container(world, "program")["recipes"])


def test_programs_and_system_packages(world: World) -> None:
    run = "# bash comment: wget\nset -e\ncd x && make -j4\ncurl -L x | tar xz\necho free beer\n"
    code = "def preprocess(i):\n    x = 'git clone ' + 'y'\n    return {'return': 0}\n"
    world.recipe("util", tags=["get", "generic-sys-util"], variations={
        "gl": {"env": {"CM_SYS_UTIL_NAME": "gl"}, "state": {"gl": {"apt": "libgl1", "dnf": ""}}}
    })  # fmt: skip
    world.recipe("program", run=run, customize=code, deps=[{"tags": "get,generic-sys-util,_gl"}])
    found = container(world, "program")
    assert found["programs"] == ["curl", "git", "make", "tar"]
    assert found["system_packages"] == [{"util": "gl", "packages": {"apt": "libgl1"}, "sure": True}]


HOST = """def preprocess(i):
    i['env']['CM_HOST_DATA'] = i['env'].get('CM_KIND', '')
    return {'return': 0}
"""


@pytest.mark.parametrize("kind", ["deps", "build_deps"])
def test_the_host_runs_what_the_container_needs_from_it(world: World, kind: str) -> None:
    world.recipe(
        "host-data", customize=HOST, new_env_keys=["CM_HOST_DATA"],
        variations={"x": {"env": {"CM_KIND": "x"}}},
    )  # fmt: skip
    listed = [
        {"tags": "host-data", "names": ["data"], "env": {"CM_KIND": "plain"}},
        {"tags": "not-there", "enable_if_env": {"CM_NOT_SET": ["yes"]}},
    ]
    world.recipe(
        "program", run=world.notes("ran"), docker={kind: listed, "default_env": {"CM_D": "1"}}
    )
    found = world.run("program", container_deps=kind)
    assert found["return"] == 0
    assert found["new_env"]["CM_HOST_DATA"] == "plain"
    assert found["deps"] == ["host-data"]
    edited = world.run("program", container_deps=kind, adr={"data": {"tags": "_x"}})
    assert edited["new_env"]["CM_HOST_DATA"] == "x"
    assert not world.noted()
    other = {"deps": "build_deps", "build_deps": "deps"}[kind]
    assert world.run("program", container_deps=other)["deps"] == []
    assert world.run("program", container_deps="what")["return"] > 0


def test_a_failing_dependency_on_the_host_is_the_error(world: World) -> None:
    world.recipe("broken", run="exit 3\n")
    world.recipe("program", docker={"deps": [{"tags": "broken"}]})
    answer = world.run("program", container_deps="deps")
    assert answer["return"] > 0
    assert "broken" in answer["error"]


def test_other_plans_and_runs_load_none_of_it(world: World, tmp_path: Path) -> None:
    world.recipe("program", docker={"run": True})
    code = (
        "import sys\nfrom cmcore.context import Context\nwith Context() as c:\n"
        "    assert c.access({'action': sys.argv[1], 'automation': 'script', 'tags': 'program'})"
        "['return'] == 0\nprint(*sorted(n for n in sys.modules if n.startswith('cm_script')))\n"
    )
    environ = {**world.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for action in ("run", "plan"):
        command = [sys.executable, "-c", code, action]
        done = subprocess.run(command, env=environ, cwd=world.here, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        names = ("containermeta", "containerdeps", "inside", "prefetch", "programs")
        assert not [n for n in done.stdout.split() if n.rpartition(".")[2] in names]
