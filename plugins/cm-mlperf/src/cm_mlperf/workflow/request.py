"""A request before anything is done: understood, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from cm_mlperf.workflow import names, option_table, options
from cmcore.errors import CmError
from cmcore.hints import Any


def from_recipe(env: dict[str, Any]) -> dict[str, Any]:
    """Check what a recipe's environment asks for, and write it down in one spelling.

    Returns:
        `return` 0, or another number and `error`.
    """
    here = str(env.get("CM_TMP_CURRENT_PATH") or "")
    try:
        wishes = options.check(options.from_variables(env), here)
        refuse_elsewhere(wishes)
    except CmError as error:
        return {"return": error.code, "error": sentence(error)}
    env.update(spelled(wishes))
    return {"return": 0}


def spelled(wishes: options.Wishes) -> dict[str, str]:
    """The variables by which the other recipes choose their variations."""
    found = {
        "model": wishes.model,
        "backend": wishes.backend,
        "device": wishes.device,
        "implementation": wishes.implementation,
        "model_path": wishes.model_path,
        "dataset_path": wishes.dataset_path,
    }
    spelling = {
        option_table.BY_NAME[name].variable: value for name, value in found.items() if value
    }
    if wishes.model == "custom" and not wishes.dataset_path:
        spelling["CM_MLPERF_SAMPLES_KIND"] = "random"
    return spelling


def refuse_elsewhere(wishes: options.Wishes) -> None:
    """Refuse what only other recipes can measure.

    Raises:
        CmError: says what is not here and what has it.
    """
    problem = elsewhere(wishes)
    if problem:
        raise CmError(problem, hint=where_else())


def where_else() -> str:
    """Who measures what this plugin does not."""
    return f"{names.PUBLISHED} do it: {names.PUBLISHED_COMMAND}"


def elsewhere(wishes: options.Wishes) -> str:
    """What of a request is not available here, as a sentence; "" when all of it is."""
    lacks = []
    if wishes.model not in names.MODELS:
        lacks.append(f"model {wishes.model}")
    elif wishes.backend == "pytorch" and wishes.model != "custom":
        # What is made and fetched here are ONNX files.
        lacks.append(f"model {wishes.model} for pytorch")
    if wishes.implementation != names.OWN_IMPLEMENTATION:
        lacks.append(names.IMPLEMENTATIONS[wishes.implementation])
    if not lacks:
        return ""
    verb = "are" if len(lacks) > 1 else "is"
    return f"{' and '.join(lacks)} {verb} not part of cm-plugin-mlperf"


def sentence(error: CmError) -> str:
    """An error as recipe code hands it on: one text."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def told(values: Mapping[str, Any]) -> list[str]:
    """Sentences about options that are understood and change nothing here."""
    idle = sorted(name for name in values if name in option_table.IGNORED and name != "clean")
    if not idle:
        return []
    listed = ", ".join(f"--{name}" for name in idle)
    verb = "change" if len(idle) > 1 else "changes"
    return [f"{listed} {verb} nothing in cm-plugin-mlperf"]
