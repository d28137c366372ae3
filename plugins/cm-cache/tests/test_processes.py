"""Several real processes on one cache."""

import os
import subprocess
import sys
import time

import pytest

from cmcore.types import CacheEntry, Reservation

CHILDREN = os.path.join(os.path.dirname(__file__), "children.py")
PROCESSES, ROUNDS = 8, 6


@pytest.fixture
def start():
    running = []

    def begin(*words):
        process = subprocess.Popen(
            [sys.executable, CHILDREN, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_processes_that_race_for_an_entry_build_it_once(cache, start):
    home = cache.ctx.paths.home
    os.makedirs(home)
    processes = [start("race", home, ROUNDS) for _ in range(PROCESSES)]
    limit = time.monotonic() + 60
    while sum(name.startswith("ready") for name in os.listdir(home)) < PROCESSES:
        assert time.monotonic() < limit
        time.sleep(0.01)
    for number in range(ROUNDS):
        open(os.path.join(home, f"go-{number}"), "w").close()
        time.sleep(0.05)
    lines = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert "index" not in err
        lines += [line.split() for line in out.splitlines()]
    for number in range(ROUNDS):
        mine = [line for line in lines if line[0] == str(number)]
        assert len(mine) == PROCESSES
        assert [how for _, how, _, _ in mine].count("built") == 1
        assert len({uid for _, _, uid, _ in mine}) == 1
        assert len({payload for _, _, _, payload in mine}) == 1
    assert len(cache.find("round")) == ROUNDS


def test_waiter_says_for_whom_and_gets_the_entry(cache, start):
    process = start("hold", cache.ctx.paths.home, 0.4, "publish")
    uid = process.stdout.readline().strip()
    assert cache.find("held") == []
    entry = cache.reserve(cache.ask("held"))
    assert isinstance(entry, CacheEntry)
    assert (entry.uid, entry.version) == (uid, "theirs")
    assert any(f"waiting for process {process.pid}" in text for text in cache.said)


@pytest.mark.parametrize("more", [(), ("data",)])
@pytest.mark.parametrize("end", ["die", "release"])
def test_waiter_takes_over_when_the_builder_ends_without_a_result(cache, start, end, more):
    process = start("hold", cache.ctx.paths.home, 0.4, end, *more)
    uid = process.stdout.readline().strip()
    key = {"digest": "d", "class": "data"} if more else {"digest": "d"}
    reservation = cache.reserve(cache.ask("held", *more, key=key))
    assert isinstance(reservation, Reservation)
    # What was downloaded so far is kept, what was built so far is not.
    assert (reservation.uid, reservation.resumed) == (uid, bool(more))
    assert ("half" in os.listdir(reservation.path)) == bool(more)
    cache.publish(reservation)
    assert [e.uid for e in cache.find("held")] == [uid]


def test_different_things_do_not_wait_for_each_other(cache, start):
    process = start("hold", cache.ctx.paths.home, 60, "die")
    process.stdout.readline()
    other = cache.reserve(cache.ask("other"))
    fresh = cache.reserve(cache.ask("held"), fresh=True)
    assert process.poll() is None
    assert isinstance(other, Reservation)
    assert isinstance(fresh, Reservation)
    assert not fresh.resumed
    cache.publish(other)
    cache.publish(fresh)


def test_hit_imports_nothing_heavy(cache):
    cache.build("a")
    code = (
        "import sys; sys.path[:0] = [sys.argv[2]]; import children; from cm_cache import lookup\n"
        "ctx = children.context(sys.argv[1]); (entry,) = lookup.find(ctx, children.request('a'))\n"
        "lookup.state(entry); heavy = {'yaml', 'filelock', 'pluggy', 'click', 'platformdirs',"
        " 'dataclasses', 'subprocess', 'hashlib', 'shutil', 'pathlib', 'logging', 'tempfile'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, cache.ctx.paths.home, os.path.dirname(__file__)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert done.stdout.strip() == "[]"
