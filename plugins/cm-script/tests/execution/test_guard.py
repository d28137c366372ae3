"""What recipe code does to the process around it: one clear error, or no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recipe_world import World

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Unix processes")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def hook(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"import os, signal, subprocess, sys, threading\ndef preprocess(i):\n{body}"


def started(world: World, *words: str, **how: object) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "cmcore", "run", "script", *words]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, env=world.environ, cwd=world.here, text=True, **streams | how)


def ran(world: World, *words: str) -> tuple[int, dict[str, object], str]:
    """Exit code, the document on stdout, and what was said."""
    with started(world, *words, "--out=json") as run:
        out, err = run.communicate()
    assert "Traceback" not in err + out
    return run.returncode, json.loads(out), err


HARMLESS = {
    "closes stdout": "sys.stdout.close()",
    "closes both": "sys.stdout.close(); sys.stderr.close()",
    "closes the real ones": "sys.__stdout__.close(); sys.__stderr__.close()",
    "closes the files": "[os.close(n) for n in (0, 1, 2)]",
    "has no streams": "sys.stdout = sys.stderr = sys.stdin = None",
    "replaces stdout": "import io; sys.stdout = sys.stderr = io.StringIO(); print('x')",
    "leads stdout elsewhere": "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)",
    "prints to a full disk": "os.dup2(os.open('/dev/full', os.O_WRONLY), 1); print('x' * 100000)",
    "changes the folder": "os.chdir('/')",
    "empties the environment": "os.environ.clear()",
    "handles signals": "[signal.signal(n, signal.SIG_IGN) for n in"
    " (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]",
    "forks": "os.fork() or os._exit(3)",
    "forks and forgets": "os.fork()",
    "has a thread that fails": "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
    "limits recursion": "sys.setrecursionlimit(60)",
    "empties sys.path": "sys.path.clear()",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_no_harm(world: World, what: str) -> None:
    if "full" in what and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    step = "echo native\necho T_SEEN=yes > tmp-run-env.out\n"
    world.recipe("r", customize=hook(HARMLESS[what]), run=step, new_env_keys=["T_*"])
    code, answer, said = ran(world, "--tags=r")
    assert (code, answer["new_env"]) == (0, {"T_SEEN": "yes"}), said
    assert said.count("native\n") == 1


FAILING = {
    "sys.exit(0)": "exit(0)",
    "os._exit(0)": "exit(0)",
    "os._exit(7)": "exit(7)",
    "raise GeneratorExit('why')": "GeneratorExit: why",
    "type('Own', (BaseException,), {}); raise BaseException('why')": "BaseException: why",
    "os.mkdir('gone'); os.chdir('gone'); os.rmdir(os.getcwd())": "deleted the folder",
}


@pytest.mark.parametrize("line", FAILING)
def test_what_fails_is_said_in_one_line(world: World, line: str) -> None:
    world.recipe("r", customize=hook(line), run="echo native\n")
    code, answer, said = ran(world, "--tags=r")
    assert code == answer["return"] == 1
    assert FAILING[line] in answer["error"]
    assert "preprocess" in answer["error"]
    assert said.count("cm: error:") == 1
    assert "native" not in said


def test_a_thread_that_goes_on_is_told_of(world: World) -> None:
    line = "import time; threading.Thread(target=time.sleep, args=(0.5,), name='pump').start()"
    world.recipe("r", customize=hook(line))
    code, _, said = ran(world, "--tags=r")
    assert code == 0
    assert "left pump running" in said


def test_the_main_thread_is_not_one_that_a_recipe_left(world: World) -> None:
    # A command that has no use for threads learns of its own when a recipe imports the module.
    world.recipe("r", customize="def preprocess(i):\n    import threading\n")
    code, _, said = ran(world, "--tags=r")
    assert code == 0
    assert "running" not in said


CALLS = {
    "os.system": "os.system(COMMAND)",
    "subprocess.run": "subprocess.run(COMMAND, shell=True)",
    "Popen": "with subprocess.Popen(['bash', '-c', COMMAND]) as child: child.communicate()",
    "popen": "os.popen(COMMAND + ' >&2').read()",
    "swallowed": "try: os.system(COMMAND)\n    except: pass",
    "native": "i['automation'].run_native_script({'run_script_input': i['run_script_input'],"
    " 'env': i['env'], 'script_name': 'long'})",
}


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at /proc")
@pytest.mark.parametrize("request_", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupt_of_the_command_alone_ends_all(
    world: World, call: str, request_: signal.Signals
) -> None:
    pids = world.home.parent / "pids"
    command = f"sleep 100 & echo $! >> '{pids}'; bash -c 'echo $$ >> \"{pids}\"; sleep 100; true'"
    world.recipe(
        "r",
        cache=True,
        customize=hook(f"COMMAND = {command + '; true'!r}", CALLS[call], "return {'return': 0}"),
        files={"long.sh": command + "\n"},
        run="echo native\n",
    )
    run = started(world, "--tags=r")
    found: list[int] = []
    try:
        while len(found) < 2 and run.poll() is None:
            time.sleep(0.05)
            found = [int(word) for word in pids.read_text().split()] if pids.exists() else []
        run.send_signal(request_)
        out, err = run.communicate()
        assert [alive(pid) for pid in found] == [False, False]
    finally:
        for pid in filter(alive, found):
            os.kill(pid, signal.SIGKILL)
        if run.poll() is None:
            run.kill()
    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}[request_]
    assert "Traceback" not in out + err
    assert "native" not in out + err
    assert world.entries() == []
    # Nothing stands in the way of the next one.
    world.folder.joinpath("script/r/customize.py").write_text("")
    assert world.run("r")["return"] == 0


BROKEN = {
    "full": "2>/dev/full",
    "closed": "2>&-",
    "a pipe that nobody reads": "2> >(true)",
}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("broken", BROKEN)
def test_an_answer_needs_no_stderr(world: World, broken: str) -> None:
    world.recipe("dep", run="echo native; echo error >&2\n")
    world.recipe(
        "r",
        deps=[{"tags": "dep"}],
        customize=hook(
            "print('x' * 100000)",
            "sys.stderr.write('y' * 100000)",
            "i['automation'].logger.warning('careful')",
            "os.system('echo from a child; true')",
            "return {'return': 0}",
        ),
        run="sleep 0.2; seq 20000; echo T_SEEN=yes > tmp-run-env.out\n",
        new_env_keys=["T_*"],
        warnings=["mind this"],
    )
    line = f'"{sys.executable}" -m cmcore run script --tags=r --out=json {BROKEN[broken]}'
    done = subprocess.run(
        ["bash", "-c", line], env=world.environ, cwd=world.here, stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["new_env"] == {"T_SEEN": "yes"}
