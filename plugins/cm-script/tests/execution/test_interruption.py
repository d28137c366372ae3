"""An interrupted step takes everything that it started with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from cm_script import interruption

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Unix processes")

OURS = """
import os
from cm_script.native import run_process
class Console:
    def child_stream(self): return 1
    def warn(self, text): print("warned:", text, flush=True)
script = "sleep 100 & echo $!; bash -c 'echo $$; sleep 100; true'; true"
run_process(["bash", "-c", script], ".", os.environ, Console())
"""


def alive(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> bool:
    for _ in range(500):
        try:
            if not alive(pid):
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at /proc")
@pytest.mark.parametrize("request_", [signal.SIGINT, signal.SIGTERM])
def test_the_whole_tree_ends_when_only_we_are_told(request_: signal.Signals) -> None:
    ours = subprocess.Popen([sys.executable, "-c", OURS], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    children = [int(ours.stdout.readline()) for _ in range(2)]
    try:
        assert all(map(alive, children))
        ours.send_signal(request_)
        ours.wait()
        assert [gone(child) for child in children] == [True, True]
    finally:
        for child in children:
            if not gone(child):
                os.kill(child, signal.SIGKILL)
        ours.stdout.close()
    # Python ends itself by the signal that it did not handle.
    assert ours.returncode == -request_


def test_a_program_with_a_handler_of_its_own_keeps_it() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with interruption.terminable():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_the_default_is_back_afterwards() -> None:
    with interruption.terminable():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("listing", ["_from_proc", "_from_ps"])
def test_both_ways_to_list_processes_find_a_grandchild(monkeypatch, listing: str) -> None:
    child = subprocess.Popen(
        ["bash", "-c", "sleep 100 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    try:
        if listing == "_from_ps":
            listdir = os.listdir
            monkeypatch.setattr(os, "listdir", lambda p: [] if p == "/proc" else listdir(p))
        below = interruption.descendants(os.getpid())
        assert {child.pid, grandchild} <= set(below)
        assert grandchild in interruption.descendants(child.pid)
        interruption.tell({grandchild: "another birth"}, signal.SIGKILL)
        assert not child.poll()
        interruption.tell({grandchild: below[grandchild]}, signal.SIGKILL)
        assert child.wait() == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
