"""How one container is to run: the recipe's `docker:` block with the user's wishes above it."""

from __future__ import annotations

from cm_docker import option_values as values
from cm_docker.option_table import Option, by_name
from cm_docker.setting_keys import TABLE, notes
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.options import Wishes

#: Keys of the block -> option whose kind of value they have, where the names differ.
_AS_OPTION = {
    "mounts": "mount",
    "port_maps": "port",
    "docker_run_final_cmds": "extra_sys_deps",
    "run_final_cmds": "extra_sys_deps",
}
#: Keys of the block that no option has, and their kind of value.
_KINDS = {
    "input_paths": "words",
    "add_quotes_to_keys": "words",
    "run": "switch",
    "pass_docker_to_script": "switch",
    "gh_token_required": "switch",
}
#: Words of engines for Google's name servers.
_GOOGLE = ("--dns", "8.8.8.8", "--dns", "8.8.4.4")


class RunSettings(NamedTuple):
    """What a launch is made from; all of it checked.

    Attributes:
        mounts: `SRC:DST` of the recipe, with its `${{ NAME }}`.
        asked_mounts: those of the user.
        input_paths: flags of the recipe that hold paths; `env.NAME` for a variable.
        current_dir: the current folder is mounted.
        gpus, memory, cpus, pids, shm_size, timeout, devices, ports, privileged, network: as
            `records.Launch` has them.
        extra: more words for the engine's command line.
        user: what the user asked for; "" is the caller.
        user_name: what the recipe calls the user inside.
        pass_group: be in the caller's group as well.
        interactive: the terminal is connected, if there is one.
        detached: nobody waits.
        skip: start the container without the recipe.
        before: shell commands to run before the recipe, all of which must succeed.
        cache: `image`, `host` or `volume`.
        needs_gh_token: a token for GitHub must be there.
        contained: the recipe may run in a container.
        starts_containers: it starts them by itself, and wants to know that one is wanted.
        notes: sentences on what changes nothing.
        told: sentences that everybody should see: rights that the recipe takes.
    """

    mounts: tuple[str, ...] = ()
    asked_mounts: tuple[str, ...] = ()
    input_paths: tuple[str, ...] = ()
    current_dir: bool = True
    gpus: str = ""
    memory: str = ""
    cpus: str = ""
    pids: str = ""
    shm_size: str = ""
    timeout: str = ""
    devices: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    privileged: bool = False
    network: str = "on"
    extra: tuple[str, ...] = ()
    user: str = ""
    user_name: str = ""
    pass_group: bool = False
    interactive: bool = False
    detached: bool = False
    skip: bool = False
    before: tuple[str, ...] = ()
    cache: str = "image"
    needs_gh_token: bool = False
    contained: bool = True
    starts_containers: bool = False
    notes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def checked(block: Mapping[str, Any], recipe: str) -> dict[str, Any]:
    """The values of a `docker:` block in the forms that options have.

    Args:
        block: merged over recipe, variations, version and conditional blocks.
        recipe: name, for messages.

    Raises:
        CmError: a value is not what its key is for; names recipe and key.
    """
    options = by_name()
    found: dict[str, Any] = {}
    for key, value in block.items():
        treatment = TABLE.get(str(key))
        if treatment is None or treatment.what in ("ignored", "host", "inside") or value is None:
            continue
        option = options.get(_AS_OPTION.get(str(key), str(key)))
        try:
            if option is not None and not option.treat:
                if option.kind != "switch" and value == "":
                    continue
                found[key] = values.read(option, value, f"docker.{key}")
            elif key in _KINDS:
                found[key] = values.read(Option(key, _KINDS[key], ""), value, f"docker.{key}")
        except UsageError as error:
            raise CmError(
                f"the container settings of recipe {recipe} are wrong: {error.message}",
                where=f"docker.{key}",
                hint="correct them in the recipe's meta",
            ) from None
    return found


