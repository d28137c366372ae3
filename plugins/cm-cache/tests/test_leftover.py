"""A run is killed and what it started goes on in the entry's folder."""

import os
import subprocess

import pytest

from cm_cache import leftover
from cmcore.types import Reservation

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs proc(5)")


@pytest.fixture
def work_in():
    running = []

    def begin(folder):
        process = subprocess.Popen(["sleep", "60"], cwd=folder)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.parametrize("below", ["", "deep/er"])
@pytest.mark.parametrize("refresh", [False, True])
def test_nobody_builds_where_a_killed_run_left_somebody_at_work(cache, work_in, refresh, below):
    old = cache.build("a") if refresh else None
    left = cache.reserve(cache.ask("a"), old)
    folder = os.path.join(left.path, below)
    os.makedirs(folder, exist_ok=True)
    cache.release(left)
    process = work_in(folder)
    new = cache.reserve(cache.ask("a"), old)
    assert isinstance(new, Reservation)
    assert new.path != left.path
    assert any(f"{process.pid} (sleep)" in text and left.path in text for text in cache.said)
    entry = cache.publish(new)
    assert cache.find("a") == [entry]
    process.kill()
    process.wait()
    assert cache.reserve(cache.ask("a"), fresh=True).path == left.path


def test_where_one_calls_from_does_not_count(cache, monkeypatch):
    left = cache.reserve(cache.ask("a"))
    cache.release(left)
    monkeypatch.chdir(left.path)
    assert leftover.workers(left.path) == []
    assert cache.reserve(cache.ask("a")).path == left.path


def test_neighbours_with_a_similar_name_do_not_count(tmp_path, work_in):
    for name in ("a", "ab"):
        (tmp_path / name).mkdir()
    process = work_in(tmp_path / "ab")
    assert leftover.workers(str(tmp_path / "a")) == []
    assert leftover.workers(str(tmp_path / "ab")) == [f"{process.pid} (sleep)"]


def test_who_fails_among_old_files_does_without_them_in_the_end(cache):
    old = cache.build("a")
    for _ in range(2):
        again = cache.reserve(cache.ask("a"), old)
        assert again.path == old.path
        cache.release(again, "the step failed")
    new = cache.reserve(cache.ask("a"))
    assert new.path != old.path
    assert any("the step failed" in text and old.path in text for text in cache.said)
    assert cache.find("a") == [] == cache.find("a", "b")
    entry = cache.publish(new)
    assert cache.find("a") == [entry]
