"""apptainer (once singularity): images are files, containers run as the caller."""

from __future__ import annotations

import os

from cm_docker import homefolder
from cm_docker.engine import OWNER, Engine
from cm_docker.engines import ground, marks, problems, programs, words
from cm_docker.records import Built, Ended, Item, Problem, State
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.records import Build, Launch
    from cmcore.context import Context

#: The first that bind files while they build; what is called singularity counts otherwise.
_OLDEST = {"apptainer": (1, 1), "singularity": (4, 0)}
_PROGRAMS = ("apptainer", "singularity")


class Apptainer(Engine):
    """apptainer.

    An image is `<CM_HOME>/containers/sif/<reference>.sif` with its labels in a file beside it.

    Args:
        ctx: its environment variables, home and console are those of the engine's program.
    """

    name = "apptainer"
    rank = 30

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._state: State | None = None

    def file_form(self) -> str:
        return "definition"

    def state(self) -> State:
        if self._state is None:
            self._state = self._look()
        return self._state

    def _look(self) -> State:
        if not self._program():
            wrong = Problem("apptainer is not installed", ground.installation("apptainer"))
            return State(False, problems=(wrong,))
        told = programs.ask([self._program(), "--version"], self._environ(), 30)
        if told.code:
            return State(False, problems=(problems.as_problem("apptainer", told.err or told.out),))
        # `apptainer version 1.3.4`, `singularity-ce version 4.1.0`
        version = (told.out.split() or [""])[-1]
        found = []
        kind = "apptainer" if told.out.startswith("apptainer") else "singularity"
        if programs.numbers(version) < _OLDEST[kind]:
            text = f"{kind} {version} is too old: its builds cannot be given files"
            found.append(Problem(text, "install apptainer 1.1 or later"))
        return State(not found, version, os.geteuid() != 0, tuple(found))

    def build(self, build: Build, tell: Callable[[str], None]) -> Built:
        """See `Engine.build`; the whole image is one step, and there are no layers to reuse."""
        from cmcore.storage import make_dir, write_atomic

        target = self._file(build.tag)
        make_dir(os.path.dirname(target))
        # Hidden, and with the builder's number: what a killed build leaves is found by `clean`.
        half = os.path.join(
            os.path.dirname(target), f".{os.getpid()}-{os.urandom(3).hex()}.building"
        )
        chosen = ["build", "--force"]
        if os.geteuid():
            chosen.append("--fakeroot")
        if build.rebuild or build.pull:
            chosen.append("--disable-cache")
        for key, path in build.secrets.items():
            chosen += ["--bind", f"{path}:/run/secrets/{key}:ro"]
        try:
            code, lines = programs.follow(
                [self._program(), *chosen, half, build.file],
                self._environ(),
                tell,
                cwd=build.folder,
            )
            if code:
                raise problems.build_failure("apptainer", build.tag, lines)
            import json

            about = {"reference": build.tag, "labels": dict(build.labels)}
            write_atomic(f"{target}.json", json.dumps(about, indent=1, sort_keys=True) + "\n")
            os.replace(half, target)
        finally:
            _unlink(half)
        return Built(target, 1, 0)

    def image(self, reference: str) -> str:
        path = reference if reference.endswith(".sif") else self._file(reference)
        return path if os.path.isfile(path) else ""

    def labels(self, reference: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self._about(self._file(reference)).get("labels") or {}
        return found

    def run(self, launch: Launch) -> Ended:
        """See `Engine.run`.

        Raises:
            CmError: also for what apptainer does not do: detached containers.
        """
        import sys

        image = self.image(launch.image)
        if not image:
            raise NotFoundError(
                f"apptainer has no image {launch.image}", hint="build it first: cm docker script"
            )
        if launch.detached:
            raise CmError(
                "apptainer runs no detached containers",
                hint="leave out --docker.detached and let your shell or job scheduler do it",
            )
        command = [self._program(), *arguments(launch), image, *launch.command]
        process: list[int] = []
        watch = programs.Watch(lambda: _kill(process), words.seconds(launch.limits.timeout))
        code = watch.attach(
            command,
            self._environ(),
            interactive=launch.interactive,
            terminal=launch.interactive and sys.stdin.isatty(),
            aside=self.ctx.console.json,
            started=process.append,
        )
        if watch.reason == "timeout":
            note = f"stopped after its time limit of {launch.limits.timeout}"
            return Ended(124, "", note)
        if code < 0:
            return Ended(128 - code, "", "stopped by a signal")
        return Ended(code)

    def clean(self, owner: str) -> list[str]:
        done = []
        for name in homefolder.names(self._folder()):
            pid = name.removeprefix(".").partition("-")[0]
            if name.endswith(".building") and pid.isdigit() and not marks.answers(int(pid)):
                _unlink(os.path.join(self._folder(), name))
                done.append("removed what a build left that was killed")
        return done

    def items(self, owner: str) -> list[Item]:
        found = []
        for name in homefolder.names(self._folder()):
            path = os.path.join(self._folder(), name)
            if name.endswith(".sif"):
                about = self._about(path)
                if (about.get("labels") or {}).get(OWNER) == owner:
                    found.append(Item(self.name, "image", path, str(about.get("reference", ""))))
        return found

    def remove_image(self, reference: str) -> None:
        path = self.image(reference)
        if not path:
            raise NotFoundError(f"apptainer has no image {reference}")
        _unlink(path)
        _unlink(f"{path}.json")

    def push(self, reference: str, target: str, tell: Callable[[str], None]) -> None:
        place = target if "://" in target else f"oras://{target}"
        command = [self._program(), "push", self.image(reference), place]
        code, lines = programs.follow(command, self._environ(), tell)
        if code:
            raise problems.failure("apptainer", f"push {target}", lines)

    def _program(self) -> str:
        found = (programs.find(name, self.ctx.environ) for name in _PROGRAMS)
        return next(filter(None, found), "")

    def _environ(self) -> dict[str, str]:
        return ground.environment(self.ctx.environ)

    def _folder(self) -> str:
        return homefolder.containers(self.ctx, "sif")

    def _file(self, reference: str) -> str:
        from cm_docker.engines.sifnames import file_name

        return os.path.join(self._folder(), file_name(reference))

    def _about(self, path: str) -> dict[str, Any]:
        from cmcore.storage import read_json

        try:
            about = read_json(f"{path}.json")
        except CmError:
            return {}
        return about if isinstance(about, dict) else {}


def arguments(launch: Launch) -> list[str]:
    """Words between the program and the image.

    Nothing of the host is seen but what is mounted, as with the other engines: by itself
    apptainer would show the home, /tmp and all variables.

    Raises:
        NotFoundError: something to be mounted is not there.
        CmError: a path cannot be written as a mount.
    """
    chosen = ["run", "--containall", "--no-home", "--writable-tmpfs"]
    mounts = [(one.source, one.target, one.writable) for one in launch.mounts]
    mounts += [(path, f"{words.SECRETS}/{key}", False) for key, path in launch.secrets.items()]
    for source, target, writable in mounts:
        words.mount(source, target, writable)
        if {":", ","} & set(source + target):
            raise CmError("apptainer mounts no path with ':' or ','", where=source)
        chosen += ["--bind", f"{source}:{target}" + ("" if writable else ":ro")]
    for key, value in launch.env.items():
        chosen += ["--env", f"{key}={_quoted(value)}"]
    if launch.workdir:
        chosen += ["--pwd", launch.workdir]
    if launch.network == "off":
        chosen += ["--net", "--network", "none"]
    if launch.gpus:
        chosen.append("--nv")
        if launch.gpus != "all":
            numbers = ",".join(words.gpu_numbers(launch.gpus))
            chosen += ["--env", f"CUDA_VISIBLE_DEVICES={_quoted(numbers)}"]
    if launch.user.partition(":")[0] in ("0", "root"):
        chosen.append("--fakeroot")
    for device in launch.devices:
        chosen += ["--bind", device.partition(":")[0]]
    # It has no option for the size of /dev/shm.
    limited = launch._replace(limits=launch.limits._replace(shm_size=""))
    return [*chosen, *words.limits(limited), *launch.extra]


def _quoted(value: str) -> str:
    # `--env` takes a list with commas, in the form of CSV.
    return '"' + value.replace('"', '""') + '"' if {",", '"'} & set(value) else value


def _kill(process: list[int]) -> None:
    import signal

    for pid in process:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
