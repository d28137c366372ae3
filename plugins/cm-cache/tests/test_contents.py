"""Files of finished entries that were cut short or taken away are noticed when they are served."""

import json
import os
import shutil

import pytest

from cm_cache import contents, layout, lookup, removal, settling
from cmcore.errors import StorageError
from cmcore.types import Request


def shorter(path):
    os.truncate(path, os.path.getsize(path) // 2)


def emptied(path):
    os.truncate(path, 0)


def gone(path):
    os.unlink(path)


def folder(path):
    os.unlink(path)
    os.mkdir(path)


def unreadable(path):
    os.chmod(path, 0)


def longer(path):
    with open(path, "a") as file:
        file.write("more")


def make(cache, *tags, count=1, **key):
    reservation = cache.reserve(cache.ask(*tags, key={"digest": "d", **key}))
    os.mkdir(os.path.join(reservation.path, "deep"))
    for k in range(count):
        with open(os.path.join(reservation.path, "deep", f"file-{k}"), "w") as file:
            file.write("what was built\n")
    return cache.publish(reservation)


@pytest.mark.parametrize("act", [shorter, emptied, gone, folder])
@pytest.mark.parametrize("kind", ["built", "data"])
def test_what_is_not_whole_is_not_served(cache, act, kind):
    entry = make(cache, "a", **{"class": kind})
    other = make(cache, "b", **{"class": kind})
    act(os.path.join(entry.path, "deep", "file-0"))
    with pytest.raises(StorageError, match="file-0") as caught:
        lookup.state(cache.find("a")[0], cache.ctx)
    assert entry.uid in str(caught.value)
    assert cache.find("a") == []
    assert cache.state(cache.find("b")[0])
    new = make(cache, "a", **{"class": kind})
    assert cache.find("a") == [new]
    assert cache.find("b") == [other]


@pytest.mark.parametrize("kind", ["built", "data"])
def test_what_may_not_be_read_is_left_alone(cache, kind):
    entry = make(cache, "a", **{"class": kind})
    path = os.path.join(entry.path, "deep", "file-0")
    unreadable(path)
    with pytest.raises(StorageError, match="cannot be read: deep/file-0 cannot be read") as caught:
        lookup.state(cache.find("a")[0], cache.ctx)
    assert "prune" not in str(caught.value)
    assert cache.find("a") == []
    new = make(cache, "a", **{"class": kind})
    assert new.uid != entry.uid
    assert cache.find("a") == [new]
    # It is no damage.
    answer = cache.ctx.access({"action": "verify", "automation": "cache", "repair": True})
    assert [one["uid"] for one in answer["list"] if one.get("closed")] == [entry.uid]
    cache.ctx.access({"action": "prune", "automation": "cache", "force": True, "broken": True})
    assert os.path.isdir(entry.path)
    os.chmod(path, 0o644)
    cache.restart()
    assert entry in cache.find("a")
    assert lookup.state(entry, cache.ctx)


@pytest.mark.parametrize(("kind", "served"), [("built", True), ("data", False)])
def test_only_data_may_not_grow(cache, kind, served):
    entry = make(cache, "a", **{"class": kind})
    longer(os.path.join(entry.path, "deep", "file-0"))
    assert bool(contents.flaw(entry.path, entry.meta)) is not served


def test_large_entries_cost_nothing(cache):
    most = make(cache, "a", count=contents.MOST - 1)  # `payload` is one more
    more = make(cache, "b", count=contents.MOST)
    assert len(most.meta[contents.CONTENTS]) == contents.MOST
    assert more.meta[contents.CONTENTS] == {}
    shutil.rmtree(os.path.join(more.path, "deep"))
    assert cache.state(more)


def test_a_file_that_was_put_elsewhere_is_followed(cache, tmp_path):
    entry = make(cache, "a")
    path = os.path.join(entry.path, "deep", "file-0")
    os.rename(path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    assert cache.state(entry)


@pytest.mark.parametrize("kept", [None, 3, [], {"x": "y"}, {"x": None}])
def test_what_somebody_wrote_in_its_place_is_no_evidence(cache, kept):
    entry = make(cache, "a")
    path = os.path.join(entry.path, layout.META)
    with open(path) as file:
        meta = json.load(file)
    meta[contents.CONTENTS] = kept
    with open(path, "w") as file:
        json.dump(meta, file)
    cache.restart()
    assert cache.state(cache.find("a")[0])


def test_sizes_are_those_after_paths_were_changed(cache, tmp_path):
    (tmp_path / "script").write_text("/old/place/bin")
    settling.rewrite(str(tmp_path), {"/old/place": "/new"})
    settling.write_entry(str(tmp_path), {"contents": {"script": 14}}, {})
    with open(tmp_path / layout.META) as file:
        assert json.load(file)[contents.CONTENTS] == {"script": 8}


def test_a_folder_of_ours_that_is_closed_can_be_removed(cache, monkeypatch):
    entry = make(cache, "a")
    os.chmod(entry.path, 0)
    if os.access(entry.path, os.W_OK):  # root: the system's answer is given here
        plain = os.open

        def refuse(path, *more, **options):
            if str(path).startswith(entry.path) and not os.stat(entry.path).st_mode & 0o700:
                raise PermissionError(13, "Permission denied", path)
            return plain(path, *more, **options)

        monkeypatch.setattr(os, "open", refuse)
    removal.remove(cache.ctx, Request("remove", "cache", (entry.uid,), flags={"f": True}))
    assert not os.path.exists(entry.path)
