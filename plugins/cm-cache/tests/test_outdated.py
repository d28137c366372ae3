"""Entries that nobody is served any more: named, and taken away when asked for."""

import time

import pytest

from cm_cache import commands, contributions, outdated, pruning, showing
from cm_cache.shelf import Shelf
from cmcore.config import Settings
from cmcore.errors import UsageError
from cmcore.types import Request

KEY = {"digest": "one", "variations": [], "inputs": {}}


def ask(action="prune", **flags):
    return Request(action, "cache", (), {"force": True, **flags})


def removed(result):
    return {item["uid"] for item in result.data["removed"]}


def two(cache, **more):
    """The same request, answered before and after its recipe was changed."""
    old = cache.store("get", "a", files={"f": "x"}, key=KEY, **more)
    new = cache.store("get", "a", files={"f": "x"}, key={**KEY, "digest": "two"}, **more)
    return old, new


def test_a_newer_one_replaces_an_older_one_of_the_same_request(cache):
    old, new = two(cache)
    assert outdated.replaced(cache_records(cache)) == {old.uid: new.uid}
    assert removed(pruning.prune(cache.ctx, ask(superseded=True))) == {old.uid}
    assert removed(pruning.prune(cache.ctx, ask(superseded=True))) == set()


def setting(cache, name, value):
    cache.ctx.environ = {f"CM_SETTING_CACHE_{name}": value}
    cache.ctx._settings = Settings(cache.ctx.paths, cache.ctx.environ, contributions.settings)


def cache_records(cache):
    return Shelf(cache.ctx).finished(())


@pytest.mark.parametrize(
    "other",
    [
        {"key": {**KEY, "variations": ["v"]}},
        {"key": {**KEY, "inputs": {"size": 2}}},
        {"inputs": {"CM_A": "2", "CM_B": None}},
        {"machine": {"name": "another", "id": "", "cpu": ""}},
        {"kind": "measured"},
    ],
)
def test_another_request_is_replaced_by_nothing(cache, other):
    usual = {"key": KEY, "inputs": {"CM_A": "1"}}
    cache.store("get", "a", files={"f": "x"}, **{**usual, **other})
    cache.store("get", "a", files={"f": "x"}, **{**usual, "kind": other.get("kind", "built")})
    assert outdated.replaced(cache_records(cache)) == {}


def test_variables_that_only_one_of_them_knows_do_not_count(cache):
    old, new = two(cache, inputs={"CM_A": "1"})
    cache.alter(new, inputs={"CM_A": "1", "CM_NEW": "x"})
    assert outdated.replaced(cache_records(cache)) == {old.uid: new.uid}


def test_what_somebody_needs_or_uses_stays(cache):
    old, _ = two(cache)
    user = cache.store("user", files={"f": "x"}, depends=[old.uid])
    result = pruning.prune(cache.ctx, ask(superseded=True))
    assert removed(result) == set()
    assert f"{old.uid} stays, because {user.uid} needs it" in result.view
    cache.ctx.access({"action": "rm", "automation": "cache", "artifact": user.uid, "force": True})
    cache.state(old)
    assert removed(pruning.prune(cache.ctx, ask(superseded=True))) == set()


def test_expired_ones(cache):
    old = cache.store("get", "a", files={"f": "x"}, cache_expiration=time.time() - 5)
    cache.store("get", "b", files={"f": "x"}, cache_expiration=time.time() + 500)
    (item,) = [i for i in commands.search(cache.ctx, ask("search")).data["list"] if "outdated" in i]
    assert item["uid"] == old.uid
    assert "expired on" in item["outdated"]
    assert removed(pruning.prune(cache.ctx, ask(expired=True))) == {old.uid}


def test_gc_without_a_size_takes_what_is_of_no_use(cache):
    old, _ = two(cache)
    expired = cache.store("get", "b", files={"f": "x"}, cache_expiration=time.time() - 5)
    assert removed(pruning.gc(cache.ctx, ask("gc"))) == {old.uid, expired.uid}
    with pytest.raises(UsageError, match="how much may stay"):
        pruning.prune(cache.ctx, ask(lru=True))


def test_gc_by_size_takes_what_is_of_no_use_first(cache):
    used = cache.store("other", files={"f": "x" * 9000})
    old, new = two(cache)
    assert removed(pruning.gc(cache.ctx, ask("gc", keep_size="1G"))) == {old.uid}
    assert removed(pruning.gc(cache.ctx, ask("gc", keep_size="0"))) == {used.uid, new.uid}


def test_gc_knows_the_size_from_the_settings(cache):
    for name in "abc":
        cache.store(name, files={"f": "x" * 9000})
    setting(cache, "KEEP_SIZE", "1k")
    assert len(removed(pruning.gc(cache.ctx, ask("gc")))) == 3


@pytest.mark.parametrize(("value", "left"), [("keep", 2), ("remove", 1)])
def test_a_setting_removes_them_as_soon_as_they_are_replaced(cache, value, left):
    setting(cache, "SUPERSEDED", value)
    _, new = two(cache)
    assert len(cache_records(cache)) == left
    assert cache.find("get", "a")[-1] == new


def test_listing_and_description_say_why(cache, tmp_path):
    tool = tmp_path / "gcc"
    tool.write_text("12")
    gcc = cache.store("get", "gcc", kind="detected", env={"CC": str(tool)}, version="12")
    old, new = two(cache, depends=[gcc.uid])
    tool.write_text("thirteen")
    found = commands.search(cache.ctx, ask("search"))
    by_uid = {item["uid"]: item for item in found.data["list"]}
    assert "has changed since" in by_uid[gcc.uid]["outdated"]
    assert f"tool thing: 12 ({tool}) there" in by_uid[new.uid]["outdated"]
    assert by_uid[old.uid]["superseded"] == new.uid
    assert "Outdated" in found.view.columns
    shown = showing.show(cache.ctx, Request("show", "cache", (old.uid,), {}))
    assert f"{new.uid} is newer" in shown.view
    assert "Outdated:" in shown.view
