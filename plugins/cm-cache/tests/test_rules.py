"""`cm rm|prune|gc|verify|show cache`: what needs what, what may go, what is broken."""

import os
import shutil
import time

import pytest

from cm_cache import (
    claims,
    commands,
    layout,
    pruning,
    records,
    relations,
    removal,
    showing,
    verifying,
)
from cm_cache.claims import folder_lock
from cm_cache.shelf import Shelf
from cmcore.errors import StorageError, UsageError
from cmcore.types import Request, Reservation


def ask(*words, action="prune", **flags):
    return Request(action, "cache", words, {"f": True, **flags})


def test_an_entry_that_leads_to_a_removed_one_is_not_served(cache):
    data = cache.store("data", files={"f": "x"}, env={"F": "HERE/f"})
    leads = cache.store("leads", env={"F": f"{data.path}/f"}, depends=[data.uid])
    helped = cache.store("helped", env={"N": "1"}, depends=[data.uid])
    assert [e.uid for e in cache.find("leads")] == [leads.uid]
    removal.remove(cache.ctx, ask("data"))
    assert cache.find("leads") == []
    assert f"it uses files of entry {data.uid}, which is gone" in cache.said[-1]
    assert [e.uid for e in cache.find("helped")] == [helped.uid]
    assert isinstance(cache.reserve(cache.ask("leads")), Reservation)


def removed(result):
    return {item["uid"] for item in result.data["removed"]}


def last_use(entry, days):
    """As if the entry was last used (and made) so many days ago."""
    path = os.path.join(entry.path, layout.USED)
    layout.touch(path)
    at = time.time() - 86400 * days
    os.utime(path, (at, at))


@pytest.fixture
def chain(cache):
    """c needs b needs a; x needs nothing."""
    a = cache.store("a", files={"big": b"a" * 5000})
    b = cache.store("b", files={"big": b"b" * 5000}, depends=[a.uid])
    c = cache.store("c", files={"big": b"c" * 5000}, depends=[b.uid])
    x = cache.store("x", files={"big": b"x" * 5000})
    for entry in (a, b, c, x):
        cache.alter(entry, created=time.time() - 100 * 86400)
    return a, b, c, x


def test_needs_are_stated_or_follow_from_the_path_it_depends_on(cache):
    a = cache.store("a")
    b = cache.store("b", dependent_cached_path=os.path.join(a.path, "bin", "tool"))
    c = cache.store("c", depends=[b.uid, b.uid, 7, None])
    shelf = Shelf(cache.ctx)
    assert [r.uid for r in relations.dependants(shelf, a.uid)] == [b.uid]
    closure = relations.closure(shelf, [shelf.get(c.uid)])
    assert [r.uid for r in closure.records] == [a.uid, b.uid, c.uid]
    assert set(closure.missing) == {"7"}


def test_needs_that_lead_in_a_circle_end(cache):
    a = cache.store("a")
    b = cache.store("b", depends=[a.uid])
    cache.alter(a, depends=[b.uid])
    shelf = Shelf(cache.ctx)
    assert {r.uid for r in relations.closure(shelf, [shelf.get(a.uid)]).records} == {a.uid, b.uid}
    assert removed(pruning.gc(cache.ctx, ask(keep_size="0"))) == set()


def test_remove_refuses_what_others_need_and_names_them(cache, chain):
    a, b, _, _ = chain
    with pytest.raises(UsageError, match=rf"{a.uid} is needed by {b.uid} \(b\)"):
        removal.remove(cache.ctx, Request("remove", "cache", (a.uid,), {}))
    result = removal.remove(cache.ctx, ask(a.uid))
    assert removed(result) == {a.uid}
    assert f"{a.uid} was needed by {b.uid}" in result.warnings[0]
    assert result.code == 0


def test_remove_of_a_whole_chain_is_nobodys_loss(cache, chain):
    result = removal.remove(cache.ctx, ask())
    assert len(removed(result)) == 4
    assert result.warnings == ()


def test_dry_run_names_and_leaves(cache, chain):
    a, *_ = chain
    for result in (
        removal.remove(cache.ctx, ask(a.uid, dry_run=True)),
        pruning.prune(
            cache.ctx, Request("prune", "cache", ("a",), {"class": "built", "dry_run": True})
        ),
    ):
        assert result.data["removed"] == []
    result = removal.remove(cache.ctx, ask("x", dry_run=True))
    assert [item["uid"] for item in result.data["would_remove"]] == [chain[3].uid]
    assert result.data["size"] > 5000
    table, text = result.view
    assert table.rows[0][0] == chain[3].uid
    assert "would remove 1" in text
    assert len(cache.find()) == 4


