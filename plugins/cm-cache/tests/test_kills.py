"""SIGKILL between any two changes: nothing half is served and the next run goes on by itself.

A child process does one thing to the cache and is killed before its n-th change of the file
system or statement of the index, for every n until it gets through.
"""

import builtins
import os
import signal
import sys

import pytest

from cm_cache import (
    building,
    digests,
    exporting,
    importing,
    layout,
    lookup,
    opened,
    pruning,
    records,
    removal,
)
from cm_cache.shelf import Shelf
from cmcore.types import CacheEntry, Request, Reservation

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

EVENTS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.utime", "os.truncate"}


def die_at(n):
    """Arrange that this process is killed before its n-th change."""
    import sqlite3

    count = 0

    def change(partly=lambda: None):
        nonlocal count
        count += 1
        if count == n:
            partly()
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if event in EVENTS or writes:
            change()

    write, connect = os.write, sqlite3.connect

    def half_write(handle, data):
        change(lambda: write(handle, bytes(data)[: len(data) // 2]))
        return write(handle, data)

    def traced(*arguments, **more):
        connection = connect(*arguments, **more)
        connection.set_trace_callback(traced_statement)
        return connection

    def traced_statement(statement):
        if not statement.startswith("SELECT"):
            change()

    os.write, sqlite3.connect = half_write, traced
    sys.addaudithook(hook)


def survives(act, n):
    """Run `act` in a child that is killed at its n-th change; True when it got through."""
    opened.reset()
    pid = os.fork()
    if pid == 0:
        try:
            die_at(n)
            act()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  # the child must not return into pytest
            builtins.print(f"child failed: {error!r}", file=sys.__stderr__, flush=True)
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def each_moment(new_cache, prepare, act, after):
    """`after(cache, prepared)` holds whenever `act(cache, prepared)` is killed."""
    n = 0
    done = False
    while not done:
        n += 1
        cache = new_cache(f"home-{n}")
        prepared = prepare(cache)
        done = survives(lambda c=cache, p=prepared: act(c, p), n)
        cache.restart()
        after(cache, prepared)
        agrees(cache)
    return n


def agrees(cache):
    """The index says what the folders say, and nothing was said about damage."""
    read = (records.read(cache.root, uid) for uid in layout.names(cache.root))
    finished = {r.uid for r in read if r.kind == records.FINISHED}
    assert {e.uid for e in cache.find(recipe="", dialect="")} == finished
    assert not [text for text in cache.said if "damaged" in text]


def served(cache):
    """Payloads of all entries that a run would be served; each one whole."""
    payloads = []
    for entry in cache.find("a"):
        payload = cache.state(entry)["new_env"]["PAYLOAD"]
        with open(os.path.join(entry.path, "payload")) as file:
            assert file.read() == payload == entry.version
        payloads.append(payload)
    return payloads


def run_again(cache, payload):
    """What the next run does: take what is there or build it."""
    found = cache.find("a") or [cache.reserve(cache.ask("a"))]
    if isinstance(found[0], Reservation):
        cache.publish(found[0], payload)


def test_build(new_cache):
    def after(cache, _):
        assert served(cache) in ([], ["1"])
        run_again(cache, "1")
        assert served(cache) == ["1"]

    n = each_moment(
        new_cache,
        lambda cache: None,
        lambda cache, _: cache.publish(cache.reserve(cache.ask("a")), "1"),
        after,
    )
    assert n > 30


def test_build_of_data(new_cache):
    key = {"class": "data"}

    def after(cache, _):
        assert served(cache) in ([], ["1"])
        found = cache.find("a") or [cache.reserve(cache.ask("a", key=key))]
        if isinstance(found[0], Reservation):
            cache.publish(found[0], "1")
        assert served(cache) == ["1"]
        (record,) = Shelf(cache.ctx).finished(["a"])
        assert digests.check(os.path.join(cache.root, record.uid), record.meta, deep=True) == []
        assert record.meta["digests"]["files"] == 1

    each_moment(
        new_cache,
        lambda cache: None,
        lambda cache, _: cache.publish(cache.reserve(cache.ask("a", key=key)), "1"),
        after,
    )


def test_import(new_cache, tmp_path):
    there = new_cache("there")
    there.build("a", payload="1")
    there.build("b")
    file = str(tmp_path / "both.tar")
    exporting.export(there.ctx, Request("export", "cache", (), {"to": file}))

    def load(cache):
        importing.import_command(cache.ctx, Request("import", "cache", (file,)))

    def after(cache, _):
        assert served(cache) in ([], ["1"])
        load(cache)
        assert served(cache) == ["1"]
        assert len(layout.names(cache.root)) == 2
        removal.sweep(cache.ctx, Shelf(cache.ctx))
        assert [n for n in os.listdir(cache.root) if n.startswith(layout.ARRIVING)] == []

    each_moment(new_cache, lambda cache: None, lambda cache, _: load(cache), after)


def test_continued_build(new_cache):
    def after(cache, _):
        assert served(cache) in ([], ["2"])
        run_again(cache, "2")
        assert served(cache) == ["2"]
        assert len(layout.names(cache.root)) == 1

    each_moment(
        new_cache,
        lambda cache: cache.release(cache.reserve(cache.ask("a"))),
        lambda cache, _: cache.publish(cache.reserve(cache.ask("a")), "2"),
        after,
    )


def test_release(new_cache):
    def after(cache, _):
        assert served(cache) == []
        run_again(cache, "1")
        assert served(cache) == ["1"]
        assert len(layout.names(cache.root)) == 1

    def prepare(cache):
        cache.release(cache.reserve(cache.ask("a")))

    each_moment(
        new_cache,
        prepare,
        lambda cache, _: cache.release(cache.reserve(cache.ask("a")), "again"),
        after,
    )


def test_refresh(new_cache):
    def after(cache, old):
        assert served(cache) in ([], ["1"], ["2"])
        run_again(cache, "3")
        assert served(cache) in (["1"], ["2"], ["3"])
        newest = cache.publish(cache.reserve(cache.ask("a"), refresh=cache.find("a")[0]), "4")
        assert newest.uid == old.uid
        assert served(cache) == ["4"]

    def act(cache, old):
        reservation = building.reserve(cache.ctx, cache.ask("a"), old)
        # The recipe's own files change only while the entry is hidden.
        assert not os.path.exists(os.path.join(old.path, layout.META))
        cache.publish(reservation, "2")

    each_moment(new_cache, lambda cache: cache.build("a", payload="1"), act, after)


def test_remove(new_cache):
    def after(cache, entry):
        assert served(cache) in ([], ["1"])
        if served(cache):
            removal.remove(cache.ctx, Request("remove", "cache", flags={"f": True}))
        pruning.prune(cache.ctx, Request("prune", "cache", flags={"unfinished": True, "f": True}))
        assert os.listdir(cache.root) == [layout.INDEX]
        run_again(cache, "2")
        assert served(cache) == ["2"]

    each_moment(
        new_cache,
        lambda cache: cache.build("a", payload="1"),
        lambda cache, _: removal.remove(cache.ctx, Request("remove", "cache", flags={"f": True})),
        after,
    )


def test_restore(new_cache):
    def prepare(cache):
        old = cache.build("a", payload="1")
        cache.release(cache.reserve(cache.ask("a"), refresh=old))
        return old

    def restore(cache, old):
        removal.restore(cache.ctx, Request("restore", "cache", (old.uid,)))

    def after(cache, old):
        assert served(cache) in ([], ["1"])
        if not served(cache):
            restore(cache, old)
        assert served(cache) == ["1"]

    each_moment(new_cache, prepare, restore, after)


def test_first_look_up(new_cache):
    def prepare(cache):
        entry = cache.build("a", payload="1")
        opened.reset()
        for name in os.listdir(os.path.join(cache.root, layout.INDEX)):
            os.unlink(os.path.join(cache.root, layout.INDEX, name))
        return entry

    def after(cache, entry):
        assert served(cache) == ["1"]
        assert isinstance(cache.reserve(cache.ask("a", "b")), Reservation)
        lookup._shown.clear()
        assert isinstance(cache.reserve(cache.ask("a")), CacheEntry)

    each_moment(new_cache, prepare, lambda cache, _: cache.find("a"), after)
