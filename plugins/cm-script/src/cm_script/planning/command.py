"""`cm plan script` as a command: request in, the plan out, nothing done."""

from __future__ import annotations

from cm_script.command import inputs_of
from cm_script.flags import EXTRAS, is_on
from cm_script.merge import copied
from cm_script.planning import checks, graph, tree
from cm_script.planning.engine import PlanEngine
from cm_script.planning.node import Problem
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_script.jobs.independence import Foreseeing
    from cm_script.planning.inside import InsideEngine
    from cmcore.context import Context
    from cmcore.types import Request

FORMATS = ("tree", "mermaid", "dot")

#: Flags of a run that print or write something: a plan has nothing to print or write.
_IDLE = (*EXTRAS, "print_env", "save_env", "time", "dirty", "verbose", "v")


def plan(ctx: Context, request: Request) -> Result:
    """Plan a run.

    Returns:
        the plan, see `docs/recipes.md`; the exit code is that of the first sure failure, else 0.

    Raises:
        CmError: nothing fits the request itself, or its flags contradict each other.
    """
    inputs = inputs_of(ctx, request)
    style, depth = _style(inputs), _depth(inputs)
    full = any(is_on(inputs.get(name)) for name in ("verbose", "v"))
    for name in _IDLE:
        inputs.pop(name, None)
    jobs = inputs.pop("jobs", None)
    inside = _inside(ctx) if is_on(inputs.pop("container", None)) else None
    asked = copied(inputs) if inside else {}
    engine = inside or PlanEngine(ctx)
    engine.request = request
    foreseeing = _foreseeing(engine, None if inside else jobs)
    with ctx.index.hold():
        engine.run(inputs)
    planner = engine.planner
    root = planner.root
    if root is None:
        raise CmError("nothing was planned")
    if root.error is not None and not root.children:
        raise root.error
    if foreseeing is not None:
        from cm_script.jobs import marks

        marks.put(root, foreseeing)
    problems = planner.all_problems()
    problems += [Problem("warning", text) for text in engine.quiet_console.warnings]
    summary = checks.summary(root)
    errors = [problem for problem in problems if problem.level == "error"]
    data = {
        "plan": 1,
        "ok": not errors,
        "tree": root.to_dict(depth),
        "order": checks.order(root),
        "summary": summary,
        "problems": [problem._asdict() for problem in problems],
    }
    if style == "tree":
        view = tree.draw(root, depth, summary, problems, ctx.console.width(), full=full)
    else:
        view = graph.mermaid(root, depth) if style == "mermaid" else graph.dot(root, depth)
    if inside is not None:
        from cm_script.planning import container

        with ctx.index.hold():
            data["container"] = container.describe(ctx, inside, asked)
    if errors:
        data["error"] = errors[0].text  # an answer whose return is not 0 says why
    return Result(data, view=view, code=errors[0].code if errors else 0)


def _inside(ctx: Context) -> InsideEngine:
    """What plans for a container, which begins with an empty cache."""
    from cm_script.planning.inside import InsideEngine

    return InsideEngine(ctx)


def _foreseeing(engine: PlanEngine, jobs: object) -> Foreseeing | None:
    """What notes for `--jobs` which steps are independent; None without it."""
    if jobs is None:
        return None
    from cm_script.jobs import marks
    from cm_script.jobs.engine import count

    return marks.prepare(engine) if count(jobs) > 1 else None


def _style(inputs: dict[str, Any]) -> str:
    style = inputs.pop("format", "tree")
    if style in FORMATS:
        return str(style)
    raise UsageError(f"there is no plan format '{style}'", hint="known are " + ", ".join(FORMATS))


def _depth(inputs: dict[str, Any]) -> int:
    """Levels below the request that are shown; -1 for all."""
    given = inputs.pop("depth", None)
    if given is None:
        return -1
    if isinstance(given, bool) or not str(given).isdecimal():
        raise UsageError(f"--depth takes a number, not '{given}'", hint="for example --depth=2")
    return int(str(given))
