"""An action that is killed at any of its writes leaves whole artifacts, and can be done again."""

import os
import shutil
import sys

import pytest

from cmcore import actions
from cmcore.artifacts import read_meta

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import context, killed_at, put, request, uid

OLD = {"alias": "a", "uid": uid(10), "tags": ["x"], "n": 1}


@pytest.fixture
def world(tmp_path):
    """Makes the same home anew: one artifact `a` with a file in the collection `box`."""

    def make():
        for name in ("home", "box"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / "box").mkdir()
        (tmp_path / "box" / "cmr.yaml").write_text("alias: box\n")
        text = f"alias: a\nuid: '{uid(10)}'\ntags: [x]\nn: 1\n"
        path = put(tmp_path / "box", "thing", "a", text, "_cm.yaml")
        with open(os.path.join(path, "file"), "w") as file:
            file.write("content")
        ctx = context(tmp_path / "home")
        ctx.collections.add(str(tmp_path / "box"))
        # So that the points of death lie in the action, not in the first indexing.
        ctx.index.search("thing")
        ctx.index.close()
        return ctx

    return make


def seen(ctx):
    """Every visible artifact's own meta, by collection; each has all its files."""
    found = []
    for artifact in ctx.index.search("thing"):
        assert artifact.meta == read_meta(artifact.path).data
        if artifact.meta.get("n"):
            assert os.path.exists(os.path.join(artifact.path, "file")), artifact.path
        found.append((artifact.collection.name, artifact.alias, artifact.meta))
    assert ctx.index.warnings() == []
    return found


CASES = {
    "add": (
        request("add", f"b,{uid(11)}", tags="y"),
        [[("box", "a")], [("local", "b"), ("box", "a")]],
    ),
    "update": (request("update", "a", meta={"n": 2}), [[("box", "a")]]),
    "copy": (request("copy", "a", "local:c"), [[("box", "a")], [("local", "c"), ("box", "a")]]),
    "rename": (request("move", "a", "b"), [[("box", "a")], [("box", "b")]]),
    "move": (request("move", "a", "local:"), [[("box", "a")], [("local", "a")]]),
    "remove": (request("remove", "a", force=True), [[("box", "a")], []]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_any_write(world, case):
    asked, states = CASES[case]
    act = getattr(actions, asked.action)
    points = 0
    for number in range(1, 120):
        ctx = world()
        died = killed_at(number, lambda c=ctx: act(c, asked))
        state = seen(ctx)
        assert [entry[:2] for entry in state] in states
        if not died:
            assert [entry[:2] for entry in state] == states[-1]
            break
        points += 1
        if [entry[:2] for entry in state] == states[0] and case != "update":
            act(ctx, asked)
            assert [entry[:2] for entry in seen(ctx)] == states[-1]
        if case == "update":
            assert state[0][2]["n"] in (1, 2)
            assert {**state[0][2], "n": 1} == OLD
    assert points > 5
