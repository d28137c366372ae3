"""Caches of CM and MLCFlow, as these engines write them: listed, imported, left as they are."""

import json
import os

import pytest

from cm_cache import commands, foreign, importing
from cmcore.errors import NotFoundError
from cmcore.types import Request

RECIPE = "d0b5dd74373f4a62"


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(data if isinstance(data, str) else json.dumps(data))


def cm_entry(home, uid, tags, state=None, version="3.11", **meta):
    """An entry as cmind 4.2 writes it."""
    folder = os.path.join(home, "repos/local/cache", uid)
    about = {
        "alias": "",
        "automation_alias": "cache",
        "automation_uid": "541d6f712a6b464e",
        "tags": tags,
        "uid": uid,
        "version": version,
    }
    if "tmp" not in tags:
        about |= {
            "associated_script_artifact": f"get-python3,{RECIPE}",
            "associated_script_artifact_uid": RECIPE,
        }
    write(os.path.join(folder, "_cm.json"), {**about, **meta})
    if state is not None:
        write(os.path.join(folder, "cm-cached-state.json"), state)
    return folder


def mlc_entry(home, name, uid, tags, state=None):
    """An entry as mlcflow 1.3 writes it; its state still lacks what an old version wrote."""
    folder = os.path.join(home, "local/cache", name)
    about = {
        "alias": name,
        "uid": uid,
        "automation_alias": "cache",
        "automation_uid": "541d6f712a6b464e",
        "tags": tags,
    }
    if "tmp" not in tags:
        about |= {
            "associated_script_item": f"get-gcc, {RECIPE}",
            "associated_script_item_uid": RECIPE,
            "version": "12.2.0",
        }
    write(os.path.join(folder, "meta.json"), about)
    if state is not None:
        write(os.path.join(folder, "mlc-cached-state.json"), state)
    return folder


def state_of(**env):
    return {"new_env": env, "new_state": {}, "deps": [], "version": ""}


@pytest.fixture
def homes(tmp_path):
    """A CM and an MLCFlow home with whole, half-written and damaged entries."""
    cm, mlc = str(tmp_path / "CM"), str(tmp_path / "MLC")
    tool = tmp_path / "bin" / "python3"
    tool.parent.mkdir()
    tool.write_text("x")
    write(os.path.join(cm, "repos.json"), [])
    lib = cm_entry(cm, "1" * 16, ["get", "lib", f"script-artifact-{RECIPE}"])
    write(os.path.join(lib, "cm-cached-state.json"), state_of(LIB=f"{lib}/lib", **{"+PATH": [lib]}))
    write(os.path.join(lib, "env.sh"), f"export LIB={lib}/lib\n")
    os.symlink(os.path.join(lib, "env.sh"), os.path.join(lib, "link"))
    cm_entry(cm, "2" * 16, ["get", "python3"], state_of(PYTHON=str(tool)))
    cm_entry(cm, "3" * 16, ["tmp", "get", "half"])
    cm_entry(cm, "4" * 16, ["get", "lost"])
    cm_entry(cm, "5" * 16, ["get", "cut"], '{"new_env": {')
    write(os.path.join(cm, "repos/local/cache/nothing/readme"), "no meta")
    write(os.path.join(cm, "repos/local/cache", "6" * 16, "_cm.json"), "{")
    data = mlc_entry(mlc, "get-dataset_a1b2c3d4", "a1b2c3d4a1b2c3d4", ["get", "dataset"])
    write(os.path.join(data, "mlc-cached-state.json"), state_of(DATA=f"{data}/x", LIB=f"{lib}/lib"))
    write(os.path.join(data, "x"), f"in {data}\n")
    mlc_entry(mlc, "get-gcc_12345678", "1" * 16, ["get", "gcc"], state_of(GCC="/bin/sh"))
    return cm, mlc


def snapshot(*homes):
    found = {}
    for home in homes:
        for parent, _, files in os.walk(home):
            for name in files:
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    found[path] = file.read(), os.lstat(path).st_mtime_ns
    return found


def find(cache, *words, **flags):
    flags = {"foreign": True, **flags}
    return commands.search(cache.ctx, Request("search", "cache", words, flags))


def take(cache, *words, **flags):
    request = Request("import", "cache", words, flags)
    return importing.import_command(cache.ctx, request)


def register(cache, homes):
    from cmcore.collection_import import import_home

    for kind, home in zip(("cm", "mlc"), homes, strict=True):
        write(os.path.join(home, "repos.json"), [])
        import_home(cache.ctx.collections, kind, home)


