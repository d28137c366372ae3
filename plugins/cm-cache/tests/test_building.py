"""Reserve, publish, release: what one process sees."""

import json
import os
import threading

import pytest

from cm_cache import identity, layout, publishing
from cmcore.errors import StorageError, UsageError
from cmcore.types import CacheEntry, Outcome, Reservation


def test_published_entry_is_found_with_its_state(cache):
    assert cache.find("get", "tool") == []
    entry = cache.build("get", "tool", "_x", payload="7", dependent_cached_path="/opt/tool")
    assert cache.find("get", "tool") == [entry] == cache.find("get", "_x")
    assert entry.version == "7"
    assert entry.meta["dependent_cached_path"] == "/opt/tool"
    assert cache.state(entry)["new_env"] == {"PAYLOAD": "7"}


def test_meta_file_is_what_cm_users_know(cache):
    request = cache.ask("get", "tool", key={"digest": "abc", "class": "data", "version": {}})
    entry = cache.publish(cache.reserve(request), "3", tags=("get", "tmp", "-_y", "tool", "get"))
    with open(os.path.join(cache.root, entry.uid, "_cm.json"), encoding="utf-8") as file:
        meta = json.load(file)
    assert meta["automation_alias"] == "cache"
    assert meta["automation_uid"] == "541d6f712a6b464e"
    assert (meta["alias"], meta["uid"], meta["version"]) == ("", entry.uid, "3")
    assert meta["tags"] == ["get", "tool"]
    assert meta["associated_script_artifact"] == "thing,00000000000000aa"
    assert (meta["recipe_digest"], meta["class"], meta["dialect"]) == ("abc", "data", "cm")
    assert meta["key"] == {"digest": "abc", "class": "data", "version": {}}
    assert meta["key_digest"] == identity.key_digest(request)


def test_look_up_keeps_recipes_and_dialects_apart(cache):
    cm = cache.build("get", "tool")
    mlc = cache.build("get", "tool", dialect="mlc")
    other = cache.build("get", "tool", recipe="00000000000000bb")
    assert cache.find("get") == [cm]
    assert cache.find("get", dialect="mlc") == [mlc]
    assert cache.find("get", recipe="00000000000000bb") == [other]
    assert {e.uid for e in cache.find("get", recipe="")} == {cm.uid, other.uid}


def test_look_up_leaves_out_excluded_tags_and_expired_entries(cache):
    plain = cache.build("get", "tool")
    cache.build("get", "tool", "_x")
    cache.build("get", "tool", "old", cache_expiration=1)
    assert cache.find("get", excluded=("_x",)) == [plain]
    assert cache.find("old") == []


def test_order_is_sorted_tags_then_age(cache):
    second = cache.build("get", "b")
    first = cache.build("get", "a", "z")
    third = cache.build("get", "b")
    assert cache.find("get") == [first, second, third]


def test_nothing_is_visible_before_publish_and_after_release(cache):
    reservation = cache.reserve(cache.ask("get", "tool"))
    assert cache.find("get") == []
    assert cache.release(reservation, "no\nnetwork") is True
    cache.restart()
    assert cache.find("get") == []
    with open(os.path.join(reservation.path, layout.BUILDING), encoding="utf-8") as file:
        note = json.load(file)
    assert note["error"] == "no network"


def leave(cache, *tags, key=None, name="half", end="step failed"):
    """A run that put a file into its entry and failed, or died when `end` is empty."""
    reservation = cache.reserve(cache.ask(*tags, key=key))
    os.mkdir(os.path.join(reservation.path, "sub"))
    with open(os.path.join(reservation.path, "sub", name), "w") as file:
        file.write("x" * 1000)
    if end:
        cache.release(reservation, end)
    else:
        reservation.token.drop()
    return reservation


def test_unfinished_entry_is_taken_over_cleared_and_only_for_the_same_tags(cache):
    first = leave(cache, "get", "tool")
    other = cache.reserve(cache.ask("get", "tool", "_x"))
    assert (other.path != first.path, other.resumed) == (True, False)
    again = cache.reserve(cache.ask("tool", "get"))
    assert (again.path, again.resumed) == (first.path, False)
    assert any("cleared 1 files (1.0 kB)" in t and "step failed" in t for t in cache.said)
    entry = cache.publish(again)
    assert "_cm.json" in os.listdir(entry.path)
    assert not {"sub", layout.BUILDING} & set(os.listdir(entry.path))


@pytest.mark.parametrize("end", ["offline", ""])
def test_partial_download_is_continued_with_what_is_there(cache, end):
    key = {"digest": "d", "class": "data", "inputs": {"url": "x"}}
    first = leave(cache, "get", "set", key=key, end=end)
    again = cache.reserve(cache.ask("get", "set", key=key))
    assert (again.path, again.resumed) == (first.path, True)
    (text,) = [text for text in cache.said if "continuing" in text]
    assert "1 files (1.0 kB)" in text
    assert (end or "it was interrupted") in text
    assert "sub" in os.listdir(cache.publish(again).path)


DATA = {"digest": "d", "class": "data"}


