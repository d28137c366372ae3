"""What the checks of one result look at, read once, and where they put what they find."""

from __future__ import annotations

import os

from cm_mlperf.submission import detail
from cm_mlperf.submission.findings import Finding
from cm_mlperf.submission.layout import DETAIL, SUMMARY, Place
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.rounds import ModelRules, Round
    from cm_mlperf.submission.detail import Detail


class Run(NamedTuple):
    """One LoadGen run in a tree: its folder, its detail log, the lines of its summary."""

    folder: str
    detail: Detail | None
    summary: str | None

    @property
    def file(self) -> str:
        """The detail log, relative to the tree."""
        return f"{self.folder}/{DETAIL}"


class Scene:
    """One result of a tree under examination.

    Attributes:
        root: absolute path of the tree.
        place: where the result stands.
        rules: what the round demands of its model, None when it knows no such model.
        system: the system description, {} when there is none.
        found: findings so far.
    """

    def __init__(
        self,
        root: str,
        of_round: Round,
        place: Place,
        rules: ModelRules | None,
        system: Mapping[str, Any],
    ) -> None:
        self.root, self.round, self.place = root, of_round, place
        self.rules, self.system = rules, system
        self.found: list[Finding] = []
        self.performance = self.run(place.performance)
        self.accuracy = self.run(place.accuracy)

    @property
    def closed(self) -> bool:
        """Whether the rules of the closed division hold (they do in `network` too)."""
        return self.place.division != "open"

    def path(self, relative: str) -> str:
        """Absolute path of something in the tree."""
        return os.path.join(self.root, relative)

    def add(self, rule: str, file: str, text: str, remedy: str = "") -> None:
        """Note a violated rule."""
        self.found.append(Finding(rule, file, text, remedy))

    def text(self, relative: str) -> str | None:
        """The text of a file in the tree, None when it cannot be read."""
        try:
            with open(self.path(relative), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return None

    def run(self, folder: str) -> Run:
        """The run in a folder of the tree; parts of it may be missing."""
        log = detail.read(self.path(f"{folder}/{DETAIL}"))
        return Run(folder, log, self.text(f"{folder}/{SUMMARY}"))
