from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cm_script.dialects import CM, MLC
from cm_script.native import LAST_LINES, find_script, run_process
from cmcore.errors import CmError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Unix processes")


def bash(script: str, console, cwd=".", env=None, log=""):
    return run_process(["bash", "-c", script], cwd, env or os.environ, console, log)


def test_output_of_both_kinds_is_copied_in_order_and_logged(work, console):
    log = work / "logs" / "step.log"
    code, lines = bash("echo one; echo two >&2; echo three", console, log=str(log))
    assert (code, lines) == (0, ["one", "two", "three"])
    assert console.children() == log.read_text() == "one\ntwo\nthree\n"


def test_output_is_copied_while_the_process_still_runs(work, console):
    # The child waits for a file that only appears once its first line has come through.
    script = "echo ready; while [ ! -e go ]; do sleep 0.02; done; echo went"
    watcher = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time, pathlib\n"
            f"out = pathlib.Path({str(work.parent / 'children.txt')!r})\n"
            "while 'ready' not in out.read_text(): time.sleep(0.02)\n"
            "pathlib.Path('go').touch()\n",
        ]
    )
    try:
        assert bash(script, console)[0] == 0
    finally:
        watcher.kill()
        watcher.wait()
    assert console.children() == "ready\nwent\n"


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("exit 255", 255), ("kill -9 $$", -9)])
def test_exit_codes_are_those_of_the_process(work, console, script, code):
    assert bash(script, console)[0] == code


def test_programs_in_a_pipe_end_quietly_when_their_reader_does(work, console):
    _, lines = bash("yes | head -1; echo ${PIPESTATUS[0]}", console)
    assert lines == ["y", str(128 + signal.SIGPIPE)]


def test_only_the_last_lines_are_kept_and_progress_lines_count_once(work, console):
    script = "for n in $(seq 1000); do echo line $n; done; printf 'a\\rb\\rc\\n'"
    lines = bash(script, console)[1]
    assert len(lines) == LAST_LINES
    assert lines[-2:] == ["line 1000", "c"]


def test_much_output_is_neither_lost_nor_a_deadlock(work, console):
    log = work / "x.log"
    bash("head -c 3000000 /dev/zero | tr '\\0' x", console, log=str(log))
    assert log.stat().st_size == len(console.children()) == 3_000_000


def test_a_background_child_does_not_hold_the_step_up_and_lives_on(work, console):
    log = work / "x.log"
    script = (
        "(while [ ! -e go ]; do sleep 0.02; done; echo late; echo late >&2; touch done) & echo up"
    )
    code, lines = bash(script, console, log=str(log))
    assert (code, lines) == (0, ["up"])
    (work / "go").touch()
    for _ in range(500):
        if (work / "done").exists() and log.read_text().count("late") == 2:
            break
        time.sleep(0.02)
    assert (work / "done").exists(), "writing into the closed pipe ended the child"
    assert log.read_text() == "up\nlate\nlate\n"


def test_a_chatty_background_child_does_not_hold_the_step_up(work, console):
    code, _ = bash("(while [ ! -e stop ]; do echo noise; done) & echo up; exit 4", console)
    (work / "stop").touch()
    assert code == 4


