"""One line of a plan: a recipe and what would become of it."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.errors import CmError
    from cmcore.types import Artifact

#: What may become of a node.
RUN, CACHED, REUSED, SKIPPED, MAYBE, LISTED, LEFT_OUT, FAILS = (
    "run",
    "cached",
    "reused",
    "skipped",
    "unknown",
    "listed",
    "left-out",
    "error",
)


class Problem(NamedTuple):
    """Something that would stop the run (`error`) or deserves a look (`warning`).

    Attributes:
        level: `error` or `warning`.
        text, where, hint: as in `CmError`.
        step: number of the node, 0 for none.
        code: exit code that a run would end with, for errors.
    """

    level: str
    text: str
    where: str = ""
    hint: str = ""
    step: int = 0
    code: int = 1


class Node:
    """A recipe that would run, or a dependency that would not.

    Attributes:
        step: number in the order in which a run reaches the nodes, from 1; 0 for skipped ones.
        kind: `request`, or the list that a dependency stands in.
        asked: tags as joined for this run.
        outcome: one of the words above.
        sure: False when the node's being there depends on what only a run can tell.
        open: True when a block of its meta that only a run can judge may change what is below.
        condition: why it is skipped, and the value that decided.
        notes: what is unknown until run, in sentences.
        why: grounds on which the recipe was chosen.
        recipe: the artifact; None where none fits or nobody looked for it.
        run: its composed run, for what follows from it.
        miss, hit: what the cache said; `hit` is the entry's uid, path, creation and version.
        turned_down: sentences about entries that carry the tags but are not served.
        needs: `root`, `network`, `token`, `gpu` -> the grounds, in words.
        before: the environment when its turn came.
        walked: whether the walk got beyond the cache look-up.
        beside, in_turn: with --jobs: the steps that it can be built beside, or why it cannot.
        children: its dependencies, in order.
    """

    def __init__(self, kind: str, asked: str, step: int = 0) -> None:
        self.step = step
        self.kind = kind
        self.asked = asked
        self.outcome = SKIPPED
        self.sure = True
        self.open = False
        self.condition = ""
        self.notes: list[str] = []
        self.why = ""
        self.recipe: Artifact | None = None
        self.run: RecipeRun | None = None
        self.variations: list[tuple[str, str]] = []
        self.version: dict[str, Any] = {}
        self.miss = ""
        self.hit: dict[str, Any] = {}
        self.turned_down: list[str] = []
        self.needs: dict[str, list[str]] = {}
        self.error: CmError | None = None
        self.before: dict[str, Any] = {}
        self.walked = False
        self.beside: list[int] = []
        self.in_turn = ""
        self.children: list[Node] = []

    @property
    def label(self) -> str:
        """What people call it: the recipe's alias, or the tags when there is no recipe."""
        return (self.recipe.alias or self.recipe.uid) if self.recipe else self.asked

    def note(self, text: str) -> None:
        """Add a sentence once."""
        if text not in self.notes:
            self.notes.append(text)

    def walk(self) -> list[Node]:
        """This node and all below it, in the order of the plan."""
        return [self, *(below for child in self.children for below in child.walk())]

    def to_dict(self, depth: int = -1) -> dict[str, Any]:
        """The node as `--out=json` shows it; below `depth` levels only a count remains.

        The keys are documented in `docs/recipes.md`.
        """
        data: dict[str, Any] = {
            "step": self.step,
            "kind": self.kind,
            "asked": self.asked,
            "outcome": self.outcome,
            "sure": self.sure,
            "condition": self.condition,
            "unknown": list(self.notes),
            "recipe": None,
            "why": self.why,
            "variations": [{"name": name, "from": origin} for name, origin in self.variations],
            "version": dict(self.version),
            "cache": {"hit": self.hit or None, "miss": self.miss},
            "needs": {need: list(grounds) for need, grounds in self.needs.items()},
            "error": self.error.to_dict() if self.error else None,
            "beside": list(self.beside),
            "in_turn": self.in_turn,
        }
        if self.recipe is not None:
            data["recipe"] = {
                "alias": self.recipe.alias,
                "uid": self.recipe.uid,
                "path": self.recipe.path,
                "collection": self.recipe.collection.name,
                "dialect": self.recipe.form,
            }
        if depth == 0:
            data["children"] = []
            data["hidden"] = len(self.walk()) - 1
        else:
            data["children"] = [child.to_dict(depth - 1) for child in self.children]
            data["hidden"] = 0
        return data
