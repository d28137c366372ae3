"""Classes of entries: when data, detected and damaged ones are believed."""

import os
import subprocess
import sys

import pytest

from cm_cache import classes, digests, host, layout, lookup, recheck, trust, usage
from cmcore.errors import StorageError
from cmcore.types import Reservation


@pytest.fixture
def data(cache):
    return cache.store("get", "set", files={"a/one": "1" * 999, "two": b"\0\1"}, kind="data")


def change(path, text, keep_time=False):
    """Write other content of the same length, if wanted behind the back of the clock."""
    before = os.stat(path)
    with open(path, "r+") as file:
        file.write(text)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("stated", "tags", "expected"),
    [
        ("data", ["x"], "data"),
        ("measured", ["dataset"], "measured"),
        ("", ["get", "dataset"], "data"),
        (None, ["get", "ml-model"], "data"),
        (["data"], ["get", "cmake"], "built"),
        ("nonsense", ["run-mlperf"], "measured"),
    ],
)
def test_class_is_the_stated_one_or_what_the_tags_suggest(stated, tags, expected):
    assert classes.class_of({"class": stated}, tags) == expected


def test_meta_says_class_machine_run_and_dependencies(cache):
    run = {"id": "r1", "command": "cm run script x"}
    other = cache.store("dep")
    entry = cache.store("a", kind="built", depends=[other.uid], run=run)
    meta = cache.meta(entry)
    assert (meta["class"], meta["depends"], meta["run"]) == ("built", [other.uid], run)
    assert meta["host"] == host.identity()
    assert {"os", "version", "arch"} == set(meta["host"])
    assert "digests" not in meta


def test_data_is_published_with_digests_that_hold(cache, data):
    summary = cache.meta(data)["digests"]
    assert (summary["files"], summary["size"]) == (2, 1001)
    files, _ = digests.read(data.path, summary)
    assert set(files) == {"a/one", "two"}
    assert digests.check(data.path, cache.meta(data), deep=True) == []
    assert cache.state(data) == {"new_env": {}, "new_state": {}, "deps": [], "version": ""}


def test_engines_scratch_and_later_files_are_no_content(cache):
    entry = cache.store("set", files={"tmp-run.sh": "x", "sub/tmp-x": "y"}, kind="data")
    assert set(digests.read(entry.path, cache.meta(entry)["digests"])[0]) == {"sub/tmp-x"}
    cache.state(entry)
    with open(os.path.join(entry.path, "later"), "w") as file:
        file.write("z")
    assert digests.check(entry.path, cache.meta(entry), deep=True) == []


def test_digests_can_be_given_asked_for_and_left_out(cache):
    known = {"f": "ab" * 32}
    entry = cache.store("one", files={"f": "x"}, kind="data", digests=known)
    assert digests.read(entry.path, cache.meta(entry)["digests"])[0]["f"][0] == "ab" * 32
    assert "digests" not in cache.meta(cache.store("two", kind="data", digests=False))
    assert cache.meta(cache.store("three", files={"f": "x"}, digests=True))["digests"]["files"] == 1


@pytest.mark.parametrize(
    ("harm", "deep", "found"),
    [
        (lambda p: change(f"{p}/a/one", "2"), False, "a/one has other content"),
        (lambda p: change(f"{p}/a/one", "2", keep_time=True), False, ""),
        (lambda p: change(f"{p}/a/one", "2", keep_time=True), True, "a/one has other content"),
        (lambda p: os.truncate(f"{p}/a/one", 998), False, "a/one has 998 bytes instead of 999"),
        (lambda p: os.unlink(f"{p}/two"), False, "two is gone"),
        (lambda p: os.utime(f"{p}/two", (1, 1)), False, ""),
        (
            lambda p: change(f"{p}/{layout.DIGESTS}", " "),
            False,
            f"{layout.DIGESTS} has been changed",
        ),
        (lambda p: os.unlink(f"{p}/{layout.DIGESTS}"), False, "cannot read the file"),
    ],
)
def test_check_names_what_changed(cache, data, harm, deep, found):
    harm(data.path)
    problems = digests.check(data.path, cache.meta(data), deep=deep)
    assert len(problems) == bool(found)
    assert found in "".join(problems)