def test_the_process_reads_what_was_piped_to_us(tmp_path):
    code = (
        "import os, sys\n"
        "from cm_script.native import run_process\n"
        "class Console:\n"
        "    def child_stream(self): return 1\n"
        "run_process(['bash', '-c', 'read x; echo got $x'], '.', os.environ, Console())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input="answer\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "got answer\n"


def test_another_folder_and_environment(work, console):
    (work / "sub dir").mkdir()
    env = {"PATH": os.environ["PATH"], "ONLY": "this"}
    _, lines = bash("pwd; echo $ONLY$HOME", console, cwd=str(work / "sub dir"), env=env)
    assert lines == [str(work / "sub dir"), "this"]


def test_a_reader_that_went_away_does_not_end_the_process(work, console, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(console, "child_stream", lambda: writer)
    try:
        code, lines = bash("echo one; echo two; touch finished", console)
    finally:
        os.close(writer)
    assert (code, lines) == (0, ["one", "two"])
    assert (work / "finished").exists()


def test_a_missing_program_is_named_with_the_path_that_was_searched(work, console, tmp_path):
    with pytest.raises(CmError) as caught:
        run_process(["bash"], ".", {"PATH": str(tmp_path)}, console)
    assert "program bash is needed" in caught.value.message
    assert str(tmp_path) in caught.value.where


def test_a_program_that_may_not_be_run_is_named(work, console):
    (work / "tool").write_text("x")
    with pytest.raises(CmError, match=r"cannot start .*tool: Permission denied"):
        run_process([str(work / "tool")], ".", os.environ, console)


def test_no_descriptor_is_left_open(work, console):
    bash("true", console)
    before = len(os.listdir("/dev/fd"))
    _, lines = bash("sleep 30 & echo $!", console, log="x.log")
    os.kill(int(lines[0]), signal.SIGKILL)
    assert len(os.listdir("/dev/fd")) == before


INTERRUPTED = """
import os, sys
from cm_script.native import run_process
class Console:
    def child_stream(self): return 1
script = "trap 'echo child told; exit 5' INT; echo ready; while :; do sleep 0.05; done"
try:
    run_process(["bash", "-c", script], ".", os.environ, Console())
except KeyboardInterrupt:
    print("interrupt raised", flush=True)
"""


def test_an_interrupt_reaches_the_process_and_is_raised_after_its_end():
    # Only our process is told, as with `kill -INT`, so that the child learns of it through us.
    ours = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    assert ours.stdout.readline() == "ready\n"
    ours.send_signal(signal.SIGINT)
    said = ours.communicate()[0]
    assert said == "child told\ninterrupt raised\n"


def script_for(folder: Path, names: str, env: dict[str, str], dialect, base="run") -> str:
    for name in names.split():
        (folder / name).touch()
    return os.path.basename(find_script(str(folder), base, env, dialect))


ALL = "run.sh run-os.sh run-plat.sh run-os-plat.sh run-os-9.sh"


@pytest.mark.parametrize(
    ("facts", "cm", "mlc"),
    [
        ({}, "run.sh", "run.sh"),
        ({"OS_FLAVOR": "os", "PLATFORM_FLAVOR": "plat"}, "run-os-plat.sh", "run-os-plat.sh"),
        (
            {"OS_FLAVOR": "os", "OS_VERSION": "9", "PLATFORM_FLAVOR": "plat"},
            "run-os-plat.sh",
            "run-os-9.sh",
        ),
        ({"OS_FLAVOR": "os", "OS_VERSION": "9"}, "run-os-9.sh", "run-os-9.sh"),
        ({"OS_FLAVOR": "os", "PLATFORM_FLAVOR": "other"}, "run-os.sh", "run-os.sh"),
        ({"PLATFORM_FLAVOR": "plat", "OS_VERSION": "9"}, "run-plat.sh", "run-plat.sh"),
        ({"OS_FLAVOR": "new"}, "run.sh", "run.sh"),
    ],
)
def test_the_script_for_this_host(tmp_path, facts, cm, mlc):
    for dialect, expected in ((CM, cm), (MLC, mlc)):
        env = {dialect.key("HOST_" + key): value for key, value in facts.items()}
        assert script_for(tmp_path, ALL, env, dialect) == expected


def test_related_systems_count_in_mlc(tmp_path):
    env = {"MLC_HOST_OS_FLAVOR": "mint", "MLC_HOST_OS_FLAVOR_LIKE": "debian"}
    assert script_for(tmp_path, "run.sh run-debian.sh", env, MLC) == "run-debian.sh"
    assert script_for(tmp_path, "", {**env, "MLC_HOST_OS_TYPE": "linux"}, CM) == "run.sh"


def test_no_script_at_all(tmp_path):
    assert find_script(str(tmp_path), "run", {}, CM) == ""
    assert find_script(str(tmp_path / "gone"), "run", {}, CM) == ""


def test_a_program_with_more_than_1024_open_files_runs_steps(work, console):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        answer = bash("echo said", console)
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answer == (0, ["said"])


def test_a_silent_process_leaves_no_log(work, console):
    log = work / "logs" / "step.log"
    assert bash("exit 3", console, log=str(log)) == (3, [])
    assert os.listdir(log.parent) == []


def test_a_log_that_cannot_be_is_told_before_anything_runs(work, console):
    (work / "logs").write_text("a file where the folder belongs")
    with pytest.raises(CmError, match="cannot write a log"):
        bash("touch ran", console, log=str(work / "logs" / "step.log"))
    assert not (work / "ran").exists()
