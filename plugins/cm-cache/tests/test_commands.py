"""`cm find|load|show|path|rm|prune|restore cache`."""

import errno
import os
import shutil
import stat
import time

import pytest

from cm_cache import commands, contributions, layout, measures, pruning, removal, showing
from cm_cache.shelf import Shelf
from cmcore.errors import AmbiguousError, CmError, NotFoundError, StorageError, UsageError
from cmcore.locking import Lock
from cmcore.types import Request


def ask(*words, **flags):
    return Request("x", "cache", words, flags)


def uids(result):
    return [item["uid"] for item in result.data["list"]]


@pytest.fixture
def three(cache):
    return [cache.build("get", name, payload=name) for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    ("words", "flags", "expected"),
    [
        ((), {}, "abc"),
        (("get b",), {}, "b"),
        (("get", "b"), {}, "b"),
        (("get,b",), {}, "b"),
        ((), {"tags": "get,b"}, "b"),
        ((), {"tags": ["get", "-b"]}, "ac"),
        (("get -b",), {"tags": "-a"}, "c"),
        (("*",), {"tags": "c"}, "c"),
        (("ffffffffffffffff",), {}, ""),
        ((), {"tags": "none"}, ""),
        ((), {"tags": "tmp"}, ""),
    ],
)
def test_find(cache, three, words, flags, expected):
    result = commands.search(cache.ctx, ask(*words, **flags))
    assert "".join(item["version"] for item in result.data["list"]) == expected
    assert result.code == 0


def test_find_in_a_home_without_cache_makes_nothing(cache):
    assert commands.search(cache.ctx, ask()).data == {"list": []}
    assert not os.path.exists(cache.ctx.paths.home)


def test_find_by_uid_and_what_recipes_use_of_an_item(cache, three):
    result = commands.search(cache.ctx, ask(three[1].uid))
    (item,) = result.data["list"]
    assert (item["path"], item["uid"]) == (three[1].path, three[1].uid)
    assert item["meta"]["tags"] == item["tags"] == ["get", "b"]
    assert result.view.rows == [("b,get", "b", three[1].path)]


def test_unfinished_entries_are_listed_when_asked_for(cache, three):
    left = cache.reserve(cache.ask("get", "d"))
    cache.release(left, "no compiler")
    assert uids(commands.search(cache.ctx, ask(tags="get,tmp"))) == [left.uid]
    assert left.uid not in uids(commands.search(cache.ctx, ask(tags="get")))
    text = showing.show(cache.ctx, ask(tags="d,tmp")).view
    assert "no compiler" in text


def test_load_and_path_need_exactly_one(cache, three):
    assert commands.load(cache.ctx, ask("get a")).data["meta"]["uid"] == three[0].uid
    assert commands.path(cache.ctx, ask("get a")).view == three[0].path
    with pytest.raises(AmbiguousError, match=three[2].uid):
        commands.load(cache.ctx, ask("get"))
    with pytest.raises(NotFoundError, match="nothing-such"):
        commands.path(cache.ctx, ask("nothing-such"))


def test_show_says_what_where_and_when(cache, three):
    cache.state(three[0])
    (item,) = showing.show(cache.ctx, ask("get a")).data["list"]
    assert item["recipe"] == "thing,00000000000000aa"
    assert item["size"] > 100
    assert item["last_used"] >= item["created"]
    text = showing.show(
        cache.ctx,
        ask("get a"),
    ).view
    assert three[0].path in text
    assert "PAYLOAD" not in text
    shown = showing.show(cache.ctx, ask("get a", env=True))
    assert '"PAYLOAD": "a"' in shown.view
    assert shown.data["list"][0]["new_env"] == {"PAYLOAD": "a"}
    with pytest.raises(NotFoundError):
        showing.show(cache.ctx, ask("nothing-such"))


