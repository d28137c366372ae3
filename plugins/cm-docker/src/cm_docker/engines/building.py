"""What a build of podman leaves behind when it is interrupted, and how to be rid of it.

Buildah, which is podman's builder, removes its working containers and ends its processes only
when it comes to an end by itself; a signal suffices to leave both. Nothing in them says whose
they are. So each build has a folder of its own for buildah's scratch files: its processes are
those that have mounted something from there, and its working containers those that were made
while it ran.
"""

from __future__ import annotations

import os
import signal
import time

from cm_docker import homefolder
from cm_docker.engines import marks
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.engines.podman import Podman

#: Name of the file in the folder that says whose it is; its time is that of the last sign of life.
_ABOUT = "build.json"


class Attempt:
    """One build: its scratch folder, and what is known of it after a kill.

    Args:
        engine: the engine that builds.
        home: folder for scratch folders.
        context: the folder that is built from.
    """

    def __init__(self, engine: Podman, home: str, context: str) -> None:
        from cmcore.storage import make_dir

        self.engine = engine
        self.folder = os.path.join(home, os.urandom(6).hex())
        self.scratch = os.path.join(self.folder, "tmp")
        self._about: dict[str, Any] = {
            "run": marks.mark(),
            "builder": "",
            "started": int(time.time()),
            "storage": storage_of(engine),
            "context": context,
        }
        make_dir(self.scratch)
        os.chmod(self.folder, 0o700)
        self._write()

    def started(self, pid: int) -> None:
        """The builder runs."""
        self._about["builder"] = marks.mark(pid)
        self._write()

    def alive(self) -> None:
        """It has just written something."""
        try:
            os.utime(os.path.join(self.folder, _ABOUT))
        except OSError:
            pass

    def close(self, whole: bool) -> None:
        """Remove the folder, and unless the build was `whole` all else that may be left."""
        if not whole:
            self.alive()
            if not _remove_rest(self.engine, self.folder, self._about):
                return
        _remove_folder(self.engine, self.folder)

    def _write(self) -> None:
        import json

        from cmcore.storage import write_atomic

        write_atomic(
            os.path.join(self.folder, _ABOUT), json.dumps(self._about) + "\n", durable=False
        )


def clean(engine: Podman, home: str) -> list[str]:
    """Finish what killed builds left; sentences of what was."""
    done = []
    for name in homefolder.names(home):
        folder = os.path.join(home, name)
        about = _read(os.path.join(folder, _ABOUT))
        if about is None:
            # Killed between the folder and its file, unless somebody is about to write it.
            if _age(folder) > 60:
                _remove_folder(engine, folder)
            continue
        if about.get("storage") != storage_of(engine) or not marks.ended(str(about.get("run"))):
            continue
        if not _remove_rest(engine, folder, about):
            continue
        _remove_folder(engine, folder)
        done.append("removed what a build left that was killed")
    return done


def in_use(home: str) -> set[str]:
    """Folders that living processes build from."""
    abouts = [_read(os.path.join(home, name, _ABOUT)) or {} for name in homefolder.names(home)]
    return {
        str(about.get("context"))
        for about in abouts
        if about.get("run") and not marks.ended(str(about["run"]))
    }


def storage_of(engine: Podman) -> str:
    """What tells one storage of podman from another in the same home."""
    environ = engine.ctx.environ
    names = ("CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "XDG_DATA_HOME", "HOME")
    return f"{os.getuid()} " + " ".join(environ.get(name, "") for name in names)


def _remove_rest(engine: Podman, folder: str, about: dict[str, Any]) -> bool:
    """End a build's processes and remove its containers; False when that has to wait."""
    builder = str(about.get("builder", ""))
    pid = marks.pid_of(builder)
    if pid and not marks.ended(builder):
        _kill(os.killpg, pid)
    for _ in range(50):
        found = _users_of(folder)
        for process in found:
            _kill(os.kill, process)
        if not found and (not pid or marks.ended(builder)):
            break
        time.sleep(0.1)
    if _others_build(engine):
        return False
    _remove_working(engine, float(about.get("started", 0)), _touched(folder))
    return True


def _remove_working(engine: Podman, begin: float, end: float) -> None:
    """Remove working containers that were made between two times."""
    import json

    listed = engine.ask("ps", "--all", "--external", "--format", "json")
    if listed.code or not listed.out.strip():
        return

    for one in json.loads(listed.out):
        made = float(one.get("Created") or 0)
        if _is_working(one) and begin - 1 <= made <= end + 5:
            engine.ask("rm", "--force", str(one.get("Id")))


def _is_working(one: Mapping[str, Any]) -> bool:
    """Whether podman lists a container that is a working container of buildah."""
    if one.get("State") != "storage":
        return False
    if one.get("Command") == ["buildah"]:
        return True
    # Buildah's own record of it is missing: killed before it was written, or the disk was full.
    return any("working-container" in str(name) for name in one.get("Names") or ())


def _others_build(engine: Podman) -> bool:
    """Whether a program that makes working containers runs for this user in the same storage."""
    storage = f"CONTAINERS_STORAGE_CONF={engine.ctx.environ.get('CONTAINERS_STORAGE_CONF', '')}"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid != os.geteuid():
                continue
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if os.path.basename(words[0]) not in (b"podman", b"buildah"):
                continue
            with open(f"/proc/{pid}/environ", "rb") as file:
                named = [x for x in file.read().split(b"\0") if x.startswith(storage[:24].encode())]
        except OSError:
            continue
        same = (named or [storage[:24].encode()]) == [storage.encode()]
        if same and {b"build", b"bud", b"from"} & set(words[1:]):
            return True
    return False


def _users_of(folder: str) -> list[int]:
    """Processes that have mounted something from a folder: steps of its build."""
    name = os.path.basename(folder).encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/mountinfo", "rb") as file:
                if name in file.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def _remove_folder(engine: Podman, folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        # Files of other users of a rootless container; in there we may.
        engine.ask("unshare", "rm", "-rf", "--", folder)


def _kill(send: Callable[[int, int], None], pid: int) -> None:
    try:
        send(pid, signal.SIGKILL)
    except OSError:
        pass


def _read(path: str) -> dict[str, Any] | None:
    from cmcore.errors import CmError
    from cmcore.storage import read_json

    try:
        about = read_json(path)
    except CmError:
        return None
    return about if isinstance(about, dict) else None


def _touched(folder: str) -> float:
    try:
        return os.stat(os.path.join(folder, _ABOUT)).st_mtime
    except OSError:
        return time.time()


def _age(folder: str) -> float:
    try:
        return time.time() - os.stat(folder).st_mtime
    except OSError:
        return 0.0
