"""What podman and docker have in common: containers and images by way of their command line."""

from __future__ import annotations

import os
from abc import abstractmethod

from cm_docker import homefolder
from cm_docker.engine import OWNER, Engine
from cm_docker.engines import ground, marks, problems, programs, words
from cm_docker.owner import container_name
from cm_docker.records import Ended, Item, State
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.records import Launch
    from cmcore.context import Context

#: Exit code of a container that was stopped for its limit of time, as timeout(1) gives it.
TIMED_OUT = 124
#: Label of every layer that is made from a file of ours.
MADE = "org.cmcore.made"
#: What names of volumes begin with; the owner follows.
VOLUMES = "cm-cache-"
#: Removes a container with what runs in it and what only it uses.
_REMOVE = ("rm", "--force", "--volumes")


class CommandLine(Engine):
    """An engine with the commands of docker.

    Args:
        ctx: its environment variables and console are those of the engine's program.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._state: State | None = None

    @abstractmethod
    def look(self) -> State:
        """Look at the engine; `state` remembers it."""

    @abstractmethod
    def placing(self, launch: Launch) -> list[str]:
        """Words for network, user, GPUs and what else differs between engines."""

    def adapted(self, launch: Launch) -> Launch:
        """What can be run here instead of what was asked for; the difference is told."""
        return launch

    def environ(self) -> Mapping[str, str]:
        """The variables for its program."""
        return ground.environment(self.ctx.environ)

    def state(self) -> State:
        if self._state is None:
            self._state = self.look()
        return self._state

    def words(self, *more: str) -> list[str]:
        """A command line of its program."""
        return [programs.find(self.name, self.ctx.environ) or self.name, *more]

    def ask(self, *more: str, timeout: float = 120.0) -> programs.Done:
        """Run its program for an answer."""
        # podman's conmon leaves an empty file `oom` where it began when memory ran out.
        folder = homefolder.containers(self.ctx)
        cwd = folder if os.path.isdir(folder) else "/"
        return programs.ask(self.words(*more), self.environ(), timeout, cwd)

    def must(self, doing: str, *more: str) -> str:
        """The same, but a failure is a `CmError` that says what could not be done."""
        done = self.ask(*more)
        if done.code:
            raise problems.failure(self.name, doing, done.err or done.out)
        return done.out.strip()

    def image(self, reference: str) -> str:
        return _id(self._image(reference))

    def labels(self, reference: str) -> Mapping[str, str]:
        found: Mapping[str, str] = (self._image(reference).get("Config") or {}).get("Labels") or {}
        return found

    def _image(self, reference: str) -> dict[str, Any]:
        done = self.ask("image", "inspect", reference)
        if done.code:
            text = done.err.lower()
            if "no such" in text or "not known" in text:
                return {}
            raise problems.failure(self.name, f"look at the image {reference}", done.err)
        found: dict[str, Any] = _json(done.out)[0]
        return found

    def run(self, launch: Launch) -> Ended:
        """See `Engine.run`. A missing program in the image is an error with code 127."""
        import sys

        from cmcore.storage import make_dir

        make_dir(homefolder.containers(self.ctx))
        if not self.image(launch.image):
            raise NotFoundError(
                f"{self.name} has no image {launch.image}", hint="build it first: cm docker script"
            )
        name = launch.name or container_name()
        terminal = launch.interactive and not launch.detached and sys.stdin.isatty()
        limit = words.seconds(launch.limits.timeout)
        launch = self.adapted(launch)._replace(labels=_labels(launch))
        create = ["create", *self.placing(launch), *words.of(launch, name, terminal)]
        created = ended = False
        try:
            # From here on a container may be there, even when the answer never comes.
            created = True
            self.must(f"make a container of {launch.image}", *create, launch.image, *launch.command)
            self.prepare(name)
            if launch.detached:
                self.must(f"start the container {name}", "start", name)
                ended = True
                return Ended(0, name)
            return self._wait(launch, name, terminal, limit)
        except CmError as error:
            # The name belongs to a container that is not ours.
            created = "there is a container" not in error.message
            raise
        finally:
            if created and not ended:
                self.ask(*_REMOVE, name)

    def prepare(self, name: str) -> None:
        """Have the engine's reasons why a made container cannot start, before it is attached."""

    def _wait(self, launch: Launch, name: str, terminal: bool, limit: float) -> Ended:
        def pass_on(number: int) -> None:
            # The attached program would do so too, but docker's then leaves without the last
            # words of the container, and podman's dies of SIGHUP.
            self.ask("kill", "--signal", str(number), name)

        watch = programs.Watch(lambda: self.ask("kill", name), limit, pass_on)
        attach = ["start", "--attach", *(["--interactive"] if launch.interactive else []), name]
        watch.attach(
            self.words(*attach),
            self.environ(),
            interactive=launch.interactive,
            terminal=terminal,
            aside=self.ctx.console.json,
        )
        state = self._settled(name)
        status = state.get("Status")
        if status in ("created", "configured", "initialized") and not state.get("Pid"):
            if watch.reason:
                return Ended(130, "", "stopped before it began")
            # Attached starts say little about why; a second one without does.
            again = self.ask("start", name)
            raise no_start(self.name, f"a container of {launch.image}", again.err or again.out)
        if state.get("Running"):
            raise CmError(
                f"{self.name} lost its connection to the container, which was stopped",
                hint="try again; the system's log says what ended the program",
            )
        return _ended(launch, watch.reason, int(state.get("ExitCode", 0)), state)

    def _settled(self, name: str) -> dict[str, Any]:
        """The container's state, once the engine has taken note of its end."""
        import time

        for pause in (0.0, 0.1, 0.2, 0.5, 1.0, 2.0):
            time.sleep(pause)
            done = self.ask("container", "inspect", name)
            if done.code:
                raise problems.failure(self.name, f"look at the container {name}", done.err)
            state: dict[str, Any] = _json(done.out)[0].get("State", {})
            # podman's `stopped` is on the way to `exited`, and knows no exit code yet.
            if not state.get("Running") and state.get("Status") not in ("stopping", "stopped"):
                break
        return state

    def clean(self, owner: str) -> list[str]:
        done = []
        for item, labels in self._containers(owner):
            if marks.DETACHED in labels or not marks.ended(labels.get(marks.RUN, "")):
                continue
            if not self.ask(*_REMOVE, item.id).code:
                done.append(f"removed container {item.name}, left by a run that was killed")
        return done

    def items(self, owner: str) -> list[Item]:
        found = [item for item, _ in self._containers(owner)]
        listed = self.ask("images", "--quiet", "--no-trunc", "--filter", f"label={OWNER}={owner}")
        for one in self._inspect("image", listed.out):
            tags = one.get("RepoTags") or [""]
            found.append(
                Item(self.name, "image", _id(one), tags[0], "", "", str(one.get("Created", "")))
            )
        return found

    def _containers(self, owner: str) -> list[tuple[Item, Mapping[str, str]]]:
        chosen = f"label={OWNER}={owner}"
        listed = self.ask("ps", "--all", "--quiet", "--no-trunc", "--filter", chosen)
        found = []
        for one in self._inspect("container", listed.out):
            config, state = one.get("Config") or {}, one.get("State") or {}
            image = str(one.get("ImageName") or config.get("Image") or "")
            status = str(state.get("Status", ""))
            if status == "exited":
                status = f"exited {state.get('ExitCode')}"
            name = str(one.get("Name", "")).removeprefix("/")
            made = str(one.get("Created", ""))
            item = Item(self.name, "container", _id(one), name, image, status, made)
            found.append((item, config.get("Labels") or {}))
        return found

    def _inspect(self, kind: str, listed: str) -> list[dict[str, Any]]:
        wanted = list(dict.fromkeys(listed.split()))
        if not wanted:
            return []
        done = self.ask(kind, "inspect", *wanted)
        # One that went away meanwhile makes the program fail, and still it tells of the others.
        found: list[dict[str, Any]] = _json(done.out) if done.out.strip() else []
        return found

    def prune(self, owner: str) -> list[str]:
        """Remove layers that no image needs, and volumes that no container uses."""
        chosen = ["--filter", f"label={MADE}", "--filter", "dangling=true"]
        listed = self.ask("images", "--quiet", "--no-trunc", *chosen).out.split()
        gone = sum(not self.ask("rmi", layer).code for layer in dict.fromkeys(listed))
        done = [f"removed {gone} layers of unfinished builds"] if gone else []
        named = self.ask("volume", "ls", "--quiet", "--filter", f"name={VOLUMES}{owner}").out
        for name in named.split():
            if name.startswith(f"{VOLUMES}{owner}-") and not self.ask("volume", "rm", name).code:
                done.append(f"removed volume {name}")
        return done

    def stop(self, container: str) -> None:
        self.must(f"stop the container {container}", "stop", container)
        self.ask(*_REMOVE, container)

    def remove_container(self, container: str) -> None:
        self.must(f"remove the container {container}", *_REMOVE, container)

    def remove_image(self, reference: str) -> None:
        if not self.image(reference):
            raise NotFoundError(f"{self.name} has no image {reference}")
        self.must(f"remove the image {reference}", "rmi", reference)

    def push(self, reference: str, target: str, tell: Callable[[str], None]) -> None:
        """See `Engine.push`; the credentials are those the user gave the engine (`login`)."""
        if reference != target:
            self.must(f"name the image {reference} {target}", "tag", reference, target)
        code, lines = programs.follow(self.words("push", target), self.environ(), tell)
        if code:
            raise problems.failure(self.name, f"push {target}", lines)