def test_a_partial_download_that_may_not_be_read_is_begun_again(cache, monkeypatch):
    first = cache.reserve(cache.ask("a", key=DATA))
    with open(os.path.join(first.path, "download.part"), "w") as file:
        file.write("half")
    cache.release(first)
    # As for a user without root's rights.
    monkeypatch.setattr(os, "access", lambda path, how: not path.endswith(".part"))
    again = cache.reserve(cache.ask("a", key=DATA))
    assert (again.uid, again.resumed) == (first.uid, False)
    assert not os.path.exists(os.path.join(again.path, "download.part"))
    assert "download.part cannot be read: Permission denied" in "\n".join(cache.said)


def test_what_the_engine_left_for_a_step_is_no_part_of_what_is_continued(cache):
    first = cache.reserve(cache.ask("a", key=DATA))
    for name in ("tmp-state.json", "download.part"):
        with open(os.path.join(first.path, name), "w") as file:
            file.write("half")
    os.mkdir(os.path.join(first.path, "tmp-run.sh"))
    cache.release(first)
    again = cache.reserve(cache.ask("a", key=DATA))
    assert (again.uid, again.resumed) == (first.uid, True)
    left = {name for name in os.listdir(again.path) if not name.startswith(".cm-")}
    assert left == {"download.part"}


@pytest.mark.parametrize("change", [{"digest": "e"}, {"inputs": {"url": "y"}}, {"class": "built"}])
def test_partial_download_of_something_else_is_cleared(cache, change):
    key = {"digest": "d", "class": "data", "inputs": {"url": "x"}}
    first = leave(cache, "get", "set", key=key)
    again = cache.reserve(cache.ask("get", "set", key={**key, **change}))
    assert (again.path, again.resumed) == (first.path, False)
    assert "sub" not in os.listdir(again.path)
    assert any("cleared" in text and "are others now" in text for text in cache.said)


def test_partial_download_of_the_same_is_preferred_to_another_one(cache):
    keys = [{"class": "data", "n": n} for n in range(3)]
    held = [cache.reserve(cache.ask("set", key=key)) for key in keys]
    for reservation in held:
        cache.release(reservation)
    for reservation, key in zip(held, keys, strict=True):
        again = cache.reserve(cache.ask("set", key=key))
        assert (again.path, again.resumed) == (reservation.path, True)


def test_what_another_process_finished_is_handed_over_for_an_equal_key_only(cache):
    assert cache.find("get") == []
    cache.publish(cache.reserve(cache.ask("get", key={"inputs": 1})))
    assert isinstance(cache.reserve(cache.ask("get", key={"inputs": 2})), Reservation)
    assert isinstance(cache.reserve(cache.ask("get", key={"inputs": 1})), CacheEntry)


def test_entry_the_run_turned_down_does_not_come_back_as_news(cache):
    old = cache.build("get", "tool")
    request = cache.ask("get", "tool")
    assert cache.find("get", "tool") == [old]
    reservation = cache.reserve(request)
    assert isinstance(reservation, Reservation)
    assert reservation.uid != old.uid


def test_entry_finished_between_look_up_and_reservation_is_handed_over(cache):
    assert cache.find("get", "tool") == []
    entry = cache.build("get", "tool")
    assert cache.reserve(cache.ask("get", "tool")) == entry


def test_fresh_asks_for_another_entry(cache):
    one = cache.build("get", "tool")
    two = cache.reserve(cache.ask("get", "tool"), fresh=True)
    assert isinstance(two, Reservation)
    assert cache.publish(two).uid != one.uid
    assert len(cache.find("get")) == 2


def test_publish_and_release_may_be_repeated(cache):
    reservation = cache.reserve(cache.ask("a"))
    entry = cache.publish(reservation)
    assert cache.publish(reservation) == entry
    assert cache.release(reservation) is True
    assert cache.find("a") == [entry]
    other = cache.reserve(cache.ask("b"))
    assert cache.release(other) is cache.release(other) is True
    with pytest.raises(StorageError, match="released"):
        cache.publish(other)


def test_request_that_leads_to_itself_gets_a_folder_of_its_own(cache):
    outer = cache.reserve(cache.ask("a"))
    inner = cache.reserve(cache.ask("a"))
    assert inner.path != outer.path
    cache.publish(inner)
    innermost_after = cache.reserve(cache.ask("a"), refresh=None)
    assert isinstance(innermost_after, CacheEntry)
    cache.publish(outer)
    assert len(cache.find("a")) == 2


def test_refresh_hides_the_entry_until_it_is_published(cache):
    old = cache.build("a", payload="1")
    reservation = cache.reserve(cache.ask("a"), refresh=old)
    assert (reservation.path, reservation.resumed) == (old.path, False)
    assert cache.find("a") == []
    new = cache.publish(reservation, "2")
    assert cache.find("a") == [new]
    assert cache.state(new)["new_env"] == {"PAYLOAD": "2"}
    assert not [name for name in os.listdir(new.path) if "previous" in name or "building" in name]