def test_show_says_which_variables_decided(cache):
    env = {"CM_A": "1", "CM_B": None}
    inputs = {**env, "CM_FROM_BELOW": "x"}
    entry = cache.store("get", "a", key={"recipe": "thing", "env": env}, inputs=inputs)
    text = showing.show(cache.ctx, ask(entry.uid)).view
    for line in (
        "  recipe = thing",
        "  CM_A = 1",
        "  CM_FROM_BELOW = x",
        "  and 1 that were not set",
    ):
        assert line in text.split("\n")
    assert "null" not in text


def test_what_fits_nothing_is_answered_with_what_is_alike(cache, three):
    for words, tags in ((("gat",), ""), ((), "get,gat")):
        with pytest.raises(NotFoundError) as caught:
            removal.remove(cache.ctx, ask(*words, tags=tags))
        assert caught.value.hint == "did you mean 'get'?"
    uid = Shelf(cache.ctx).finished(())[0].uid
    with pytest.raises(NotFoundError) as caught:
        showing.show(cache.ctx, ask(uid[:9]))
    assert caught.value.hint == f"did you mean '{uid}'?"


def test_tables_leave_out_tags_that_say_nothing_to_people(cache):
    cache.store("get", "a", "script-artifact-00112233445566aa", "_x")
    result = commands.search(cache.ctx, ask())
    assert [row[0] for row in result.view.rows] == ["a,get,_x"]
    assert "script-artifact-00112233445566aa" in result.data["list"][0]["tags"]


@pytest.mark.parametrize("flag", [{"f": True}, {"force": "true"}, {"f": "True"}, {"force": "yes"}])
def test_remove_with_force(cache, three, flag):
    result = removal.remove(cache.ctx, ask(tags="b", **flag))
    assert [item["uid"] for item in result.data["removed"]] == [three[1].uid]
    assert not os.path.exists(three[1].path)
    assert cache.find("get") == [three[0], three[2]]
    with pytest.raises(NotFoundError) as raised:
        removal.remove(cache.ctx, ask(tags="b", **flag))
    assert raised.value.code == 16


def test_remove_without_force_needs_somebody_to_ask(cache, three, monkeypatch):
    with pytest.raises(UsageError, match="--force"):
        removal.remove(cache.ctx, ask(f=False))
    console = cache.ctx.console
    monkeypatch.setattr(console, "interactive", True)
    monkeypatch.setattr(console, "confirm", lambda question: "3 cache entries" not in question)
    with pytest.raises(UsageError, match="nothing was removed"):
        removal.remove(cache.ctx, ask())
    assert len(cache.find("get")) == 3
    assert removal.remove(cache.ctx, ask("get a")).code == 0
    assert len(cache.find("get")) == 2


def test_entry_in_use_is_refused_by_name_and_the_others_go(cache, three):
    busy = cache.reserve(cache.ask("get", "d"))
    result = removal.remove(cache.ctx, ask(f=True))
    assert result.code == 1
    assert busy.uid in result.warnings[0]
    assert os.path.isdir(busy.path)
    assert cache.find("get") == []
    cache.publish(busy)
    assert removal.remove(cache.ctx, ask(busy.uid, f=True)).code == 0


