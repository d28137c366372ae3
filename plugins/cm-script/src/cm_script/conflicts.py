"""Version requests that no version can satisfy, and who asked for what."""

from __future__ import annotations

from cm_script import versions
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.run import RecipeRun

_WORDS = {"version": "exactly", "version_min": "at least", "version_max": "at most"}


def refuse(run: RecipeRun) -> None:
    """Refuse a run whose version request contradicts itself.

    Raises:
        UsageError: it does, and the request itself says all of it.
        CmError: it does, and recipes have a part in it.
    """
    asked = run.scope.version_request
    pair = contradiction(asked, run.dialect)
    if pair is None:
        return
    sides = [f"{_WORDS[key]} {asked[key]} ({_origin(run, key)})" for key in pair]
    typed = len(run.engine.chain) == 0 and all(_given(run, key) for key in pair)
    error = UsageError if typed else CmError
    raise error(
        f"version conflict: no version of recipe {run.artifact.alias or run.artifact.uid} is "
        + " and ".join(sides),
        where="" if typed else run.artifact.path,
        hint=_hint(run, pair),
    )


def contradiction(asked: Mapping[str, str], dialect: Dialect) -> tuple[str, str] | None:
    """Two keys of a version request that exclude each other, or None.

    Names of branches and the like (`main`) are neither old nor new.
    """
    keys = ("version", "version_min", "version_max")
    exact, low, high = (text if (text := asked.get(k, ""))[:1].isdigit() else "" for k in keys)
    if low and high and versions.compare(low, high, dialect) > 0:
        return "version_min", "version_max"
    if exact and low:
        if dialect.version_prefix_fits:  # 3.10 stands for every 3.10.x
            low = ".".join(low.split(".")[: exact.count(".") + 1])
        if versions.compare(exact, low, dialect) < 0:
            return "version", "version_min"
    if exact and high and versions.compare(exact, high, dialect) > 0:
        return "version", "version_max"
    return None


def _given(run: RecipeRun, key: str) -> bool:
    return versions.text(run.inputs.get(key)) == run.scope.version_request[key]


def _origin(run: RecipeRun, key: str) -> str:
    """Who asked: a flag, an edit of a dependency, its entry, a variable, or the recipe."""
    value = run.scope.version_request[key]
    if _given(run, key):
        if not run.engine.chain:
            return f"--{key}"
        names = run.inputs.get("names") or []
        for name in [names] if isinstance(names, str) else names:
            edit = run.scope.adr.get(name)
            if isinstance(edit, dict) and versions.text(edit.get(key)) == value:
                return f"--adr.{name}.{key}"
            if len(run.engine.chain) == 1 and value in _own_edits(run, name, key):
                return f"--ad.{name}.{key}"
        return f"its entry in the dependencies of {run.engine.chain[-1].split(',')[0]}"
    variable = run.key(key.upper())
    if variable in run.engine.literal:
        return f"--env.{variable}"
    if versions.text(run.artifact.meta.get(key)) == value:
        return "its own meta"
    return f"the variable {variable}"


def _own_edits(run: RecipeRun, name: str, key: str) -> list[str]:
    """What the request's own edits (`--ad`) say of a dependency of the recipe it names."""
    request = run.engine.request
    flags = request.flags if request is not None else {}
    edits = [flags[flag] for flag in ("ad", "add_deps") if isinstance(flags.get(flag), dict)]
    said = [edit[name].get(key) for edit in edits if isinstance(edit.get(name), dict)]
    return [versions.text(value) for value in said if value is not None]


def _hint(run: RecipeRun, pair: tuple[str, str]) -> str:
    if not run.engine.chain:
        return "leave one of them out"
    names = run.inputs.get("names") or []
    name = names if isinstance(names, str) else next(iter(names), "")
    return f"--adr.{name}.{pair[0]}=V asks for another" if name else ""