def test_links_are_content(cache):
    reservation = cache.reserve(cache.ask("set", key={"class": "data"}))
    os.symlink("payload", os.path.join(reservation.path, "link"))
    entry = cache.publish(reservation)
    assert digests.check(entry.path, cache.meta(entry), deep=True) == []
    os.unlink(os.path.join(entry.path, "link"))
    os.symlink("elsewhere", os.path.join(entry.path, "link"))
    assert digests.check(entry.path, cache.meta(entry), deep=False) == [
        "the link link leads elsewhere"
    ]


def rebooted(monkeypatch):
    monkeypatch.setattr(host, "boot_id", lambda: "another start of the machine")


def test_data_stored_shortly_before_a_restart_is_read_once_before_use(cache, data, monkeypatch):
    rebooted(monkeypatch)
    assert trust.doubt(data.path, cache.meta(data))[1] is True
    lookup.state(data, cache.ctx)
    assert [text for text in cache.said if "the machine was restarted" in text]
    cache.said.clear()
    lookup.state(data, cache.ctx)
    assert cache.said == []


def test_data_that_lost_its_content_in_a_crash_is_never_served(cache, data, monkeypatch):
    change(os.path.join(data.path, "a/one"), "\0" * 999, keep_time=True)
    cache.state(data)  # nothing happened that would make anybody doubt it
    rebooted(monkeypatch)
    with pytest.raises(StorageError, match="a/one has other content"):
        lookup.state(data, cache.ctx)
    assert cache.find("set") == []
    assert any(data.uid in text and "a/one" in text for text in cache.said)
    again = cache.reserve(cache.ask("get", "set"))
    assert isinstance(again, Reservation)
    assert cache.publish(again).uid != data.uid


def test_data_that_was_used_long_after_it_was_stored_survived(cache, data, monkeypatch):
    os.utime(os.path.join(data.path, layout.DIGESTS))
    layout.touch_used(data.path)
    meta = cache.meta(data)
    meta["digests"]["time"] -= 2 * trust.SETTLED
    cache.alter(data, digests=meta["digests"])
    rebooted(monkeypatch)
    assert trust.doubt(data.path, cache.meta(data)) == ("", False)


def serve(home, *tags, end=""):
    """Another process that is served an entry and ends as told."""
    code = (
        "import os, sys; from cm_cache import lookup; from cmcore.console import Console;"
        "from cmcore.context import Context; from cmcore.paths import Paths;"
        "from cmcore.types import CacheRequest;"
        f"ctx = Context(paths=Paths({str(home)!r}), console=Console(interactive=False));"
        f"ask = CacheRequest('00000000000000aa', 'thing', 'cm', {tags!r}, (), {tags!r}, {{}});"
        "entry = lookup.find(ctx, ask)[0]; lookup.state(entry, ctx);"
        f"print(entry.uid, flush=True); {end}"
    )
    paths = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def test_data_that_a_killed_run_used_is_checked_before_its_next_use(cache, data):
    home = cache.ctx.paths.home
    with serve(home, "set") as proper:
        proper.communicate()
    assert usage.uses(cache.root) == []
    with serve(home, "set", end="os.kill(os.getpid(), 9)") as killed:
        killed.communicate()
    change(os.path.join(data.path, "a/one"), "half")
    (use,) = usage.uses(cache.root)
    assert (use.alive, use.uids) == (False, {data.uid})
    with pytest.raises(StorageError, match="a/one has other content"):
        lookup.state(data, cache.ctx)
    assert [text for text in cache.said if "did not end properly" in text]
    assert [use for use in usage.uses(cache.root) if not use.alive] == []
    assert cache.find("set") == []


