"""Published recipes: `cm plan` names the recipes that the run then goes through, in order."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cmcore.context import Context
from cmcore.types import Artifact

#: Dependencies that run anywhere, without a network; a plan tells which recipes have no others.
HARMLESS = {"detect-os", "detect-cpu", "get-python3"}
#: Recipes of each dialect that are compared.
ENOUGH = 20


class Home:
    """A home with both corpora, and a folder to run in."""

    def __init__(self, top: Path, *corpora: Path) -> None:
        self.home, self.work = top / "home", top / "work"
        self.work.mkdir()
        self.environ = {**os.environ, "CM_HOME": str(self.home)}
        for corpus in corpora:
            self.call("add", "collection", artifact=str(corpus))

    def call(self, action: str, automation: str, **call: Any) -> dict[str, Any]:
        """One request, as a Python caller makes it."""
        before = os.getcwd()
        os.chdir(self.work)
        try:
            ctx = Context(environ=self.environ)
            return ctx.access({"action": action, "automation": automation, **call})
        finally:
            os.chdir(before)

    def recipes(self) -> list[Artifact]:
        """All recipes of both corpora."""
        return Context(environ=self.environ).search("script")

    def went_through(self) -> list[tuple[str, str]]:
        """(recipe, source) of the newest run, in the order in which they ended."""
        folder = self.home / "records"
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [(r["recipe"], r["source"]) for r in json.loads(newest.read_text())["recipes"]]


@pytest.fixture(scope="module")
def home(cm_root: Path, mlc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("plans"), cm_root, mlc_root)


def chosen(home: Home, dialect: str) -> list[dict[str, Any]]:
    """Requests for recipes of a dialect whose dependencies are harmless, and at least one."""
    found: list[dict[str, Any]] = []
    recipes = {recipe.alias: recipe for recipe in home.recipes() if recipe.form == dialect}
    for _, recipe in sorted(recipes.items()):
        request = {"artifact": recipe.uid, "dialect": dialect, "fake_run": True, "quiet": True}
        plan = home.call("plan", "script", **request)
        deps = {row["recipe"].partition(",")[0] for row in plan.get("order", ())[:-1]}
        if plan["return"] == 0 and deps and deps <= HARMLESS:
            found.append(request)
        if len(found) == ENOUGH:
            break
    return found


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["cm", "mlc"])
def test_a_run_goes_the_way_of_its_plan(home: Home, dialect: str) -> None:
    requests = chosen(home, dialect)
    assert len(requests) == ENOUGH
    for request in requests:
        plan = home.call("plan", "script", **request)
        answer = home.call("run", "script", **request)
        assert answer["return"] == 0, (request, answer)
        planned = [(row["recipe"], row["source"]) for row in plan["order"]]
        assert planned == home.went_through(), request


@pytest.mark.slow
def test_every_recipe_can_be_planned(home: Home) -> None:
    """What is wrong with a plan is said about the corpus, not about the planner."""
    wrong = {}
    for recipe in home.recipes()[::8]:
        plan = home.call("plan", "script", artifact=recipe.uid, dialect=recipe.form)
        if plan["return"]:
            wrong[recipe.alias] = plan.get("problems") or plan["error"]
        else:
            assert plan["order"][-1]["recipe"].startswith(recipe.alias)
    assert len(wrong) <= 3, wrong
