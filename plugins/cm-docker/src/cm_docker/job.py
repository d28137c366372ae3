"""What one `cm docker script` is about: the plan of its request, and what is to be said inside."""

from __future__ import annotations

import os

from cm_docker import environment, flagtrees, mounts, recipe_mounts
from cm_docker import settings as run_settings
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple
from cmcore.types import Request

if TYPE_CHECKING:
    from cm_docker.options import Asked, Wishes
    from cm_docker.settings import RunSettings
    from cmcore.context import Context


class Job(NamedTuple):
    """A request, planned for a container.

    Attributes:
        request: as it came.
        wishes: the options about the container.
        flags: the recipe's flags as they came.
        about: what the plan says about the container.
        needs: what the run needs of the outside (`token`, `gpu`, ...).
        recipe: name of the recipe, for messages.
        block: its merged `docker:` settings.
        settings: the same for the run, with the user's wishes.
        host_env: variables that the recipe's `docker.deps` set on the host.
    """

    request: Request
    wishes: Wishes
    flags: dict[str, Any]
    about: Mapping[str, Any]
    needs: frozenset[str]
    recipe: str
    block: Mapping[str, Any]
    settings: RunSettings
    host_env: Mapping[str, Any] = {}  # noqa: RUF012 - never changed


class Inside(NamedTuple):
    """What the container is told.

    Attributes:
        artifacts: words that name the recipe.
        flags: for the recipe, with the names of paths inside, nothing secret.
        secret_flags: the secret ones.
        view: what it sees of the host.
        env: variables that anybody may see.
        secrets: variables that nobody may see.
    """

    artifacts: tuple[str, ...]
    flags: dict[str, Any]
    secret_flags: dict[str, Any]
    view: mounts.View
    env: dict[str, str]
    secrets: dict[str, str]


def read(ctx: Context, request: Request, asked: Asked) -> Job:
    """Plan a request and take from the plan what the container needs.

    Raises:
        CmError: the plan has errors, or settings of the recipe or the user cannot be read.
    """
    flags = flagtrees.with_words(request, asked.flags)
    data = _plan(ctx, request, asked.flags)
    about = data["container"]
    wishes = asked.wishes
    network = wishes.network or str(ctx.settings.get("docker.network", "on") or "on")
    wishes = wishes._replace(network=network)
    recipe = str(about["recipe"]["alias"] or about["recipe"]["uid"])
    block = about["settings"]
    return Job(
        request=request,
        wishes=wishes,
        flags=flags,
        about=about,
        needs=_needs(data),
        recipe=recipe,
        block=block,
        settings=run_settings.read(block, recipe, wishes),
    )


def with_host_deps(ctx: Context, job: Job, asked: Asked) -> Job:
    """Run the recipe's `docker.build_deps` and `docker.deps` here; plan again with what they set.

    Raises:
        CmError: one of them failed.
    """
    found: dict[str, Any] = {}
    for kind in ("build_deps", "deps"):
        if not job.block.get(kind):
            continue
        ctx.console.log(f"docker.{kind} of {job.recipe} run on the host first")
        flags = {**_with_env(asked.flags, found), "container_deps": kind}
        result = ctx.call(Request("run", "script", job.request.artifacts, flags))
        found.update(result.data.get("new_env") or {})
    if not found:
        return job
    data = _plan(ctx, job.request, _with_env(asked.flags, found))
    about = {**data["container"], "command": job.about["command"]}
    block = about["settings"]
    return job._replace(
        about=about,
        needs=_needs(data),
        block=block,
        settings=run_settings.read(block, job.recipe, job.wishes),
        host_env=found,
    )


