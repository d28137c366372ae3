"""What a container needs from the host before it begins: `docker.deps` and `docker.build_deps`.

They run on the host, as they would if the recipe depended on them, and what they export tells
paths to be mounted and arguments of the build.
"""

from __future__ import annotations

import os

from cm_script import beginning, containermeta, depedit, placeholders
from cm_script.chain import run_entries
from cm_script.compose import take_default_version
from cm_script.results import snapshot
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.run import RecipeRun

KINDS = ("deps", "build_deps")


def run(engine: Engine, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run one list of a recipe's container settings, and nothing else of the recipe.

    Args:
        engine: of this request.
        inputs: the flags of the run that the container is for, and `container_deps`, the list.

    Returns:
        `return` (0), `new_env` and `new_state`: what the dependencies have set, and `deps`, their
        tags as joined.

    Raises:
        UsageError: there is no such list.
        CmError: the recipe is not there, or a dependency failed.
    """
    kind = inputs.pop("container_deps", "")
    if kind not in KINDS:
        raise UsageError(
            f"--container_deps is deps or build_deps, not '{kind}'",
            hint="they name the lists in the docker settings of a recipe",
        )
    folder = os.getcwd()
    env, state = beginning.shared(inputs)
    one = beginning.begin(engine, inputs)
    one.found = snapshot(env), snapshot(state), {}, {}
    engine.enter(one)
    try:
        _complete(one)
        docker = containermeta.settings(one)
        containermeta.take_defaults(one, docker)
        before = snapshot(env), snapshot(state)
        entries = docker.get(kind)
        if isinstance(entries, list) and entries:
            depedit.edit([entries], one.scope.adr, env, one.dialect)
            one.make_run_script_input()
            run_entries(one, entries, "deps")
        return {
            "return": 0,
            "new_env": {k: v for k, v in env.items() if before[0].get(k) != v},
            "new_state": {k: v for k, v in state.items() if before[1].get(k) != v},
            "deps": list(one.ran_deps),
        }
    finally:
        os.chdir(folder)
        engine.leave()


def _complete(one: RecipeRun) -> None:
    take_default_version(one.scope, one.dialect, one.inputs)
    one.env[one.key("TMP_CURRENT_SCRIPT_PATH")] = one.artifact.path
    placeholders.fill(one.env, data=one.scope.data)
