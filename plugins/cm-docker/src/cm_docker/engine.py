"""The interface of a container engine; other packages add one with `cm_container_engines`."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.records import Build, Built, Ended, Item, Launch, State

#: Label of every container and image that is made here; its value says for whom.
OWNER = "org.cmcore.owner"


class Engine(ABC):
    """One container engine.

    All methods raise `CmError` with one sentence of what was wrong and a hint of what helps; none
    of them asks anything or changes the user's own configuration of the engine.

    Attributes:
        name: as in `--docker.engine=NAME`.
        rank: engines of a lower rank are tried first: podman 10, docker 20, apptainer 30.
    """

    name = ""
    rank = 50

    @abstractmethod
    def state(self) -> State:
        """Whether it can be used here; looked at once, without starting anything that stays."""

    @abstractmethod
    def build(self, build: Build, tell: Callable[[str], None]) -> Built:
        """Build an image; each line of the build's output goes to `tell`.

        Nothing of it stays when it fails or is interrupted.
        """

    @abstractmethod
    def image(self, reference: str) -> str:
        """Identifier of an image that is on this machine, "" when there is none."""

    @abstractmethod
    def labels(self, reference: str) -> Mapping[str, str]:
        """Labels of an image that is on this machine."""

    @abstractmethod
    def run(self, launch: Launch) -> Ended:
        """Run a container, its output on the caller's own, and wait unless it is detached.

        SIGINT and SIGTERM reach the container; it is gone afterwards unless it is detached.
        """

    @abstractmethod
    def clean(self, owner: str) -> list[str]:
        """Remove containers of ended runs of one owner (label `OWNER`); sentences of what was."""

    @abstractmethod
    def remove_image(self, reference: str) -> None:
        """Remove an image."""

    @abstractmethod
    def push(self, reference: str, target: str, tell: Callable[[str], None]) -> None:
        """Send an image to a registry."""

    def items(self, owner: str) -> list[Item]:
        """Containers and images of one owner, for `cm find container`."""
        return []

    def stop(self, container: str) -> None:
        """Stop a detached container, and remove it."""
        raise CmError(f"{self.name} has no container {container}")

    def remove_container(self, container: str) -> None:
        """Remove a container, running or not."""
        raise CmError(f"{self.name} has no container {container}")

    def prune(self, owner: str) -> list[str]:
        """Remove layers that unfinished builds left; sentences of what was."""
        return []

    def file_form(self) -> str:
        """What it builds from: `containerfile`, or `definition` (apptainer)."""
        return "containerfile"