def read(block: Mapping[str, Any], recipe: str, wishes: Wishes) -> RunSettings:
    """Join a recipe's settings and the user's wishes; the latter win.

    Raises:
        CmError: a value of the recipe cannot be read.
    """
    own = checked(block, recipe)

    def chosen(wish: Any, key: str, default: Any = "") -> Any:
        return wish if wish not in (None, "", ()) else own.get(key, default)

    def both(wish: tuple[str, ...], key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*own.get(key, ()), *wish)))

    extra = (*own.get("extra_run_args", ()), *wishes.extra_run_args)
    if chosen(wishes.use_google_dns, "use_google_dns", False):
        extra += _GOOGLE
    privileged = chosen(wishes.privileged, "privileged", False)
    detached = bool(chosen(wishes.detached, "detached", False)) and not wishes.interactive
    prefix = chosen(wishes.run_cmd_prefix, "run_cmd_prefix")
    before = [*own.get("pre_run_cmds", ()), *wishes.pre_run_cmds, *([prefix] if prefix else ())]
    return RunSettings(
        mounts=own.get("mounts", ()),
        asked_mounts=wishes.mount,
        input_paths=own.get("input_paths", ()),
        current_dir=wishes.mount_current_dir is not False,
        gpus=_gpus(wishes, own),
        memory=wishes.memory,
        cpus=wishes.cpus,
        pids=wishes.pids,
        shm_size=chosen(wishes.shm_size, "shm_size"),
        timeout=wishes.timeout,
        devices=both(wishes.device, "device"),
        ports=both(wishes.port, "port_maps"),
        privileged=bool(privileged),
        network=wishes.network or "on",
        extra=extra,
        user=wishes.user,
        user_name=own.get("user", ""),
        pass_group=bool(chosen(wishes.pass_user_group, "pass_user_group", False)),
        interactive=bool(chosen(wishes.interactive, "interactive", False)) and not detached,
        detached=detached,
        skip=bool(wishes.skip_run_cmd),
        before=tuple(command for command in before if not _pulls(command)),
        cache=wishes.cache or "image",
        needs_gh_token=own.get("gh_token_required", False),
        contained=own.get("run", True),
        starts_containers=own.get("pass_docker_to_script", False),
        notes=(
            *notes(dict(block)),
            *(f"'{c}' is left out: {_CURRENT}" for c in before if _pulls(c)),
        ),
        told=tuple(_rights(own)),
    )


_CURRENT = "the image has the recipes that are in use here"


def _pulls(command: str) -> bool:
    """Whether a command only brings the references' own repositories up to date."""
    words = command.split()
    return words[:3] in (["cm", "pull", "repo"], ["mlc", "pull", "repo"]) and not (
        set(command) & set(";&|<>$`\n")
    )


def _gpus(wishes: Wishes, own: Mapping[str, Any]) -> str:
    if wishes.gpus:
        return wishes.gpus
    if wishes.all_gpus is not None:
        return "all" if wishes.all_gpus else ""
    if wishes.num_gpus:
        return wishes.num_gpus
    return str(own.get("num_gpus") or ("all" if own.get("all_gpus") else ""))


def _rights(own: Mapping[str, Any]) -> list[str]:
    """What a recipe asks beyond what a container has; nobody should get that unawares."""
    asked = list(own.get("extra_run_args", ()))
    if own.get("privileged"):
        asked.append("--privileged")
    return [f"the recipe asks the engine for: {' '.join(asked)}"] if asked else []


def may_run(settings: RunSettings, recipe: str, wishes: Wishes) -> None:
    """Stop at a recipe that is not meant for containers.

    Raises:
        CmError: its `docker.run` is false and the user does not insist.
    """
    if not settings.contained and not wishes.run_override:
        raise CmError(
            f"recipe {recipe} is not meant to run in a container (docker.run in its meta)",
            hint="cm run script runs it here; --docker.run_override insists",
        )
