"""podman, rootless or as root, without a daemon."""

from __future__ import annotations

import os

from cm_docker import homefolder
from cm_docker.engines import building, ground, problems, programs, words
from cm_docker.engines.commandline import CommandLine, no_start
from cm_docker.engines.programs import numbers
from cm_docker.engines.steps import Steps
from cm_docker.records import Built, Problem, State
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.records import Build, Launch

#: `--secret` of builds came with this one.
_OLDEST = (3, 1)
#: GPUs by CDI.
_CDI = (4, 1)
_CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi")


class Podman(CommandLine):
    """podman.

    What this machine needs is given as flags of each command: the user's own configuration
    stays in force with all it says, and none of it has to be read, copied or replaced.
    """

    name = "podman"
    rank = 10

    def words(self, *more: str) -> list[str]:
        runtime = ["--runtime", self._runtime] if self._runtime else []
        return super().words(*runtime, *more)

    _runtime = ""
    _tunnel = True
    _told = False
    _shell_limits: tuple[str, ...] = ()
    _facts: Mapping[str, Any] = {}  # noqa: RUF012 - replaced, never changed

    def look(self) -> State:
        if not programs.find("podman", self.ctx.environ):
            wrong = Problem("podman is not installed", ground.installation("podman"))
            return State(False, problems=(wrong,))
        told = self.ask("info", "--format", "json", timeout=60)
        if told.code:
            return State(False, problems=(problems.as_problem("podman", told.err or told.out),))
        from cmcore.storage import parse_json

        facts: dict[str, Any] = parse_json(told.out.encode(), "podman info")
        self._facts = facts
        version = str((facts.get("version") or {}).get("Version", ""))
        rootless = bool(self._host("security", "rootless"))
        found = [
            *self._old(version),
            *self._users(rootless),
            *self._starter(),
            *self._limits(rootless),
            *self._network(rootless),
            *self._storage(),
        ]
        found.sort(key=lambda problem: not problem.fatal)
        usable = not any(problem.fatal for problem in found)
        return State(usable, version, rootless, tuple(found))

    def _host(self, *keys: str) -> Any:
        value: Any = self._facts.get("host")
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _old(self, version: str) -> list[Problem]:
        if numbers(version) >= _OLDEST:
            return []
        text = f"podman {version} is too old: its builds know no secrets"
        return [Problem(text, f"{ground.installation('podman')} in version 3.1 or later")]

    def _users(self, rootless: bool) -> list[Problem]:
        ranges = self._host("idMappings", "uidmap")
        if not rootless or not isinstance(ranges, list):
            return []
        if sum(int(one.get("size", 0)) for one in ranges) > 1000:
            return []
        found = problems.explain("no subuid ranges found")
        return [Problem(*found)] if found else []

    def _starter(self) -> list[Problem]:
        runtime = self._host("ociRuntime", "name")
        if runtime is None:
            text = "the program that starts podman's containers does not work"
        elif "crun" in str(runtime) and ground.mixed_cgroups():
            text = "crun does not work with the cgroup layout of this machine"
        else:
            return []
        runc = programs.find("runc", self.ctx.environ)
        self._runtime = runc
        if runc:
            return [Problem(f"{text}; runc is used instead", "nothing to be done", fatal=False)]
        return [Problem(text, ground.installation("runc"))]

    def _limits(self, rootless: bool) -> list[Problem]:
        low = [] if rootless else ground.low_limits()
        if not low or ground.limits_chosen(self.ctx.environ):
            return []
        self._shell_limits = tuple(low)
        text = "podman's limits for containers are above those of this machine; its own are used"
        return [Problem(text, "raise the hard limit of open files to 1048576", fatal=False)]

    def _network(self, rootless: bool) -> list[Problem]:
        if not rootless or ground.can_tunnel():
            return []
        self._tunnel = False
        text = "/dev/net/tun is closed to this user, so containers share the network of the host"
        return [Problem(text, "sudo chmod 666 /dev/net/tun", fatal=False)]

    def _storage(self) -> list[Problem]:
        store = self._facts.get("store") or {}
        if store.get("graphDriverName") != "vfs":
            return []
        text = "podman stores each layer as a full copy (vfs), which is slow and takes much room"
        remedy = 'driver = "overlay" in ~/.config/containers/storage.conf, then podman system reset'
        return [Problem(text, remedy, fatal=False)]

    def network(self, wanted: str) -> str:
        """`on`, `off` or `host`; says so when there cannot be a network of the container's own."""
        self.state()
        if wanted != "on" or self._tunnel:
            return wanted
        if not self._told:
            self._told = True
            self.ctx.console.log(
                "podman: /dev/net/tun is closed to this user, so containers share the network of"
                " the host"
            )
        return "host"

    def adapted(self, launch: Launch) -> Launch:
        return launch._replace(network=self.network(launch.network))

    def placing(self, launch: Launch) -> list[str]:
        state = self.state()
        # The variables a container gets are chosen; podman would add those of proxies.
        chosen = ["--pull", "never", "--http-proxy=false", *words.NETWORKS[launch.network]]
        for limit in self._shell_limits:
            chosen += ["--ulimit", limit]
        chosen += self._user(launch.user, state.rootless)
        if launch.gpus:
            for gpu in self._gpus(launch.gpus):
                chosen += ["--device", gpu]
        if self._host("security", "selinuxEnabled"):
            # Mounted files keep their labels: they are the user's.
            chosen += ["--security-opt", "label=disable"]
        time = int(words.seconds(launch.limits.timeout))
        if time:
            # Attached, ours comes first and can say so; this one is for when we are killed.
            chosen += ["--timeout", str(time if launch.detached else time + 15)]
        self._warn_of_limits(launch)
        return chosen

    def _user(self, user: str, rootless: bool) -> list[str]:
        if not user:
            return []
        first, _, group = user.partition(":")
        if not rootless or not first.isdigit() or first == "0":
            return ["--user", user]
        # Whoever runs in the container is to be the caller outside, or results are out of reach.
        if (first, group or str(os.getgid())) == (str(os.getuid()), str(os.getgid())):
            return ["--userns", "keep-id", "--user", user]
        if numbers(self.state().version) >= (4, 3):
            return ["--userns", f"keep-id:uid={first},gid={group or first}", "--user", user]
        return ["--user", user]

    def _gpus(self, wanted: str) -> list[str]:
        if numbers(self.state().version) < _CDI or not _cdi():
            known = problems.explain("could not select device driver") or ("", "")
            raise CmError(f"podman: {known[0]}", hint=known[1])
        return [f"nvidia.com/gpu={number}" for number in words.gpu_numbers(wanted)]

    def _warn_of_limits(self, launch: Launch) -> None:
        limit = launch.limits
        if not (limit.memory or limit.cpus or limit.pids) or not self.state().rootless:
            return
        if self._host("cgroupVersion") == "v1":
            self.ctx.console.warn(
                "limits of memory, processors and processes do not hold: this machine has version"
                " 1 of cgroups, in which ordinary users can set none"
            )

    def prepare(self, name: str) -> None:
        done = self.ask("init", name)
        if done.code:
            raise no_start(self.name, f"the container {name}", done.err or done.out)

    def build(self, build: Build, tell: Callable[[str], None]) -> Built:
        """See `Engine.build`; layers of finished steps stay, so that a next try continues."""
        attempt = building.Attempt(self, self._scratch(), build.folder)
        whole = False
        steps = Steps()

        def see(line: str) -> None:
            steps.see(line)
            attempt.alive()
            tell(line)

        try:
            environ = {**self.environ(), "TMPDIR": attempt.scratch}
            command = self.words("build", *self._build_words(build))
            code, lines = programs.follow(
                command, environ, see, cwd=build.folder, started=attempt.started
            )
            if code:
                raise problems.build_failure("podman", build.tag, lines)
            whole = True
        finally:
            attempt.close(whole)
        return Built(self.image(build.tag), steps.steps, steps.reused)

    def _build_words(self, build: Build) -> list[str]:
        chosen = ["--layers", "--force-rm", "--file", build.file, "--tag", build.tag]
        chosen += words.NETWORKS[self.network(build.network)]
        if build.rebuild:
            chosen.append("--no-cache")
        if build.pull:
            chosen.append("--pull=newer" if numbers(self.state().version) >= (4,) else "--pull")
        chosen += words.each("--label", build.labels)
        for key, path in build.secrets.items():
            if "," in path:
                raise CmError("podman takes no secret from a path with a comma", where=path)
            chosen += ["--secret", f"id={key},src={path}"]
        return [*chosen, build.folder]

    def _scratch(self) -> str:
        return homefolder.containers(self.ctx, "builds")

    def clean(self, owner: str) -> list[str]:
        return [*super().clean(owner), *building.clean(self, self._scratch())]


def _cdi() -> bool:
    return any("nvidia" in name for folder in _CDI_FOLDERS for name in homefolder.names(folder))
