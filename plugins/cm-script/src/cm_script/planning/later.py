"""Cache entries that are not there yet, but will be when a later step of the plan asks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from cm_script import edited, identity
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry

if TYPE_CHECKING:
    from cm_script.executor import Exports
    from cm_script.run import RecipeRun
    from cmcore.types import CacheRequest


class Later:
    """An entry that step `step` will make.

    Attributes:
        entry: as a look-up would see it, without a folder.
        recipe, dialect: what it is filed under.
        exports: environment and state as far as they are known.
        open: pattern of variables that only the run of the step will tell -> the recipe.
        unsure: whether the recipe's code may add tags and a version.
        run: the composed recipe; what it looks at is read when another step asks for the same.
    """

    def __init__(
        self,
        entry: CacheEntry,
        step: int,
        request: CacheRequest,
        exports: Exports,
        unsure: bool,
        run: RecipeRun,
    ) -> None:
        self.run = run
        self._complete = False
        self.entry = entry
        self.step = step
        self.recipe, self.dialect = request.recipe_uid, request.dialect
        self.exports = exports
        self.open: dict[str, str] = {}
        self.unsure = unsure

    @classmethod
    def made_by(
        cls, run: RecipeRun, step: int, request: CacheRequest, exports: Exports, unsure: bool
    ) -> Later:
        """The entry that a run would publish."""
        link = f"{run.dialect.script_link_tag}{run.artifact.uid}"
        kept = [tag for tag in run.cache_tags if tag != "tmp" and tag[:1] != "-"]
        tags = tuple(dict.fromkeys([*kept, link]))
        version = run.text("VERSION")
        meta: dict[str, Any] = {"key": dict(request.key)}
        entry = CacheEntry(f"of step {step}", "", tags, version, meta, time.time())
        return cls(entry, step, request, exports, unsure, run)

    def compared(self) -> CacheEntry:
        """The entry with the variables that its result depends on."""
        if not self._complete:
            self._complete = True
            meta = {
                **self.entry.meta,
                "inputs": identity.inputs(self.run, self.run.asked_env),
                **edited.recorded(self.run),
            }
            self.entry = self.entry._replace(meta=meta)
        return self.entry

    def known(self) -> Iterable[str]:
        """Variables whose value in `exports` is final."""
        return () if self.unsure else self.exports[0]


def later_entries(
    made: Sequence[Later], request: CacheRequest
) -> tuple[list[CacheEntry], list[str]]:
    """Entries to come that fit a request, and sentences about those that only might."""
    fitting: list[CacheEntry] = []
    doubts: list[str] = []
    for one in made:
        if (one.recipe, one.dialect) != (request.recipe_uid, request.dialect):
            continue
        if any(tag in one.entry.tags for tag in request.excluded):
            continue
        missing = [tag for tag in request.tags if tag not in one.entry.tags]
        if not missing:
            fitting.append(one.compared())
        elif one.unsure and all(tag.startswith("version-") for tag in missing):
            doubts.append(
                f"whether the result of step {one.step} is {missing[0].replace('-', ' ', 1)}"
            )
    return fitting, doubts