def test_second_refresh_of_what_another_just_refreshed_takes_that(cache):
    old = cache.build("a", payload="1")
    new = cache.publish(cache.reserve(cache.ask("a"), refresh=old), "2")
    assert cache.reserve(cache.ask("a"), refresh=old) == new


def test_refresh_of_a_removed_entry_builds_a_new_one(cache):
    import shutil

    old = cache.build("a")
    shutil.rmtree(old.path)
    reservation = cache.reserve(cache.ask("a"), refresh=old)
    assert reservation.path != old.path
    assert not os.path.exists(old.path)


def test_failed_refresh_is_continued_and_remembers_the_old_result(cache):
    old = cache.build("a", payload="1")
    cache.release(cache.reserve(cache.ask("a"), refresh=old), "offline")
    assert cache.find("a") == []
    assert any("cm restore cache" in text for text in cache.said)
    again = cache.reserve(cache.ask("a"))
    assert (again.path, again.resumed) == (old.path, True)
    cache.release(again, "offline still")
    assert os.path.exists(os.path.join(old.path, layout.PREVIOUS))


def test_moved_cache_folder_keeps_working(cache, new_cache):
    entry = cache.build("a")
    reservation = cache.reserve(cache.ask("b"))
    state = {"new_env": {"+I": [f"-I{reservation.path}/inc"]}, "new_state": {"n": 1}}
    publishing.publish(cache.ctx, reservation, Outcome(("b",), "", state))
    cache.restart()
    moved = new_cache("elsewhere")
    os.makedirs(moved.ctx.paths.home)
    os.rename(cache.root, moved.root)
    assert [e.uid for e in moved.find("a")] == [entry.uid]
    (found,) = moved.find("b")
    assert moved.state(found) == {"new_env": {"+I": [f"-I{found.path}/inc"]}, "new_state": {"n": 1}}


@pytest.mark.parametrize("state", [{"new_env": {"x": {1, 2}}}, {"new_env": []}, {"x": object()}])
def test_state_that_json_cannot_hold_is_refused_in_a_sentence(cache, state):
    reservation = cache.reserve(cache.ask("a"))
    with pytest.raises(StorageError):
        publishing.publish(cache.ctx, reservation, Outcome(("a",), "", state))
    assert cache.find("a") == []
    assert cache.publish(reservation)


def test_key_digest_covers_the_whole_key_in_any_order(cache):
    one = cache.ask("a", key={"x": "1", "y": {"p": [1], "q": None}})
    same = cache.ask("b", key={"y": {"q": None, "p": [1]}, "x": "1"})
    other = cache.ask("a", key={"x": "1", "y": {"p": [2], "q": None}})
    assert identity.key_digest(one) == identity.key_digest(same) != identity.key_digest(other)
    assert len(identity.key_digest(one)) == 64
    with pytest.raises(UsageError, match="thing"):
        identity.key_digest(cache.ask("a", key={"x": {1}}))


def test_environment_with_undecodable_bytes_survives(cache):
    reservation = cache.reserve(cache.ask("a"))
    odd = os.fsdecode(b"/opt/\xff/bin")
    state = {"new_env": {"P": odd}, "new_state": {}}
    entry = publishing.publish(cache.ctx, reservation, Outcome(("a", "caf\u00e9"), "", state))
    assert cache.state(entry)["new_env"] == {"P": odd}
    assert cache.find("caf\u00e9") == [entry]


def outcome(reservation, **more):
    tags = reservation.token.request.entry_tags
    return Outcome(tags, "", {"new_env": {}, "new_state": {}}, {}, **more)


def test_of_two_who_build_beside_each_other_the_second_uses_what_the_first_has(cache):
    cache.find("a")
    one, two = (cache.reserve(cache.ask("a"), fresh=True) for _ in range(2))
    first = publishing.publish(cache.ctx, one, outcome(one, once=True))
    assert first.uid == one.uid
    assert publishing.publish(cache.ctx, two, outcome(two, once=True)) == first
    assert cache.find("a") == [first]
    assert os.listdir(cache.root).count(two.uid) == 0
    assert not cache.ctx.access({"action": "find", "automation": "cache", "tags": "tmp"})["list"]


def test_who_wants_another_one_gets_it(cache):
    one, two = (cache.reserve(cache.ask("a"), fresh=True) for _ in range(2))
    for reservation in (one, two):
        publishing.publish(cache.ctx, reservation, outcome(reservation))
    assert len(cache.find("a")) == 2


def test_nobody_publishes_beside_one_who_builds_the_same_in_its_turn(cache):
    beside = cache.reserve(cache.ask("a"), fresh=True)
    held = threading.Event()
    done = threading.Event()

    def build():
        other = type(cache)(os.path.dirname(cache.root))
        turn = other.reserve(other.ask("a"))
        held.set()
        done.wait()
        other.publish(turn)

    thread = threading.Thread(target=build)
    thread.start()
    held.wait()
    with pytest.raises(StorageError, match="held"):
        publishing.publish(cache.ctx, beside, outcome(beside, once=True))
    cache.release(beside)
    done.set()
    thread.join()
    assert len(cache.find("a")) == 1
