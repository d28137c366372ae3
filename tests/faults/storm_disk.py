"""A file system without any room left, over the home folder of the storm's user."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from kit import Answer
from storm_world import LIMIT, World

#: What is asked for while there is no room; whether it has to succeed.
FULL = (
    (("find", "cache"), True),
    (("show", "cache"), True),
    (("verify", "cache"), True),
    (("find", "script"), True),
    (("run", "script", "storm,app,_n.1", "--quiet"), True),
    (("run", "script", "storm,app,_n.900", "--quiet"), False),
    (("run", "script", "storm,data,_n.900", "--quiet"), False),
    (("prune", "cache", "--unfinished", "-f"), True),
    (("rm", "cache", "--tags=storm,app,_n.2", "-f"), True),
)
#: What has to succeed as soon as there is room again.
AFTER = (
    ("run", "script", "storm,app,_n.900", "--quiet"),
    ("run", "script", "storm,app,_n.2", "--quiet"),
    ("verify", "cache", "--deep"),
)


def permitted() -> bool:
    """Whether this user may mount a small file system for one process."""
    argv = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return not os.geteuid() and not subprocess.run(argv, check=False).returncode
    except OSError:
        return False


def full_disk(
    world: World, saved: Path, counts: Counter[str], fault: Callable[[str, str], None]
) -> None:
    """Fill the disk under a copy of the home `saved`, ask for things, make room, ask again."""
    if not permitted():
        counts["skipped: no file system may be mounted"] += 1
        return
    world.recipes.offer(900)
    answers = world.folder / "full"
    answers.mkdir()
    home = shlex.quote(str(world.home))
    lines = [
        f"mount -t tmpfs -o size=8m none {home}",
        f"cp -r {shlex.quote(str(saved))}/. {home}",
        f"cat /dev/zero > {home}/filler",
    ]
    asked = [words for words, _ in FULL]
    lines += [_line(world, words, answers / str(k)) for k, words in enumerate(asked)]
    lines.append(f"rm {home}/filler")
    lines += [_line(world, words, answers / f"after{k}") for k, words in enumerate(AFTER)]
    argv = ["unshare", "--mount", "sh", "-c", "\n".join(lines)]
    subprocess.run(
        argv,
        env=world.environment(),
        cwd=world.folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=LIMIT * 4,
        check=False,
    )
    for k, (words, succeeds) in enumerate(FULL):
        answer = _answer(answers / str(k))
        clear = succeeds or answer.code == 0 or "space" in answer.err.lower()
        _judge("no room", words, answer, clear and not (succeeds and answer.code), fault)
        counts["asked of a full disk"] += 1
    for k, words in enumerate(AFTER):
        answer = _answer(answers / f"after{k}")
        _judge("room again", words, answer, answer.code == 0, fault)
    shutil.rmtree(answers)


def _line(world: World, words: tuple[str, ...], out: Path) -> str:
    command = " ".join(map(shlex.quote, [str(world.cm), *words]))
    path = shlex.quote(str(out))
    return f"{command} > {path}.out 2> {path}.err; echo $? > {path}.code"


def _answer(out: Path) -> Answer:
    texts = [Path(f"{out}.{x}").read_text(errors="replace") for x in ("out", "err", "code")]
    return Answer(texts[0], texts[1], int(texts[2]))


def _judge(
    when: str,
    words: tuple[str, ...],
    answer: Answer,
    good: bool,
    fault: Callable[[str, str], None],
) -> None:
    if "Traceback" in answer.out + answer.err:
        fault("traceback", f"{when}: cm {' '.join(words)}\n{answer.text}")
    elif not good:
        fault("failed", f"{when}: cm {' '.join(words)}\n{answer.text}")
