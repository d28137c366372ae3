"""Recipes that behave differently inside a container (`docker.run`, `docker.real_run`)."""

from __future__ import annotations

from cm_script.flags import is_on
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.run import RecipeRun


def skips(run: RecipeRun) -> bool:
    """Whether the recipe is left out because it already runs inside a container.

    A recipe with `docker.run: false` is left out altogether; one with `docker.real_run: false`
    runs its dependencies only.
    """
    if not is_on(run.env.get(run.key("RUN_STATE_DOCKER"))):
        return False
    settings = run.scope.docker or run.scope.meta.get("docker") or {}
    if not is_on(settings.get("run", True)):
        run.engine.explain("  left out: it is not meant to run inside a container")
        return True
    if not is_on(settings.get("real_run", True)):
        run.run_state["fake_run"] = True
        run.env[run.key("TMP_FAKE_RUN")] = "yes"
    return False
