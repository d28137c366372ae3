"""One installed plugin, from being found to being loaded."""

from __future__ import annotations

from cmcore.discovery import Candidate
from cmcore.errors import PluginError
from cmcore.hints import TYPE_CHECKING
from cmcore.manifest import Broken, Manifest, load
from cmcore.policy import Decision

if TYPE_CHECKING:
    from cmcore.implementations import Hook


class PluginState:
    """One installed plugin and what became of it.

    Attributes:
        candidate: its entry point.
        decision: whether it may load.
        manifest: what it offers; None while denied, or when it is broken.
        state: `found`, `denied`, `broken`, `ready` (manifest read), `loaded` or `failed`.
        error: why it is denied, broken or failed; None otherwise.
        plugin: the object with its hook implementations, once loaded.
        hooks: these, by name.
    """

    __slots__ = ("candidate", "decision", "error", "hooks", "manifest", "plugin", "state")

    def __init__(self, candidate: Candidate, decision: Decision) -> None:
        self.candidate = candidate
        self.decision = decision
        self.manifest: Manifest | None = None
        self.state = "found"
        self.error: PluginError | None = None
        self.plugin: object | None = None
        self.hooks: dict[str, Hook] = {}

    @property
    def usable(self) -> bool:
        """Whether its actions can be called (or at least tried)."""
        return self.state in ("ready", "loaded")

    @property
    def name(self) -> str:
        """Short name, as the manifest says it or else the entry point."""
        return self.manifest.name if self.manifest else self.candidate.name

    @property
    def provenance(self) -> str:
        """`name version` of the distribution."""
        return f"{self.candidate.dist} {self.candidate.version}".strip()

    @property
    def cause(self) -> str:
        """Why it is denied, broken or failed, without saying again whose failure it is."""
        error = self.error
        if error is None:
            return ""
        prefix = f"plugin {error.distribution} {error.version} failed at stage '{error.stage}': "
        return error.message.removeprefix(prefix)

    def read(self, paths: list[str] | None = None) -> None:
        """Read the manifest of an allowed plugin; `broken` or `ready` afterwards."""
        read = load(self.candidate, paths)
        if isinstance(read, Broken):
            self.state, self.error = "broken", read.error()
        else:
            self.state, self.manifest = "ready", read
