"""The container of one command: what runs in it, and what it sees."""

from __future__ import annotations

import os

from cm_docker import homefolder, owner
from cm_docker.option_table import APPTAINER
from cm_docker.records import Launch, Limits, Mount
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.settings import RunSettings
    from cmcore.context import Context

#: Files that the host hands to the command, and one that it hands back.
REQUEST = "/run/secrets/cm-request.json"
ANSWERS = "/run/cm"
ANSWER = f"{ANSWERS}/result.json"

#: Commands of recipes often begin with it, and an image for one purpose does not have it.
_SUDO = 'command -v sudo >/dev/null 2>&1 || sudo() { "$@"; }'
_SHELL = "if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh"


class Inner(NamedTuple):
    """The command that runs the recipe, before what surrounds it.

    Attributes:
        artifacts: words that name the recipe.
        flags: for `cm run script`, with the names that paths have inside; nothing secret.
        command: words after `--`, or None.
        secret_file: secret flags are in the file `REQUEST`.
        answers: the outcome is written to `ANSWER`.
        interactive: somebody can be asked.
    """

    artifacts: tuple[str, ...]
    flags: Mapping[str, Any]
    command: tuple[str, ...] | None = None
    secret_file: bool = False
    answers: bool = False
    interactive: bool = False


def words(inner: Inner) -> tuple[str, ...]:
    """The words of the inner command; each value is one word, whatever it holds."""
    from cmcore import grammar
    from cmcore.types import Request

    flags = dict(inner.flags)
    if not inner.interactive:
        flags["quiet"] = True
    if inner.secret_file:
        flags["input_file"] = REQUEST
    request = Request("run", "script", inner.artifacts, flags, None, True)
    line = ["cm", *grammar.unparse(request)]
    if inner.answers:
        line.append(f"--save_to_json={ANSWER}")
    if inner.command is not None:
        line += ["--", *inner.command]
    return tuple(line)


def around(line: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """The same after a recipe's own shell commands, all of which must succeed."""
    if not before:
        return line
    blocks = "\n".join(f"{{ {command}\n}}" for command in before)
    return ("sh", "-ec", f'{_SUDO}\n{blocks}\nexec "$@"', "cm", *line)


def shell() -> tuple[str, ...]:
    """An interactive shell, the best that the image has."""
    return ("sh", "-c", _SHELL)


def assemble(
    ctx: Context,
    settings: RunSettings,
    *,
    image: str,
    command: tuple[str, ...],
    mounts: tuple[Mount, ...],
    env: Mapping[str, str],
    secrets: Mapping[str, str],
    workdir: str,
    name: str = "",
    interactive: bool = False,
) -> Launch:
    """The container itself, for any engine.

    Args:
        ctx: whose it is.
        settings: the recipe's and the user's.
        image: reference or identifier.
        command: its words.
        mounts: all of them.
        env: variables that anybody may see.
        secrets: variable -> file.
        workdir: its current folder.
        name: what the user calls it, else one is made up.
        interactive: a terminal is connected.
    """
    return Launch(
        image=image,
        command=command,
        mounts=mounts,
        env=dict(sorted(env.items())),
        secrets=secrets,
        workdir=workdir,
        user=settings.user,
        groups=(str(os.getgid()),) if settings.pass_group else (),
        network=settings.network,
        gpus=settings.gpus,
        devices=settings.devices,
        ports=settings.ports,
        limits=Limits(
            memory=settings.memory,
            cpus=settings.cpus,
            pids=settings.pids,
            shm_size=settings.shm_size,
            timeout=settings.timeout,
        ),
        privileged=settings.privileged,
        interactive=interactive,
        detached=settings.detached,
        name=name or owner.container_name(),
        labels=owner.labels(ctx),
        extra=settings.extra,
    )


def cache_of(
    ctx: Context, settings: RunSettings, engine: str, home: str, digest: str
) -> tuple[tuple[Mount, ...], dict[str, str], tuple[str, ...]]:
    """What keeps the cache of the container: mounts, variables, words for the engine.

    A shared cache is told which image asks, because what one image has installed another may lack.
    """
    if settings.cache == "image":
        return (), {}, ()
    inside = f"{home}/cache"
    env = {"CMCORE_IMAGE": digest}
    if settings.cache == "volume" and engine in ("podman", "docker"):
        # The engine fills a new volume with what the image has there.
        volume = f"cm-cache-{owner.owner(ctx)}-{digest[:12]}"
        return (), env, ("--volume", f"{volume}:{inside}")
    folder = ctx.paths.cache
    if settings.cache == "volume":
        folder = homefolder.containers(ctx, "cache", digest[:12])
    from cmcore.storage import make_dir

    make_dir(folder)
    return (Mount(folder, inside, True),), env, ()


def words_of_apptainer(asked: Mapping[str, Any], block: Mapping[str, Any]) -> tuple[str, ...]:
    """Words for apptainer's own command line: `--apptainer.NAME`, and keys of the recipe."""
    from cm_docker import option_values

    found: list[str] = []
    for name, word in APPTAINER.items():
        value = asked.get(name, block.get(name))
        if value in (None, "", False):
            continue
        switched = option_values.switch(value)
        if name == "extra_args":
            found += option_values.args(value)
        elif name in ("bind", "overlay"):
            for item in option_values.lines(value):
                found += [word, item]
        elif switched:
            found.append(word)
    return tuple(found)
