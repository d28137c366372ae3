"""Requests through the engine that runs recipes, compared with their shallow plans.

With `--fake_run --fake_deps` a run goes the whole way (index, choice, composition, conditions,
environment, export) and executes nothing; what it lists and gives back has to be what the shallow
plan says. That plan is the one without the references' loss of hidden variables.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import compare

from cm_script import resolve
from cmcore import grammar
from cmcore.context import Context
from cmcore.errors import CmError


def check(root: Path, scripts: str, cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many requests agree, and the ids of those that do not."""
    recipes = compare.Recipes(scripts)
    differ = []
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="through-") as scratch:
        work = os.path.join(os.path.realpath(scratch), "work")
        os.mkdir(work)
        environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "<HOME>"}
        environ["CM_HOME"] = os.path.join(scratch, "home")
        add = {"action": "add", "automation": "collection", "artifact": str(root)}
        assert Context(environ=environ).access(add)["return"] == 0
        os.chdir(work)
        try:
            for case in cases:
                if not _same(case, recipes, environ):
                    differ.append(case["id"])
        finally:
            os.chdir(before)
    return {"asked": len(cases), "differ": differ}


def _same(case: Mapping[str, Any], recipes: compare.Recipes, environ: dict[str, str]) -> bool:
    answer = run(case, environ)
    try:
        plan = compare.plan_of(case, recipes, keep_hidden=True)
    except CmError:
        return bool(answer["return"])
    if answer["return"]:
        return False
    planned = [compare.tag_set(dep.tags) for dep in plan.deps if not dep.skipped]
    states = set(answer["new_state"]) - {"print_deps"}
    return (
        planned == [compare.tag_set(tags) for tags in answer["deps"]]
        and states == set(plan.new_state)
        and _comparable(plan.new_env, plan) == _comparable(answer["new_env"], plan)
    )


def run(case: Mapping[str, Any], environ: dict[str, str]) -> dict[str, Any]:
    """The answer of the running engine to one request."""
    flags = dict(grammar.parse(["run", "script", *case["args"]]).request.flags)
    flags.update(tags=case["tags"], quiet=True, fake_run=True, fake_deps=True)
    call = {"action": "run", "automation": "script", **json.loads(json.dumps(flags))}
    with contextlib.redirect_stderr(io.StringIO()):
        return Context(environ=environ).access(call)


def _comparable(env: Mapping[str, Any], plan: resolve.Plan) -> dict[str, str]:
    """Values as texts; without what a run notes for itself."""
    places = {plan.artifact.path: "<SCRIPT>", os.getcwd(): "<CWD>"}
    return {key: compare.plain(env[key], places) for key in env if "_TMP_" not in key}
