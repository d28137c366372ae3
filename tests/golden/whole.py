"""Load, lint and plan a whole collection: every recipe, every variation, dependencies followed.

Nothing of a recipe is run. A plan may end in an error that a person reads; anything else than a
plan or such an error is a crash, and a finding.
"""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import questions

from cmcore.context import Context
from cmcore.errors import CmError
from cmcore.types import Artifact, Request

#: Without `full`, one variation in so many is planned; recipes are planned all the same.
EACH = 10


class Planned(NamedTuple):
    """One request and what became of it.

    Attributes:
        id: as in a recording, `alias#what`.
        error: sentence of the first error, or "".
        asked: tags of the innermost request that fails.
        crash: what was raised that is no error for a person, or "".
    """

    id: str
    error: str = ""
    asked: str = ""
    crash: str = ""


def check(root: Path, *, full: bool, progress: Any = None) -> dict[str, Any]:
    """Numbers about one collection: loaded, linted, planned.

    Args:
        root: the collection.
        full: plan every variation instead of one in `EACH`.
        progress: called with the number of plans made so far.
    """
    with tempfile.TemporaryDirectory(prefix="whole-") as scratch:
        work = os.path.join(os.path.realpath(scratch), "work")
        os.mkdir(work)
        before = os.getcwd()
        environ = {**os.environ, "CM_HOME": os.path.join(scratch, "home"), "HOME": work}
        try:
            os.chdir(work)
            ctx = Context(environ=environ)
            answer = ctx.access(
                {"action": "add", "automation": "collection", "artifact": str(root)}
            )
            if answer["return"]:
                raise SystemExit(answer["error"])
            ctx = Context(environ=environ)
            recipes = ctx.search("script")
            lint = ctx.access(
                {"action": "lint", "automation": "script", "artifact": str(root), "level": "error"}
            )
            result: dict[str, Any] = {
                "recipes": len(recipes),
                "variations": sum(len(_variations(recipe)) for recipe in recipes),
                "lint": dict(lint["counts"]),
                "linted": lint["recipes"],
                "full": full,
            }
            result.update(_plans(ctx, recipes, full, progress))
        finally:
            os.chdir(before)
    return result


def _variations(recipe: Artifact) -> list[str]:
    table = recipe.meta.get("variations")
    return [key for key in table if isinstance(key, str)] if isinstance(table, dict) else []


def requests(recipes: Sequence[Artifact], full: bool) -> Iterator[tuple[str, Artifact, str]]:
    """What is planned, as (id, recipe, tags of variations)."""
    number = 0
    for recipe in recipes:
        yield f"{recipe.alias}#default", recipe, ""
        for key in sorted(_variations(recipe)):
            number += 1
            if full or number % EACH == 0:
                asked = ",".join(f"_{questions.filled(part)}" for part in key.split(","))
                yield f"{recipe.alias}#_{key}", recipe, asked


def _plans(ctx: Context, recipes: Sequence[Artifact], full: bool, progress: Any) -> dict[str, Any]:
    refused: list[dict[str, str]] = []
    crashes: list[str] = []
    total = 0
    with ctx.index.hold():
        for name, recipe, variations in requests(recipes, full):
            total += 1
            made = plan(ctx, name, recipe, variations)
            if made.crash:
                crashes.append(f"{made.id}: {made.crash}")
            elif made.error:
                refused.append({"id": made.id, "asked": made.asked, "error": made.error})
            if progress is not None:
                progress(total)
    return {"asked": total, "refused": refused, "crashes": crashes}


def plan(ctx: Context, name: str, recipe: Artifact, variations: str) -> Planned:
    """Plan one request as `cm plan script` does, drawn and as data."""
    from cm_script.planning.command import plan as command

    flags = {"quiet": True, "dialect": recipe.form}
    if variations:
        flags["tags"] = variations
    whole = ",".join([*recipe.tags, *filter(None, [variations])])
    try:
        result = command(ctx, Request("plan", "script", (recipe.name,), flags))
        json.dumps(result.data)
    except CmError as error:
        return Planned(name, str(error), whole)
    except Exception as error:  # noqa: BLE001 - a crash is what this looks for
        last = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({os.path.basename(last.filename)}:{last.lineno})"
        return Planned(name, crash=told)
    first = next((p["text"] for p in result.data["problems"] if p["level"] == "error"), "")
    return Planned(name, first, (_failing(result.data["tree"]) or whole) if first else "")


def _failing(node: dict[str, Any]) -> str:
    """Tags of the innermost node that fails, "" when it is the request itself."""
    for child in node["children"]:
        below = _failing(child)
        if below or child["error"]:
            return below or str(child["asked"])
    return ""