def test_remove_never_leaves_the_cache_folder(cache, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    inside = cache.build("a")
    os.symlink(outside, os.path.join(inside.path, "link"))
    linked = cache.build("b")
    shutil.move(linked.path, tmp_path / "big disk")
    os.symlink(tmp_path / "big disk", linked.path)
    assert cache.find("b") == [linked]
    removal.remove(cache.ctx, ask(f=True))
    assert (outside / "precious").exists()
    assert (tmp_path / "big disk" / "_cm.json").exists()
    assert os.listdir(cache.root) == [layout.INDEX]


def test_remove_makes_room_on_a_full_disk(cache, three, monkeypatch):
    def no_room(lock):
        error = OSError(errno.ENOSPC, "No space left on device")
        raise StorageError("cannot write the file", where=lock.owner_path) from error

    monkeypatch.setattr(Lock, "_sign", no_room)
    with pytest.raises(StorageError, match="cannot write the file"):
        cache.reserve(cache.ask("new"), fresh=True)
    assert len(layout.names(cache.root)) == 3
    result = removal.remove(cache.ctx, ask(f=True))
    assert (result.code, len(result.data["removed"])) == (0, 3)
    assert layout.names(cache.root) == []


def test_remove_of_read_only_folders(cache):
    entry = cache.build("a")
    deep = os.path.join(entry.path, "pkg", "deep")
    os.makedirs(deep)
    with open(os.path.join(deep, "file"), "w") as file:
        file.write("x")
    os.chmod(deep, stat.S_IRUSR | stat.S_IXUSR)
    os.chmod(os.path.dirname(deep), stat.S_IRUSR | stat.S_IXUSR)
    mode = os.stat(cache.root).st_mode
    assert removal.remove(cache.ctx, ask(f=True)).code == 0
    assert os.listdir(cache.root) == [layout.INDEX]
    assert os.stat(cache.root).st_mode == mode


def test_prune_broken_unfinished_and_old(cache, three, tmp_path):
    broken, old, gone = three
    with open(os.path.join(broken.path, layout.STATE), "w") as file:
        file.write("{")
    left = cache.reserve(cache.ask("get", "left"))
    cache.release(left)
    depends = cache.build("get", "dep", dependent_cached_path=str(tmp_path / "never"))
    with pytest.raises(UsageError, match="--broken"):
        pruning.prune(cache.ctx, ask(f=True))

    def pruned(**flags):
        result = pruning.prune(cache.ctx, ask(f=True, **flags))
        return {item["uid"] for item in result.data["removed"]}

    assert pruned(broken=True) == {broken.uid, depends.uid}
    assert pruned(unfinished=True) == {left.uid}
    assert pruned(older="1h") == set()
    cache.state(gone)
    long_ago = time.time() - 90_000
    for entry in (old, gone):
        path = os.path.join(entry.path, layout.META)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(f'"created": {entry.created!r}', f'"created": {long_ago}'))
    assert pruned(older="1d") == {old.uid}
    assert [entry.uid for entry in cache.find("get")] == [gone.uid]


def test_restore_brings_back_what_a_failed_refresh_hid(cache):
    old = cache.build("a", payload="1")
    reservation = cache.reserve(cache.ask("a"), refresh=old)
    with pytest.raises(CmError, match="in use"):
        removal.restore(cache.ctx, ask(old.uid))
    cache.release(reservation, "offline")
    assert removal.restore(cache.ctx, ask("a")).data == {"restored": [old.uid]}
    assert cache.find("a") == [old]
    assert cache.state(old)["new_env"] == {"PAYLOAD": "1"}
    with pytest.raises(NotFoundError):
        removal.restore(cache.ctx, ask("a"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 2592000), ("12h", 43200), ("90m", 5400), ("2w", 1209600), (3, 259200)],
)
def test_durations(text, seconds):
    assert measures.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "-1d", "1y", "1.5d", "\u0663d", True, "9999999d"])
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match="30d"):
        measures.duration(text)


def test_size_in_words():
    sizes = (0, 999, 1000, 12_345, 678_901_234, 5e9, 7e12)
    texts = ["0 B", "999 B", "1.0 kB", "12.3 kB", "679 MB", "5.0 GB", "7.0 TB"]
    assert [measures.size_text(size) for size in sizes] == texts


def test_completion_of_tags_and_uids(cache, three):
    assert contributions.complete(cache.ctx, ask(), "get,") == [
        "get,a",
        "get,b",
        "get,c",
        "get,get",
    ]
    assert three[0].uid in contributions.complete(cache.ctx, ask(), three[0].uid[:6])
    other = Request("search", "script")
    assert contributions.complete(cache.ctx, other, "") == []


def test_health_names_what_is_damaged(cache, three):
    (check,) = contributions.health_checks(cache.ctx)
    assert (check.ok, check.detail) == (True, "3 entries")
    os.unlink(os.path.join(three[0].path, layout.STATE))
    (check,) = contributions.health_checks(cache.ctx)
    assert not check.ok
    assert three[0].uid in check.detail
    assert "prune" in check.hint
