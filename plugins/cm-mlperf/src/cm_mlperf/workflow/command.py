"""`cm run mlperf` and `cm plan mlperf`: the request as the recipe takes it."""

from __future__ import annotations

import contextlib

from cm_mlperf.workflow import matrix, names, option_table, option_values, options, request
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmcore.context import Context
    from cmcore.types import Request

#: The recipe that does it; its third tag keeps a published recipe from being meant.
TAGS = ("run-mlperf", "inference", "cm-mlperf")

#: Tags of the published recipe of this purpose: a command line written for it names some of them.
_ALSO = frozenset(
    (
        "run",
        "common",
        "generate-run-cmds",
        "run-mlperf-inference",
        "vision",
        "mlcommons",
        "mlperf",
        "reference",
    )
)

#: What a variation asks for, as the recipe's meta says it too.
_VARIATIONS: dict[str, dict[str, str]] = {
    **{f"{name}{end}": {"round": name} for name in names.ROUNDS for end in ("", "-dev")},
    "performance-only": {"mode": "performance"},
    "accuracy-only": {"mode": "accuracy"},
    "performance-and-accuracy": {"mode": "performance,accuracy"},
    "all-modes": {"mode": "performance,accuracy"},
    "find-performance": {"mode": "find_performance"},
    "all-scenarios": {"scenario": "all"},
    "compliance": {"compliance": "yes"},
    "short": {"execution_mode": "test"},
    "full": {"execution_mode": "valid"},
    # A README comes with each result anyway, and a submission is a command of its own.
    "populate-readme": {},
    "submission": {},
}

#: Flags that go to the recipe as they were understood.
_PASSED = (
    "model",
    "model_path",
    "dataset_path",
    "input_shapes",
    "implementation",
    "backend",
    "device",
    "execution_mode",
    "round",
    "output_dir",
)


def run(ctx: Context, asked: Request) -> Result:
    """Measure.

    Returns:
        `results`, one per scenario, as in `cm-result.json`, and `output_dir`. The exit code is 1
        when LoadGen said INVALID or an accuracy is missed.

    Raises:
        CmError: the request makes no sense, or a recipe failed.
    """
    flags, wishes, warnings = _understood(ctx, asked)
    request.refuse_elsewhere(wishes)
    with _quieter(ctx, flags):
        answer = ctx.call(asked._replace(automation="script", artifacts=(), flags=flags))
    state = answer.data.get("new_state") or {}
    results = state.get("mlperf_results") or []
    env = answer.data.get("new_env") or {}
    bad = [result for result in results if not _fine(result)]
    data = {"results": results, "output_dir": env.get("CM_MLPERF_RESULTS_DIR", "")}
    return Result(data, code=1 if bad else answer.code, warnings=(*warnings, *answer.warnings))


def plan(ctx: Context, asked: Request) -> Result:
    """What a run would do: the points it would measure, and the recipes it would use."""
    flags, wishes, warnings = _understood(ctx, asked)
    answer = ctx.call(asked._replace(automation="script", artifacts=(), flags=flags))
    points = matrix.planned(wishes)
    problem = request.elsewhere(wishes)
    head = [_told(point) for point in points]
    if problem:
        head.append(f"a run would refuse: {problem}; {request.where_else()}")
    view = answer.view
    body = [view] if isinstance(view, str) else list(view or ())
    data = {**answer.data, "points": points, "not_here": problem}
    return Result(
        data,
        view=["\n".join([*head, ""]), *body],
        code=answer.code,
        warnings=(*warnings, *answer.warnings),
    )


@contextlib.contextmanager
def _quieter(ctx: Context, flags: Mapping[str, Any]) -> Iterator[None]:
    """What the recipes say about themselves is for those who ask for it."""
    before = ctx.console.verbosity
    if not (flags.get("verbose") or flags.get("v") or flags.get("explain")):
        ctx.console.verbosity = min(before, -1)
    try:
        yield
    finally:
        ctx.console.verbosity = before