def test_registered_homes_are_listed_with_what_is_wrong(cache, homes):
    with pytest.raises(NotFoundError, match="no registered collection has a cache"):
        find(cache)
    register(cache, homes)
    listed = {os.path.basename(item["path"]): item for item in find(cache).data["list"]}
    assert set(listed) == {
        *(str(n) * 16 for n in range(1, 7)),
        "get-dataset_a1b2c3d4",
        "get-gcc_12345678",
    }
    usable = {name for name, item in listed.items() if item["usable"]}
    assert usable == {"1" * 16, "2" * 16, "get-dataset_a1b2c3d4", "get-gcc_12345678"}
    assert "unfinished" in listed["3" * 16]["reason"]
    assert "cm-cached-state.json" in listed["4" * 16]["reason"]
    assert listed["get-gcc_12345678"]["dialect"] == "mlc"
    assert [item["version"] for item in find(cache, "get gcc").data["list"]] == ["12.2.0"]
    assert not os.path.exists(cache.root)


def test_home_can_be_named_instead(cache, homes, tmp_path):
    assert len(find(cache, path=homes[0]).data["list"]) == 6
    alone = commands.search(cache.ctx, Request("search", "cache", (), {"path": homes[0]}))
    assert len(alone.data["list"]) == 6
    assert len(find(cache, path=homes[1]).data["list"]) == 2
    assert len(find(cache, path=os.path.join(homes[1], "local", "cache")).data["list"]) == 2
    with pytest.raises(NotFoundError, match="no cache of CM or MLCFlow"):
        find(cache, path=str(tmp_path / "bin"))


def test_whole_entries_become_entries_of_their_recipe_and_class(cache, homes):
    register(cache, homes)
    before = snapshot(*homes)
    result = take(cache, foreign=True)
    assert snapshot(*homes) == before
    assert len(result.data["imported"]) == 4
    assert len(result.warnings) == 4
    assert all("is skipped" in text for text in result.warnings)

    (python,) = cache.find("get", "python3", recipe=RECIPE)
    assert (python.uid, python.version, python.meta["class"]) == ("2" * 16, "3.11", "detected")
    assert cache.state(python)["new_env"]["PYTHON"].endswith("/bin/python3")
    (lib,) = cache.find("lib", recipe=RECIPE)
    assert lib.meta["class"] == "built"
    assert cache.state(lib)["new_env"] == {"LIB": f"{lib.path}/lib", "+PATH": [lib.path]}
    with open(os.path.join(lib.path, "env.sh")) as file:
        assert file.read() == f"export LIB={lib.path}/lib\n"
    assert os.readlink(os.path.join(lib.path, "link")) == os.path.join(lib.path, "env.sh")
    (data,) = cache.find("dataset", recipe=RECIPE, dialect="mlc")
    assert (data.uid, data.meta["class"]) == ("a1b2c3d4a1b2c3d4", "data")
    assert cache.state(data)["new_env"] == {"DATA": f"{data.path}/x", "LIB": f"{lib.path}/lib"}
    with open(os.path.join(data.path, "x")) as file:
        assert file.read() == f"in {os.path.join(homes[1], 'local/cache/get-dataset_a1b2c3d4')}\n"
    (gcc,) = cache.find("gcc", recipe=RECIPE, dialect="mlc")
    assert {gcc.uid, lib.uid} > {"1" * 16}  # both had it there


def test_imported_again_they_are_recognised(cache, homes):
    take(cache, path=homes[0])
    result = take(cache, path=homes[0])
    assert (len(result.data["imported"]), len(result.data["known"])) == (0, 2)
    assert len(cache.find(recipe="", dialect="")) == 2


def test_some_of_them_by_tags_or_uid(cache, homes):
    assert len(take(cache, path=homes[0], tags="python3").data["imported"]) == 1
    assert len(take(cache, "1" * 16, path=homes[0]).data["imported"]) == 1
    with pytest.raises(NotFoundError):
        take(cache, path=homes[0], tags="nothing")


def test_detected_tool_that_changes_after_the_import_is_turned_down(cache, homes, tmp_path):
    take(cache, path=homes[0])
    (tmp_path / "bin" / "python3").write_text("another")
    assert cache.find("python3", recipe=RECIPE) == []


def test_cache_in_yaml(cache, tmp_path):
    folder = tmp_path / "home" / "cache" / ("7" * 16)
    write(str(folder / "_cm.yaml"), f"uid: '{'7' * 16}'\ntags: [get, x]\n")
    write(str(folder / "cm-cached-state.json"), state_of(A="1"))
    (entry,) = foreign.entries([str(tmp_path / "home" / "cache")])
    assert (entry.tags, entry.reason, entry.recipe) == (("get", "x"), "", "")


def test_file_that_cannot_be_copied_skips_its_entry(cache, homes):
    os.mkfifo(os.path.join(homes[0], "repos/local/cache", "1" * 16, "pipe"))
    result = take(cache, path=homes[0])
    assert len(result.data["imported"]) == 1
    assert any("pipe" in text and "cannot be copied" in text for text in result.warnings)
    assert [name for name in os.listdir(cache.root) if name.startswith(".arr")] == []
