"""Whatever is done to the cache, a look-up finds what reading every folder finds."""

import json
import os
import shutil
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cm_cache import index, layout, opened, removal
from cm_cache.relocate import relocated
from cmcore.types import Request

TAGS = ["get", "tool", "_x", "_y", "version-1"]
tag_sets = st.lists(st.sampled_from(TAGS), min_size=1, max_size=4, unique=True)
ACTIONS = [
    "build",
    "copy",
    "copy",
    "delete",
    "rename",
    "fail",
    "refresh",
    "remove",
    "delete",
    "copy",
    "rename",
    "spoil",
]
ACTIONS += ["tmp", "restart", "forget"]
steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), tag_sets, st.integers(0, 99)), min_size=2, max_size=10
)


def by_reading(root, wanted, excluded):
    """UIDs in order, from the files alone and in the plainest way."""
    found = []
    for name in os.listdir(root) if os.path.isdir(root) else []:
        try:
            with open(os.path.join(root, name, "_cm.json"), encoding="utf-8") as file:
                meta = json.load(file)
            with open(os.path.join(root, name, "cm-cached-state.json"), encoding="utf-8") as file:
                assert isinstance(json.load(file), dict)
        except (OSError, ValueError):
            continue
        tags = set(meta["tags"])
        if meta["uid"] == name and set(wanted) <= tags and not tags & {*excluded, "tmp"}:
            found.append((sorted(meta["tags"]), meta["created"], name))
    return [name for _, _, name in sorted(found)]


def do(cache, action, tags, number):
    entries = [name for name in sorted(os.listdir(cache.root)) if not name.startswith(".")]
    folder = os.path.join(cache.root, entries[number % len(entries)]) if entries else ""
    found = cache.find()
    if action == "build":
        cache.build(*tags)
    elif action == "fail":
        cache.release(cache.reserve(cache.ask(*tags), fresh=True))
    elif action == "refresh" and found:
        cache.publish(cache.reserve(cache.ask(*tags), refresh=found[number % len(found)]))
    elif action == "remove" and entries:
        request = Request("remove", "cache", (os.path.basename(folder),), {"f": True})
        removal.remove(cache.ctx, request)
    elif action == "restart":
        opened.reset()
    elif action == "forget":
        opened.reset()
        shutil.rmtree(os.path.join(cache.root, layout.INDEX), ignore_errors=True)
    elif folder:
        by_hand(cache, action, folder, number)


def by_hand(cache, action, folder, number):
    if action == "delete":
        shutil.rmtree(folder)
    elif action == "copy":
        uid = f"{number:016x}"
        target = os.path.join(cache.root, uid)
        if os.path.exists(target):
            return
        shutil.copytree(folder, target)
        path = os.path.join(target, "_cm.json")
        if number % 2 and os.path.exists(path):
            with open(path) as file:
                meta = json.load(file)
            with open(path, "w") as file:
                json.dump({**meta, "uid": uid}, file)
    elif action == "rename":
        target = os.path.join(cache.root, f"{number + 100:016x}")
        if not os.path.exists(target):
            os.rename(folder, target)
    elif action == "spoil":
        with open(os.path.join(folder, "cm-cached-state.json"), "w") as file:
            file.write("{")
    elif action == "tmp" and os.path.exists(os.path.join(folder, "_cm.json")):
        with open(os.path.join(folder, "_cm.json")) as file:
            meta = json.load(file)
        with open(os.path.join(folder, "_cm.json"), "w") as file:
            json.dump({**meta, "tags": [*meta["tags"], "tmp"]}, file)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=steps,
    wanted=tag_sets,
    excluded=st.lists(st.sampled_from(TAGS), max_size=2),
    settled=st.booleans(),
)
def test_look_up_agrees_with_reading_every_folder(
    new_cache, tmp_path, monkeypatch, steps, wanted, excluded, settled
):
    opened.reset()
    # Either every change is so young that the folder is listed again, or none is.
    monkeypatch.setattr(index, "SETTLED", 0 if settled else 3600)
    cache = new_cache(f"home-{len(os.listdir(tmp_path))}")
    os.makedirs(cache.root)
    cache.build("get", "tool")
    cache.build("get", "_x", "version-1")
    for action, tags, number in steps:
        time.sleep(0.012)  # a tick of the file system's clock, which people do not outrun
        do(cache, action, tags, number)
        for question, without in ((wanted, excluded), ([], []), (["get"], ["_x"]), (["_x"], [])):
            found = [entry.uid for entry in cache.find(*question, excluded=tuple(without))]
            assert found == by_reading(cache.root, question, without), (action, question)
    assert not [text for text in cache.said if "index" in text]


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("/abc.", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("/a"), inner, max_size=3),
    max_leaves=8,
)


@given(json_data)
def test_relocation_is_undone_by_relocating_back(data):
    there = relocated(data, "/somewhere/old", "/quite/new")
    assert relocated(there, "/quite/new", "/somewhere/old") == data
    assert relocated(data, "/", "/x") == data


def test_relocation_changes_only_what_lies_below():
    data = {"a": ["/old/x", "/older/x", "-L/old/y:/old/z", "/old"], "/old/k": 1}
    moved = {"a": ["/new/x", "/older/x", "-L/new/y:/new/z", "/old"], "/old/k": 1}
    assert relocated(data, "/old/", "/new") == moved
