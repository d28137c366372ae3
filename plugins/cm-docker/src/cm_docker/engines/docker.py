"""docker by its command line: a real daemon, rootless or not, or podman behind docker's socket."""

from __future__ import annotations

import os

from cm_docker import homefolder
from cm_docker.engines import ground, problems, programs, words
from cm_docker.engines.commandline import CommandLine
from cm_docker.engines.programs import numbers
from cm_docker.engines.steps import Steps
from cm_docker.records import Built, Problem, State
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.records import Build, Launch

#: `--gpus`, and builds with secrets, came with this version of the interface (docker 19.03).
_OLDEST = (1, 40)
#: From this version on the builder with secrets is an extra program, buildx.
_WITHOUT_BUILDX = (23,)


class Docker(CommandLine):
    """docker.

    Never `--rm`: with podman behind the socket it swallows the exit code of the container.
    """

    name = "docker"
    rank = 20
    _podman = False
    _client = ""
    _runtimes: Mapping[str, Any] = {}  # noqa: RUF012 - replaced, never changed

    def look(self) -> State:
        if not programs.find("docker", self.ctx.environ):
            wrong = Problem("docker is not installed", ground.installation("docker.io"))
            return State(False, problems=(wrong,))
        told = self.ask("version", "--format", "{{json .}}", timeout=30)
        about = _object(told.out)
        server = about.get("Server")
        if told.code or not isinstance(server, dict):
            if "podman" in (told.out + told.err).lower():
                text = "the program docker is podman's stand-in"
                return State(False, problems=(Problem(text, "use --docker.engine=podman"),))
            return State(False, problems=(problems.as_problem("docker", told.err or told.out),))
        parts = [str(one.get("Name", "")) for one in server.get("Components") or ()]
        self._podman = any("Podman" in part for part in parts)
        self._client = str((about.get("Client") or {}).get("Version", ""))
        info = _object(self.ask("info", "--format", "{{json .}}", timeout=60).out)
        self._runtimes = info.get("Runtimes") or {}
        rootless = any("rootless" in str(one) for one in info.get("SecurityOptions") or ())
        found = [*self._old(server), *self._elsewhere()]
        if not self._podman and not self.kit():
            text = "docker's buildx is missing, so its builds cannot be given secrets"
            found.append(Problem(text, ground.installation("docker-buildx"), fatal=False))
        usable = not any(problem.fatal for problem in found)
        return State(usable, str(server.get("Version", "")), rootless, tuple(found))

    def _old(self, server: Mapping[str, Any]) -> list[Problem]:
        spoken = str(server.get("ApiVersion", ""))
        if self._podman or not spoken or numbers(spoken) >= _OLDEST:
            return []
        text = f"docker {server.get('Version')} is too old"
        return [Problem(text, "install docker 19.03 or later")]

    def _elsewhere(self) -> list[Problem]:
        host = self.ctx.environ.get("DOCKER_HOST", "")
        kind, _, place = host.partition("://")
        near = place.startswith(("localhost", "127.", "[::1]"))
        if kind not in ("tcp", "ssh", "http", "https") or near:
            return []
        text = f"docker's daemon runs on another machine ({place}) and sees no files of here"
        return [Problem(text, "unset DOCKER_HOST")]

    def kit(self) -> bool:
        """Whether builds can use BuildKit, which knows secrets."""
        if self._podman:
            return False
        if numbers(self._client) < _WITHOUT_BUILDX:
            return True
        return self.ask("buildx", "version", timeout=30).code == 0

    def placing(self, launch: Launch) -> list[str]:
        state = self.state()
        chosen = [*words.NETWORKS[launch.network]]
        if self._podman and not state.rootless:
            for limit in ground.low_limits():
                chosen += ["--ulimit", limit]
        user = launch.user
        if not user and not state.rootless and os.geteuid():
            user = f"{os.getuid()}:{os.getgid()}"
        if user:
            chosen += ["--user", user]
        if launch.gpus:
            chosen += self._gpus(launch.gpus)
        if launch.detached and launch.limits.timeout:
            raise CmError(
                "docker cannot limit the time of a detached container",
                hint="leave out --docker.timeout or --docker.detached, or use podman",
            )
        return chosen

    def _gpus(self, wanted: str) -> list[str]:
        if self._podman:
            # An interface of docker cannot ask podman for GPUs; it would run without, in silence.
            raise CmError(
                "podman behind docker's socket gives no GPUs to containers",
                hint="use --docker.engine=podman",
            )
        if wanted == "all" or wanted.isdigit():
            return ["--gpus", wanted]
        return ["--gpus", f'"device={",".join(words.gpu_numbers(wanted))}"']

    def build(self, build: Build, tell: Callable[[str], None]) -> Built:
        """See `Engine.build`.

        Raises:
            CmError: also when steps need secrets and docker has no builder that knows them.
        """
        self.state()
        kit = self.kit()
        if kit or (self._podman and not build.secrets):
            return self._build(build, kit, tell)
        if build.secrets and not self._podman:
            raise CmError(
                "docker cannot give secrets to build steps: buildx is missing",
                hint=f"{ground.installation('docker-buildx')}, or use --docker.engine=podman",
            )
        from cm_docker.engines import bound

        # docker's old builder refuses a file with mounts, also of secrets that it is not given.
        with bound.context(build) as changed:
            return self._build(changed, False, tell)

    def clean(self, owner: str) -> list[str]:
        from cm_docker.engines import bound

        return [*super().clean(owner), *bound.clean(homefolder.containers(self.ctx))]

    def _build(self, build: Build, kit: bool, tell: Callable[[str], None]) -> Built:
        chosen = ["--file", build.file, "--tag", build.tag, *words.NETWORKS[build.network]]
        if build.rebuild:
            chosen.append("--no-cache")
        if build.pull and not self._from_here(build.file):
            chosen.append("--pull")
        chosen += words.each("--label", build.labels)
        if kit:
            chosen += ["--progress", "plain"]
            for key, path in build.secrets.items():
                chosen += ["--secret", f"id={key},src={path}"]
        else:
            chosen.append("--force-rm")
        steps = Steps()

        def see(line: str) -> None:
            line = _uncoloured(line)
            steps.see(line)
            if not _about_itself(line):
                tell(line)

        environ = {**self.environ(), "DOCKER_BUILDKIT": "1" if kit else "0"}
        # The daemon ends a step whose client is gone; a client alone would wait for its end.
        code, lines = programs.follow(
            self.words("build", *chosen, build.folder), environ, see, cwd=build.folder, bound=True
        )
        if code:
            told = [_uncoloured(line) for line in lines if not _about_itself(line)]
            raise problems.build_failure("docker", build.tag, told)
        return Built(self.image(build.tag), steps.steps, steps.reused)

    def _from_here(self, path: str) -> bool:
        """Whether a file begins with an image that no registry has; `--pull` would fail."""
        import re

        try:
            with open(path, encoding="utf-8") as file:
                return bool(re.search(r"^FROM\s+(?:--\S+\s+)*localhost/", file.read(), re.M | re.I))
        except OSError:
            return False


def _about_itself(line: str) -> bool:
    """Whether a line of the old builder is about its age."""
    return line.startswith(("DEPRECATED: The legacy builder", "            "))


def _uncoloured(line: str) -> str:
    """The old builder colours what steps write to stderr, terminal or not."""
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", line) if "\x1b" in line else line


def _object(text: str) -> dict[str, Any]:
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