def test_data_that_a_killed_run_left_alone_is_served(cache, data):
    with serve(cache.ctx.paths.home, "set", end="os.kill(os.getpid(), 9)") as killed:
        killed.communicate()
    lookup.state(data, cache.ctx)
    cache.said.clear()
    lookup.state(data, cache.ctx)
    assert cache.said == []
    assert cache.find("set") == [data]


def test_running_process_is_known_with_what_it_uses(cache, data):
    other = cache.store("tool")
    with serve(cache.ctx.paths.home, "tool", end="sys.stdin.read()") as running:
        running.stdout.readline()
        assert usage.in_use(cache.root) == {other.uid}
        running.communicate()
    assert usage.in_use(cache.root) == set()


def test_process_of_another_machine_is_believed_to_run_for_a_week(cache, data):
    folder = os.path.join(cache.root, layout.INDEX, layout.USING)
    os.makedirs(folder)
    path = os.path.join(folder, "1@77@5@elsewhere")
    with open(path, "w") as file:
        file.write(f"{data.uid}\n")
    assert usage.in_use(cache.root) == {data.uid}
    os.utime(path, (1, 1))
    assert usage.in_use(cache.root) == set()


@pytest.fixture
def tool(tmp_path):
    path = tmp_path / "bin" / "tool"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho 1\n")
    return path


def detect(cache, tool, **more):
    env = {"TOOL": str(tool), "+PATH": str(tool.parent), "N": "1"}
    return cache.store("get", "tool", env=env, kind="detected", **more)


def upgrade(tool):
    tool.write_text("#!/bin/sh\necho 2 now\n")


def replace(tool):
    times = tool.stat()
    other = tool.with_name("other")
    other.write_text(tool.read_text())
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(tool)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (upgrade, "tool has changed since"),
        (replace, "tool has changed since"),
        (lambda tool: tool.unlink(), "tool is gone"),
        (lambda tool: (tool.unlink(), tool.parent.rmdir()), "bin"),
    ],
)
def test_detected_tool_that_changed_is_turned_down_with_a_reason(cache, tool, harm, why):
    entry = detect(cache, tool)
    assert cache.find("tool") == [entry]
    harm(tool)
    assert cache.find("tool") == []
    (text,) = cache.said
    assert entry.uid in text
    assert why in text


def test_files_that_come_and_go_beside_the_tool_do_not_matter(cache, tool):
    entry = detect(cache, tool)
    (tool.parent / "another").write_text("x")
    assert cache.find("tool") == [entry]


def test_detected_entry_of_another_machine_is_turned_down(cache, tool, monkeypatch):
    detect(cache, tool)
    monkeypatch.setattr(
        host, "identity", lambda: {"os": "debian", "version": "99", "arch": "riscv64"}
    )
    assert cache.find("tool") == []
    assert "this is debian 99 riscv64" in cache.said[0]


def test_new_detection_takes_the_place_of_the_old_one(cache, tool):
    entry = detect(cache, tool)
    upgrade(tool)
    assert cache.find("get", "tool") == []
    again = cache.reserve(cache.ask("get", "tool"))
    assert again.uid == entry.uid
    cache.publish(again, **{"class": "detected"})
    assert [e.uid for e in cache.find("get", "tool")] == [entry.uid]
    assert len(layout.names(cache.root)) == 1


def test_what_a_recipe_with_another_key_detected_is_left_alone(cache, tool):
    entry = detect(cache, tool, key={"digest": "old"})
    upgrade(tool)
    assert cache.find("get", "tool") == []
    assert cache.reserve(cache.ask("get", "tool")).uid != entry.uid


def test_only_detected_entries_watch_files(cache, tool):
    entry = cache.store("get", "tool", env={"TOOL": str(tool)}, kind="built")
    upgrade(tool)
    assert cache.find("tool") == [entry]


@pytest.mark.parametrize("watch", [None, [], {"paths": 7}, {"paths": [7, [], [None]]}, {"host": 3}])
def test_watch_that_somebody_garbled_stops_nothing(watch):
    assert recheck.flaw({"watch": watch}) == ""
