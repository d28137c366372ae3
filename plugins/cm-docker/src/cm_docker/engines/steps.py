"""How many steps a build had, and how many of them an earlier build had already done."""

from __future__ import annotations

import re

# podman: `[1/2] STEP 2/7: RUN ...` then `--> Using cache <id>`; docker without BuildKit:
# `Step 2/7 : RUN ...` then ` ---> Using cache`.
_STEP = re.compile(r"^(?:\[\d+/\d+\] )?(?:STEP|Step) \d+/\d+ ?: (\S+)")
_CACHED = re.compile(r"^ *-+> Using cache")
# BuildKit with --progress=plain: `#7 [stage-0 2/7] RUN ...` and later `#7 CACHED`.
_KIT_STEP = re.compile(r"^#(\d+) \[[^\]]*\d+/\d+\] (\S+)")
_KIT_CACHED = re.compile(r"^#(\d+) CACHED")


class Steps:
    """Counts while a build's output goes by; `FROM` is no step, it makes nothing."""

    def __init__(self) -> None:
        self._plain = 0
        self._cached = 0
        self._kit: dict[str, bool] = {}

    def see(self, line: str) -> None:
        """Take note of one line."""
        if found := _STEP.match(line):
            self._plain += found[1].upper() != "FROM"
        elif _CACHED.match(line):
            self._cached += 1
        elif found := _KIT_STEP.match(line):
            if found[2].upper() != "FROM":
                self._kit.setdefault(found[1], False)
        elif (found := _KIT_CACHED.match(line)) and found[1] in self._kit:
            self._kit[found[1]] = True

    @property
    def steps(self) -> int:
        """Steps seen."""
        return self._plain + len(self._kit)

    @property
    def reused(self) -> int:
        """Steps that came from layers of an earlier build."""
        return self._cached + sum(self._kit.values())
