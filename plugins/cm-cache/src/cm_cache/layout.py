"""Where things lie in the cache folder, and the few file operations that know about it.

One folder per entry, named by its UID; the recipe ran in it. What makes an entry an entry is its
`_cm.json`: written last and atomically, so that a folder without it is unfinished, whatever else
it holds. The names with a leading dot are the cache's own and of no interest to recipes.
"""

from __future__ import annotations

import os

from cmcore import storage

#: The entry's meta file, in the form that CM reads and writes.
META = "_cm.json"
#: What a hit gives back: `new_env`, `new_state`, `deps`, `version`.
STATE = "cm-cached-state.json"
#: Who builds here, for which request, since when; and why the last attempt ended.
BUILDING = ".cm-building.json"
#: Meta and state of the finished entry that is being built again in its folder.
PREVIOUS = ".cm-previous.json"
PREVIOUS_STATE = ".cm-previous-state.json"
#: Held by whoever builds in or removes the folder.
LOCK = ".cm-lock"
#: Its modification time is the entry's last use.
USED = ".cm-used"
#: SHA-256 digests of the files of a data entry; see `cm_cache.digests`.
DIGESTS = ".cm-digests.json"
#: There while a run that used the entry is known to have crashed.
DOUBT = ".cm-doubt"
#: Its modification time says when the digests were last found right.
VERIFIED = ".cm-verified"
#: What the names of the cache's own files in an entry begin with.
HIDDEN = ".cm-"
#: Files of an entry that it has as an entry, apart from hidden ones.
OWN = (META, STATE)
#: Folder of the look-up index; in a folder of its own because SQLite makes and removes files
#: beside its database, and the cache folder's modification time has to mean "entries came or went".
INDEX = ".index"
#: Folder below it: which processes were served which entries; see `cm_cache.usage`.
USING = "using"
#: Entries on their way out: renamed first, so that a removal is all or nothing for a look-up.
REMOVED = ".removed-"
#: Entries on their way in: renamed to their UID when they are whole.
ARRIVING = ".arriving-"

#: CM's identifier of the automation `cache`.
AUTOMATION_UID = "541d6f712a6b464e"


def names(root: str) -> list[str]:
    """Names of all entry folders, finished or not; empty when there is no cache folder yet.

    Raises:
        StorageError: the cache folder cannot be read.
    """
    try:
        with os.scandir(root) as found:
            return [e.name for e in found if _may_be_entry(e.name) and e.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage.storage_error(error, root, "read the cache folder") from error


def _may_be_entry(name: str) -> bool:
    # Any visible folder is looked at, so that a copy made by hand is reported, not overlooked.
    return not name.startswith(".") and name.isascii()


def stamp(folder: str) -> str:
    """A text that changes whenever the files that define the folder's standing are replaced.

    Empty when the folder has none of them or is not there.
    """
    meta = _mark(os.path.join(folder, META))
    if meta:
        return f"{meta}|{_mark(os.path.join(folder, STATE))}"
    building = _mark(os.path.join(folder, BUILDING))
    return f"|{building}" if building else ""


def _mark(path: str) -> str:
    try:
        s = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError:
        return "0.unreachable"  # reading it will say why
    return f"{s.st_mtime_ns}.{s.st_size}.{s.st_ino}"


def root_mark(root: str) -> str:
    """Changes when a direct child of the cache folder comes or goes; empty when there is none.

    The link count is part of it because two changes within one tick of the file system's clock
    leave the same modification time.

    Raises:
        StorageError: the cache folder cannot be reached.
    """
    try:
        s = os.stat(root)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise storage.storage_error(error, root, "read the cache folder") from error
    return f"{s.st_mtime_ns}.{s.st_nlink}.{s.st_ino}"


def unlink(path: str) -> None:
    """Remove a file that may already be gone."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def forget_building(folder: str) -> None:
    """Remove what only an unfinished entry needs; what cannot be removed does no harm."""
    for name in (BUILDING, PREVIOUS, PREVIOUS_STATE):
        try:
            unlink(os.path.join(folder, name))
        except OSError:
            pass


def touch(path: str) -> None:
    """Set a file's modification time to now, making it when it is not there.

    Raises:
        OSError: that is not possible.
    """
    try:
        os.utime(path)
    except FileNotFoundError:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def mtime(path: str) -> float:
    """A file's modification time in seconds since the epoch; 0 when there is none."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def touch_used(folder: str) -> None:
    """Note that the entry was used just now; silently not, where the cache is read-only."""
    try:
        touch(os.path.join(folder, USED))
    except OSError:
        pass


def last_used(folder: str, created: float) -> float:
    """Seconds since the epoch of the last use, or of the creation when there was none."""
    return max(created, mtime(os.path.join(folder, USED)))


#: By cache folder: the process that leaves word there, and the file it does so in.
_uses: dict[str, tuple[int, int]] = {}


def note_use(root: str, uid: str) -> None:
    """Leave word that this process uses the entry `uid`; silently not in a read-only cache."""
    pid, handle = _uses.get(root, (0, -1))
    try:
        if pid != os.getpid():
            handle = _begin_use(root)
        os.write(handle, uid.encode("ascii", "replace") + b"\n")
    except OSError:
        pass


def _begin_use(root: str) -> int:
    import atexit
    import time

    pid = os.getpid()
    _uses[root] = pid, -1
    folder = os.path.join(root, INDEX, USING)
    os.makedirs(folder, exist_ok=True)
    node = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    path = os.path.join(folder, f"{pid}@{process_mark(pid)}@{time.time_ns()}@{node}")
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
    _uses[root] = pid, handle
    atexit.register(_end_use, path, pid)
    return handle


def process_mark(pid: int) -> str:
    """What tells a running process from earlier ones of the same number; "" when it is dead.

    Also "" where the system tells nothing. Source: proc(5), fields `state` and `starttime` of
    /proc/PID/stat. A time of day would not do, because clocks are set.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return "" if fields[0] in b"ZX" else fields[19].decode()
    except (OSError, IndexError):
        return ""


def _end_use(path: str, pid: int) -> None:
    if os.getpid() == pid:  # a child of a fork ends before the process that was served
        try:
            os.unlink(path)
        except OSError:
            pass