def _understood(
    ctx: Context, asked: Request
) -> tuple[dict[str, Any], options.Wishes, tuple[str, ...]]:
    """The flags for the recipe, what they mean, and what is to be said about them."""
    variations = _variations(asked)
    flags = {name: value for name, value in asked.flags.items() if name != "tags"}
    options.strange(flags, _engine_flags(ctx, asked.action))
    values: dict[str, Any] = {}
    for name in variations:
        values.update(_VARIATIONS[name])
    for name in values:
        if any(other in flags for other in (name, *option_table.BY_NAME[name].also)):
            values[name] = None
    wishes = options.check({**values, **flags})
    warnings = request.told(flags)
    if "submission" in variations:
        warnings.append("_submission measures; 'cm submit mlperf' makes a submission of it")
    passed = {
        name: value
        for name, value in flags.items()
        if name not in option_table.IGNORED and name not in option_table.BY_NAME
    }
    passed.update(_canonical(wishes, {**values, **flags}))
    passed["tags"] = ",".join((*TAGS, *(f"_{name}" for name in variations)))
    return passed, wishes, tuple(warnings)


def _canonical(wishes: options.Wishes, values: Mapping[str, Any]) -> dict[str, Any]:
    """Option values in one spelling, as text."""
    said = {option.name for name, option in option_table.BY_NAME.items() if values.get(name)}
    found = {
        name: str(value)
        for name in _PASSED
        if (value := getattr(wishes, name)) and (name in said or name in ("model", "backend"))
    }
    if "scenario" in said:
        found["scenario"] = ",".join(wishes.scenarios)
    if "mode" in said:
        found["mode"] = ",".join(wishes.modes)
    for name, option in option_table.BY_NAME.items():
        if name in values and values[name] is not None and option.name not in found:
            value = values[name]
            text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            if option.name not in ("scenario", "mode"):
                found[option.name] = text
    return found


def _variations(asked: Request) -> list[str]:
    """Variations among the words and tags of a request, in order.

    Raises:
        UsageError: a word is neither a variation nor a tag of this recipe.
    """
    tags = asked.flags.get("tags") or ""
    words = [*asked.artifacts, *(tags if isinstance(tags, list) else [str(tags)])]
    found: list[str] = []
    for word in " ".join(words).replace(",", " ").split():
        if word.startswith("_"):
            name = word[1:]
            if name not in _VARIATIONS:
                raise _unknown(word, [f"_{known}" for known in _VARIATIONS])
            if name not in found:
                found.append(name)
        elif word not in TAGS and word not in _ALSO:
            raise _unknown(word, [*TAGS, *names.all_models()])
    return found


def _unknown(word: str, known: list[str]) -> UsageError:
    if names.model_name(word):
        return UsageError(f"'{word}' is a model", hint=f"--model={word} measures it")
    near = option_values.nearest(word, known)
    hint = f"did you mean {near}?" if near else "see cm help mlperf"
    return UsageError(f"cm run mlperf does not know '{word}'", hint=hint)


def _engine_flags(ctx: Context, action: str) -> list[str]:
    """Flags of `cm run script`, which go to the recipe as they are."""
    found = ["quiet", "q", "silent", "s", "verbose", "v", "add_deps", "add_deps_recursive"]
    for verb in ("run", action):
        owner = ctx.registry.owner("script", verb)
        if owner is None:
            raise UsageError(
                "measuring needs recipes, and cm-plugin-script is not installed",
                hint="pip install cm-plugin-script",
            )
        found += [flag.name for flag in owner.action.flags]
    return found


def _fine(result: Mapping[str, Any]) -> bool:
    performance, accuracy = result.get("performance"), result.get("accuracy")
    if performance and not performance["valid"]:
        return False
    if accuracy and accuracy["met"] is False:
        return False
    return all(test["passed"] for test in result.get("compliance", {}).values())


def _told(point: Mapping[str, Any]) -> str:
    modes = " and ".join(point["modes"])
    about = point["about_seconds"]
    length = f"{about} s" if about < 120 else f"{round(about / 60)} min"
    return f"{point['model']} {point['scenario']:<12} {modes}, about {length} each"