def inside(ctx: Context, job: Job, *, make: bool = True) -> Inside:
    """What the container is told and what it sees.

    Args:
        ctx: services.
        job: the planned request.
        make: make the folders of outputs that are not there.

    Raises:
        CmError: an input is not there, an output cannot be written, a variable is not set.
    """
    about, settings = job.about, job.settings
    given = about["command"]["flags"]
    kept, more = flagtrees.parted(given)
    secret = environment.flag_secrets(job.flags, list(about["command"]["secret_flags"]))
    flagtrees.merge(secret, more)
    mapping: dict[str, str] = dict(about["input_mapping"])
    files = frozenset(about["path_keys"]["file"])
    declared = mounts.Declared(
        mapping=mapping,
        inputs=frozenset((*settings.input_paths, *about["path_keys"]["inputs"])),
        files=files,
        folders=frozenset(about["path_keys"]["folder"]),
        mounted=frozenset(name for one in settings.mounts for name in recipe_mounts.variables(one)),
    )
    view = mounts.View(
        os.getcwd(),
        os.path.expanduser("~"),
        ctx.paths.cache,
        mount_cwd=settings.current_dir,
        make=make,
    )
    try:
        flags = mounts.rewrite(view, kept, declared)
        env = {var: kept[flag] for flag, var in mapping.items() if flag in kept}
        env = {**env, **about["env"], **job.host_env}
        by_variable = {var: flag for flag, var in mapping.items() if flag in kept}
        known = recipe_mounts.Known(env, by_variable, files)
        named = recipe_mounts.of_recipe(view, settings.mounts, known, job.recipe)
        recipe_mounts.of_user(view, settings.asked_mounts, env)
        _tell(flags, named, mapping, job)
        passed = _environment(ctx, job, secret)
    except BaseException:
        view.forget()
        raise
    if job.wishes.run_deps:
        flags["docker_run_deps"] = True
    return Inside(_artifacts(job), flags, secret, view, passed.env, passed.secrets)


def _tell(
    flags: dict[str, Any], named: list[recipe_mounts.Named], mapping: Mapping[str, str], job: Job
) -> None:
    """Give flags and variables the values that mounts have given them."""
    env = dict(flags.get("env") or {})
    for one in named:
        for flag, variable in mapping.items():
            if variable == one.variable and flag in flags:
                flags[flag] = one.value
        # What the recipe sets itself it sets inside as well.
        own = one.variable not in env and one.variable not in job.host_env
        if not own or job.about["env"].get(one.variable) != one.value:
            env[one.variable] = one.value
    # Nobody inside maps what only the container settings map.
    for key in ("docker_input_mapping", "input_mapping"):
        mapped = job.block.get(key)
        for flag, variable in mapped.items() if isinstance(mapped, Mapping) else ():
            if flag in flags and isinstance(flags[flag], (str, int, float)):
                env.setdefault(str(variable), flags[flag])
    if env:
        flags["env"] = env


def _environment(ctx: Context, job: Job, secret: Mapping[str, Any]) -> environment.Passed:
    wishes, settings = job.wishes, job.settings
    passed = environment.passed(
        ctx.environ,
        named=wishes.env,
        secret=wishes.secret,
        setting=environment.listed(ctx.settings.get("docker.env", "")),
        network=settings.network,
        interactive=settings.interactive or bool(wishes.shell),
    )
    wanted = [*job.about.get("secrets", ()), *(environment.TOKENS if "token" in job.needs else ())]
    for name in wanted:
        if ctx.environ.get(name):
            passed.secrets.setdefault(name, ctx.environ[name])
    if wishes.gh_token:
        passed.secrets["GH_TOKEN"] = wishes.gh_token
    if settings.needs_gh_token and not (
        passed.secrets.get("GH_TOKEN") or secret.get("gh_token") or ctx.environ.get("GH_TOKEN")
    ):
        raise CmError(
            f"recipe {job.recipe} needs a token for GitHub",
            hint="export GH_TOKEN, then add --docker.secret=GH_TOKEN",
        )
    if settings.needs_gh_token and ctx.environ.get("GH_TOKEN"):
        passed.secrets.setdefault("GH_TOKEN", ctx.environ["GH_TOKEN"])
    if settings.user_name:
        passed.env.setdefault("USER", settings.user_name)
    return passed


def _plan(ctx: Context, request: Request, flags: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = Request(
        "plan", "script", request.artifacts, {**flags, "container": True}, request.command
    )
    result = ctx.call(asked)
    if result.code or "container" not in result.data:
        raise CmError(
            str(result.data.get("error") or "the recipe cannot be planned"),
            hint="cm plan script, with the same words, shows all of it",
            code=result.code or 1,
        )
    return result.data


def _needs(data: Mapping[str, Any]) -> frozenset[str]:
    summary = data.get("summary")
    return frozenset(map(str, (summary or {}).get("needs") or ()))


def _artifacts(job: Job) -> tuple[str, ...]:
    """The words of the request; inside, a recipe named by its folder is known by its name."""
    words = tuple(map(str, job.about["command"]["artifacts"]))
    if words and (words[0] in (".", "..") or os.sep in words[0]):
        row = job.about["recipe"]
        return (",".join(part for part in (row["alias"], row["uid"]) if part), *words[1:])
    return words


def _with_env(flags: Mapping[str, Any], env: Mapping[str, Any]) -> dict[str, Any]:
    own = flags.get("env")
    if not env:
        return dict(flags)
    return {**flags, "env": {**env, **(own if isinstance(own, Mapping) else {})}}
