"""`cm` in a real process, with or without a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from recipe_world import World

_PATIENCE = 60.0


class Said(NamedTuple):
    """What a process printed, and how it ended."""

    out: str
    err: str
    code: int


def cm(world: World, *words: str, here: str = "") -> Said:
    """`cm WORDS` without a terminal; stdin is at its end."""
    done = subprocess.run(
        [sys.executable, "-m", "cmcore", *words],
        cwd=here or world.here,
        env=world.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return Said(done.stdout, done.stderr, done.returncode)


def cm_on_terminal(world: World, words: Sequence[str], answers: Sequence[tuple[str, str]]) -> Said:
    """`cm WORDS` on a pseudo terminal; its whole output is in `out`.

    Args:
        world: home and folder.
        words: the command line.
        answers: (text to wait for in what was printed since the last answer, line to type).
    """
    master, slave = pty.openpty()
    environ = {**world.environ, "HOME": str(world.home), "TERM": "dumb", "PS1": "$ "}
    process = subprocess.Popen(
        [sys.executable, "-m", "cmcore", *words],
        cwd=world.here,
        env=environ,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    said, seen, waiting = "", 0, list(answers)
    deadline = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 0.1)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                data = os.read(master, 65536)
            except OSError:  # the last one on the other side has gone
                break
            said += data.decode("utf-8", "replace").replace("\r\n", "\n")
            while waiting and waiting[0][0] in said[seen:]:
                text, line = waiting.pop(0)
                seen = said.index(text, seen) + len(text)
                # A line break after Ctrl-C would be one more empty command.
                os.write(master, line.encode() + (b"" if line == "\x03" else b"\n"))
        code = process.wait(timeout=5)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
    assert not waiting, (waiting, said)
    return Said(said, "", code)


def _take_terminal() -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))  # nothing is cut