def test_prune_rules_narrow_each_other(cache):
    old = cache.store("old", kind="data", files={"f": b"1" * 9000})
    small = cache.store("small", kind="data")
    fresh = cache.store("fresh", kind="data", files={"f": b"1" * 9000})
    tool = cache.store("tool", files={"f": b"1" * 9000})
    for entry in (old, small, tool):
        cache.alter(entry, created=1.0)
    rules = {"class": "data", "older_than": "1d", "larger_than": "8k"}
    assert removed(pruning.prune(cache.ctx, ask(**rules))) == {old.uid}
    assert removed(pruning.prune(cache.ctx, ask(**{"class": "data", "older": "1d"}))) == {small.uid}
    assert removed(pruning.prune(cache.ctx, ask(larger_than="8k", older_than="0d"))) == {
        fresh.uid,
        tool.uid,
    }


@pytest.mark.parametrize(
    "flags", [{"class": "tool"}, {"larger_than": "big"}, {"older_than": "long"}, {"lru": True}, {}]
)
def test_prune_by_what_is_no_rule(cache, flags):
    with pytest.raises(UsageError):
        pruning.prune(cache.ctx, ask(**flags))


def test_prune_keeps_what_a_staying_entry_needs(cache, chain):
    a, b, c, x = chain
    last_use(c, 0)
    result = pruning.prune(cache.ctx, ask(older_than="30d"))
    assert removed(result) == {x.uid}
    assert f"{a.uid} stays, because {b.uid} needs it" in result.view


def test_gc_takes_the_least_recently_used_and_what_is_needed_last(cache, chain):
    a, b, c, x = chain
    for entry, days in ((a, 40), (b, 30), (c, 20), (x, 1)):
        last_use(entry, days)
    size = sum(item["size"] for item in showing.show(cache.ctx, ask()).data["list"])
    first = pruning.gc(cache.ctx, ask(keep_size=size - 1000))
    assert removed(first) == {c.uid}  # a and b are older, but needed
    assert removed(pruning.gc(cache.ctx, ask(keep_size=size - 6000))) == {b.uid}
    assert removed(pruning.prune(cache.ctx, ask(lru=True, keep_size="6k"))) == {a.uid}
    assert removed(pruning.gc(cache.ctx, ask(keep_size="1G"))) == set()
    assert [e.uid for e in cache.find()] == [x.uid]


def test_gc_goes_on_beside_an_entry_that_cannot_be_locked(cache, monkeypatch):
    cache.store("mine")
    theirs = cache.reserve(cache.ask("theirs"))
    cache.release(theirs)

    def forbidden(ctx, folder, **how):
        if folder == theirs.path:
            raise StorageError("cannot lock it: Permission denied")
        return folder_lock(ctx, folder, **how)

    monkeypatch.setattr(claims, "folder_lock", forbidden)
    result = pruning.gc(cache.ctx, ask(keep_size="0"))
    assert (len(removed(result)), os.path.isdir(theirs.path)) == (1, True)


def test_gc_spares_results_what_is_in_use_and_what_is_being_built(cache):
    result = cache.store("result", kind="measured")
    needed = cache.store("needed")
    used = cache.store("used", depends=[needed.uid])
    cache.state(used)  # by this process, which runs
    building = cache.reserve(cache.ask("building"))
    left = cache.reserve(cache.ask("left"))
    cache.release(left)
    gone = pruning.gc(cache.ctx, ask(keep_size="0"))
    assert removed(gone) == {left.uid}
    assert "still" in gone.view
    assert {e.uid for e in cache.find()} == {result.uid, needed.uid, used.uid}
    assert os.path.isdir(building.path)
    assert removed(pruning.gc(cache.ctx, ask(keep_size="0", **{"class": "measured"}))) == {
        result.uid
    }


def verified(cache, *words, **flags):
    result = verifying.verify(cache.ctx, ask(*words, action="verify", **flags))
    return result, {i["uid"]: i["problems"] for i in result.data["list"] if not i["ok"]}


def test_verify_of_a_sound_cache(cache, chain):
    result, broken = verified(cache)
    assert (result.code, broken, result.data["checked"]) == (0, {}, 4)
    assert verified(cache, "x")[0].data["checked"] == 1
    assert verified(cache, deep=True)[0].code == 0


