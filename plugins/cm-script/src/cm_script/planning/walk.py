"""The way of a plan through the recipes: the growing tree, and what is known on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cm_script import cacheuse
from cm_script.executor import Executor
from cm_script.planning import node
from cm_script.planning.certainty import Knowledge, fits
from cm_script.planning.later import Later
from cm_script.planning.node import Node, Problem
from cm_script.planning.source import Source
from cm_script.results import snapshot
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.planning.undefined import Open
    from cm_script.run import RecipeRun

Walk = Callable[[dict[str, Any]], dict[str, Any]]


class Walker(Executor):
    """An executor that collects the nodes of a plan.

    Attributes:
        root: the node of the request, once it was visited.
        problems: what would stop the run, and what deserves a look.
        unfilled: placeholders that were still there when their recipe was done.
        knowledge: what is known about the variables at this point of the walk.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self.unfilled: list[Open] = []
        self.knowledge = Knowledge()
        self.stack: list[Node] = []
        self.coming: Node | None = None
        self._steps = 0
        self.later: list[Later] = []
        self._sources: dict[tuple[str, str, str], Source] = {}

    def visit(self, inputs: dict[str, Any], walk: Walk) -> dict[str, Any]:
        """Walk through one recipe; an error becomes a problem and the walk goes on beside it."""
        self._steps += 1
        here = self.coming or Node("request" if not self.stack else "deps", "")
        self.coming = None
        here.step = self._steps
        here.asked = str(inputs.get("tags") or inputs.get("artifact") or "")
        here.before = snapshot(inputs.get("env") or {})
        if self.stack:
            self.stack[-1].children.append(here)
        else:
            self.root = here
        outside = self.knowledge.copy()
        self.stack.append(here)
        answer: dict[str, Any] = {"return": 0, "new_env": {}, "new_state": {}, "deps": []}
        try:
            answer = walk(inputs)
        except CmError as error:
            self._failed(here, error, inputs)
            self.knowledge = outside
        else:
            self._ended(here, outside)
        finally:
            self.stack.pop()
        return answer

    def _failed(self, here: Node, error: CmError, inputs: Mapping[str, Any]) -> None:
        from cm_script.conditions import truthy

        self.coming = None
        if isinstance(error, ComesBack):
            here.outcome, here.sure = node.MAYBE, False
            here.note(f"whether it comes back to step {error.step}")
            return
        here.outcome, here.error = node.FAILS, error
        parent = self.stack[-2].run if len(self.stack) > 1 else None
        optional = truthy(inputs.get("continue_on_error"))
        optional = optional and parent is not None and parent.dialect.dep_may_fail
        here.sure = here.sure and not any(n.open for n in self.stack)
        sure = all(n.sure for n in self.stack) and not optional
        text = (
            error.message if sure or optional else f"may fail, unknown until run: {error.message}"
        )
        self.problem("error" if sure else "warning", text, error.where, error.hint, error.code)

    def _ended(self, here: Node, outside: Knowledge) -> None:
        inside, self.knowledge = self.knowledge, outside
        run = here.run
        if run is None:
            return
        if here.hit:
            here.outcome = node.REUSED if here.hit.get("step") else node.CACHED
            self._let_out_hit(here)
            return
        if not here.walked:
            here.outcome = node.LEFT_OUT
            return
        here.outcome = node.RUN
        patterns = self.exported(run)
        open_ = inside.let_out(patterns)
        source = self.source(run)
        if source.acts and not cacheuse.fake(run):
            open_.update(dict.fromkeys(patterns, here.label))
        for pattern, who in open_.items():
            self.knowledge.forget([pattern], who)
        if not source.acts:
            self.knowledge.learn(
                key
                for key in run.env
                if key not in open_ and self._is_let_out(key, patterns) and not inside.who_sets(key)
            )
        for later in self.later:
            if later.step == here.step:
                later.open = dict(open_)

    def _let_out_hit(self, here: Node) -> None:
        step = here.hit.get("step")
        later = next((one for one in self.later if one.step == step), None) if step else None
        self.knowledge.learn(here.hit.pop("keys", ()))
        for pattern, who in (later.open if later else {}).items():
            self.knowledge.forget([pattern], who)

    def exported(self, run: RecipeRun) -> list[str]:
        patterns = run.inputs.get("force_new_env_keys") or run.scope.new_env_keys
        named = []
        for pattern in map(str, patterns):
            if pattern.startswith("<<<") and pattern.endswith(">>>"):
                pattern = str(run.env.get(pattern[3:-3]) or "")
            if pattern:
                named.append(pattern)
        return named

    def _is_let_out(self, key: str, patterns: Iterable[str]) -> bool:
        return any(fits(key, pattern) for pattern in patterns)

    def source(self, run: RecipeRun) -> Source:
        # The native script depends on what is known of the host, so it is part of the key.
        value, prefix = run.scope.env.get, run.dialect.prefix
        host = f"{value(prefix + 'HOST_OS_FLAVOR')} {value(prefix + 'HOST_OS_VERSION')}"
        key = (run.artifact.path, run.scope.script_name, host)
        found = self._sources.get(key)
        if found is None:
            found = self._sources[key] = Source(run)
        return found

    def all_problems(self) -> list[Problem]:
        """What is wrong with the plan as a whole, once the walk is over."""
        from cm_script.planning import checks, undefined

        if self.root is None:
            return list(self.problems)
        return [
            *self.problems,
            *undefined.problems(self.unfilled, self.root, self._sources.values()),
            *checks.version_conflicts(self.root),
        ]

    def problem(self, level: str, text: str, where: str, hint: str, code: int = 1) -> None:
        step = self.stack[-1].step if self.stack else 0
        problem = Problem(level, text, where, hint, step, code)
        if not any(p[:4] == problem[:4] for p in self.problems):
            self.problems.append(problem)


class ComesBack(CmError):
    """A dependency that may not be there leads back to a recipe that is being walked through."""

    def __init__(self, step: int) -> None:
        super().__init__(f"back to step {step}")
        self.step = step


def same(one: RecipeRun, other: RecipeRun | None) -> bool:
    return (
        other is not None
        and one.artifact.path == other.artifact.path
        and one.scope.variations == other.scope.variations
    )