def _labels(launch: Launch) -> dict[str, str]:
    more = {marks.RUN: marks.mark()}
    if launch.detached:
        more[marks.DETACHED] = "1"
    return {**launch.labels, **more}


def _id(about: Mapping[str, Any]) -> str:
    return str(about.get("Id", "")).removeprefix("sha256:")


def _json(text: str) -> Any:
    from cmcore.storage import parse_json

    return parse_json(text.encode(), "the engine's answer")


def no_start(engine: str, what: str, text: str) -> CmError:
    """The error of a container that did not begin, with the codes that shells and docker give."""
    code = 127 if "not found" in text else 126 if "permission denied" in text.lower() else 125
    return problems.failure(engine, f"start {what}", text, code)


def _ended(launch: Launch, reason: str, code: int, state: Mapping[str, Any]) -> Ended:
    if reason == "timeout":
        return Ended(TIMED_OUT, "", f"stopped after its time limit of {launch.limits.timeout}")
    if reason == "signal":
        return Ended(code or 130, "", "stopped by a signal")
    memory = launch.limits.memory
    if state.get("OOMKilled") or (code == 137 and memory):
        limit = f"its memory limit of {memory}" if memory else "the memory there is"
        return Ended(code, "", f"killed, most likely because it needed more than {limit}")
    if code == 137:
        note = "killed (137): by hand, or because the machine ran out of memory"
        return Ended(code, "", note)
    return Ended(code)