def test_verify_finds_each_kind_of_damage_and_repairs(cache, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("1")
    data = cache.store("data", files={"f": "content"}, kind="data")
    state = cache.store("state")
    path = cache.store("path", dependent_cached_path=str(tmp_path / "never"))
    detected = cache.store("detected", env={"T": str(tool)}, kind="detected")
    needed = cache.store("needed")
    user = cache.store("user", env={"P": needed.path + "/bin"}, depends=[needed.uid])
    built_with = cache.store("builder", depends=[needed.uid])
    sound = cache.store("sound")
    left = cache.reserve(cache.ask("left"))
    cache.release(left)

    assert verified(cache)[1] == {path.uid: [f"{tmp_path}/never is gone"]}
    time_of = os.stat(os.path.join(data.path, "f"))
    with open(os.path.join(data.path, "f"), "w") as file:
        file.write("CONTENT")
    os.utime(os.path.join(data.path, "f"), ns=(time_of.st_atime_ns, time_of.st_mtime_ns))
    with open(os.path.join(state.path, layout.STATE), "w") as file:
        file.write("{")
    tool.write_text("2 other")
    shutil.rmtree(needed.path)

    result, broken = verified(cache)
    assert result.code == 1
    assert set(broken) == {state.uid, path.uid, detected.uid, user.uid}
    assert needed.uid in broken[user.uid][0]
    assert "changed" in broken[detected.uid][0]
    assert result.data["unfinished"] == 1
    _, broken = verified(cache, deep=True)
    assert set(broken) == {state.uid, path.uid, detected.uid, user.uid, data.uid}

    result, _ = verified(cache, deep=True, repair=True)
    assert result.code == 0
    assert "5 broken ones removed" in result.view[-1]
    assert set(layout.names(cache.root)) == {sound.uid, built_with.uid, left.uid}
    assert verified(cache)[0].code == 0


def test_prune_broken_is_what_verify_finds(cache, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("1")
    entry = cache.store("detected", env={"T": str(tool)}, kind="detected")
    cache.store("sound")
    assert removed(pruning.prune(cache.ctx, ask(broken=True))) == set()
    tool.unlink()
    assert removed(pruning.prune(cache.ctx, ask(broken=True))) == {entry.uid}


def test_show_says_why_from_which_run_and_who_needs_it(cache):
    dep = cache.store("dep")
    key = {"digest": "abc", "inputs": {"url": "http://x"}, "version": {}}
    run = {"id": "run-7", "command": "cm run script x"}
    entry = cache.store("thing", "_v", key=key, kind="data", depends=[dep.uid], run=run)
    user = cache.store("user", depends=[entry.uid])
    result = showing.show(cache.ctx, ask("thing", action="show"))
    (shown,) = result.data["list"]
    assert shown["class"] == "data"
    assert shown["depends"] == [{"uid": dep.uid, "tags": ["dep"]}]
    assert shown["dependants"] == [{"uid": user.uid, "tags": ["user"]}]
    for words in ("cm run script x, run run-7", '{"url": "http://x"}', "digest = abc", user.uid):
        assert words in result.view
    assert "version =" not in result.view


def test_show_gives_todays_paths_after_the_cache_was_moved(cache, new_cache):
    cache.store("a", env={"P": "HERE/x"})
    moved = new_cache("moved")
    os.makedirs(moved.ctx.paths.home)
    os.rename(cache.root, moved.root)
    (shown,) = showing.show(moved.ctx, ask("a", env=True)).data["list"]
    assert shown["new_env"] == {"P": f"{shown['path']}/x"}
    assert shown["path"].startswith(moved.root)


def test_class_is_listed(cache):
    cache.store("a", kind="data")
    assert commands.search(cache.ctx, ask()).data["list"][0]["class"] == "data"


def test_what_a_killed_import_left_is_swept_and_a_running_one_is_not(cache):
    from cm_cache.claims import folder_lock

    cache.store("a")
    left, running = (os.path.join(cache.root, layout.ARRIVING + n) for n in ("1-a", "2-b"))
    for folder in (left, running):
        os.makedirs(os.path.join(folder, "0123456789abcdef"))
    pid = os.fork()
    if pid == 0:
        lock = folder_lock(cache.ctx, running)
        time.sleep(60)
        os._exit(lock is None)
    try:
        while not os.path.exists(os.path.join(running, layout.LOCK + ".owner")):
            time.sleep(0.01)
        removal.sweep(cache.ctx, Shelf(cache.ctx))
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert not os.path.exists(left)
    assert os.path.exists(running)
    assert records.is_entry_uid("0123456789abcdef")
