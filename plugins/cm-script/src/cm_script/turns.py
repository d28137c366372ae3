"""Two runs in one folder: their steps take turns.

A step and its engine talk through files with fixed names in the current folder
(`tmp-run-env.out`, `tmp-ver.out`, `tmp-run-state.json`, `tmp-state.json`), which some 160
published recipes write or read. What is not cached runs where its caller stands, so two commands
in two terminals share these files, and one would take the other's answer for its own. Private
names would break the recipes, a private folder would hide what they leave in the current one. So
the second waits until the step or the hook of the first, which may read what a step left, is over.

The lock is one on the folder itself (`flock`): there is nothing to clean up, it goes with the
process that holds it, and it is the same for every home. It is told to the processes below by a
variable, because a step may start the command again; a container or `sudo` may lose that, and a
step may be a server that runs for days. Therefore nobody waits for ever: after a minute the second
goes on beside the first, puts the files it finds out of its way and back, and says so.
"""

from __future__ import annotations

import os
import time

from cmcore.hints import TYPE_CHECKING, Iterable, Iterator, contextmanager

if TYPE_CHECKING:
    from cm_script.protocols import ConsoleLike

#: How long, in seconds, a step waits for another run's step in the same folder.
PATIENCE = 60.0
#: Names the folders in which a process above has the turn.
VARIABLE = "_CM_STEP_FOLDERS"
_TICK = 0.05

#: Folders in which this process has the turn, or has waited for it in vain.
_ours: set[str] = set()
_in_vain: set[str] = set()


@contextmanager
def turn(console: ConsoleLike, patience: float | None = None) -> Iterator[bool]:
    """Within: no other run is at a step or a hook in the current folder; then True.

    False when one is and was waited for in vain. Within the turn of the same folder, in this
    process or in one that it started, there is nothing to wait for.

    Args:
        console: is told what is waited for.
        patience: seconds to wait, PATIENCE by default.
    """
    folder, name = _opened()
    if folder < 0 or name in _ours or name in os.environ.get(VARIABLE, "").split(","):
        if folder >= 0:
            os.close(folder)
        yield True
        return
    try:
        limit = PATIENCE if patience is None else patience
        alone = _locked(folder, 0 if name in _in_vain else limit, console)
        if not alone:
            if patience is None:
                _in_vain.add(name)
            yield False
            return
        before = os.environ.get(VARIABLE)
        _ours.add(name)
        os.environ[VARIABLE] = f"{before},{name}" if before else name
        try:
            yield True
        finally:
            _ours.discard(name)
            if before is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = before
            _unlock(folder)
    finally:
        os.close(folder)


@contextmanager
def put_aside(names: Iterable[str]) -> Iterator[None]:
    """Within: files of the current folder that belong to another run have other names."""
    here = os.getcwd()
    aside = {}
    for name in names:
        path = os.path.join(here, name)
        other = f"{path}.{os.getpid()}"
        if os.path.isfile(path):
            os.rename(path, other)
            aside[path] = other
    try:
        yield
    finally:
        for path, other in aside.items():
            os.replace(other, path)


def _opened() -> tuple[int, str]:
    """The current folder, and a name for it; -1 where there are no such locks."""
    if os.name == "nt":
        return -1, ""
    try:
        folder = os.open(os.curdir, os.O_RDONLY)
    except OSError:
        return -1, ""
    status = os.fstat(folder)
    return folder, f"{status.st_dev}:{status.st_ino}"


def _locked(folder: int, patience: float, console: ConsoleLike) -> bool:
    """Wait for the lock; False when it was not to be had in time."""
    import fcntl

    deadline = time.monotonic() + patience
    told = False
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
        except OSError:
            return True  # a file system without locks; nobody else has one here either
        if not told and patience > 1:
            told = True
            console.log(f"waiting for another run's step in {os.getcwd()}")
        time.sleep(_TICK)


def _unlock(folder: int) -> None:
    """Give the turn back, also when a process that a hook forked still holds the folder open."""
    import fcntl

    try:
        fcntl.flock(folder, fcntl.LOCK_UN)
    except OSError:
        return  # as above
