"""What a user asks of the container: the flags of `cm docker script` apart from the recipe's."""

from __future__ import annotations

from cm_docker import option_values
from cm_docker.option_table import APPTAINER, by_name
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.option_table import Option

#: Flags of CM and MLCFlow that have no `docker_` in front but are about the image.
_ALONE = {"dockerfile_env": "build_env", "dockerfile_build_env": "build_env"}


class Wishes(NamedTuple):
    """The options that were given; "", None and empty ones were not.

    The fields are the options of `option_table`, where each is explained. Switches are None when
    not given, because a recipe's own settings then count.
    """

    engine: str = ""
    base_image: str = ""
    os: str = ""
    os_version: str = ""
    image_repo: str = ""
    image_name: str = ""
    image_tag: str = ""
    image_tag_extra: str = ""
    rebuild: bool | None = None
    pull: bool | None = None
    skip_build: bool | None = None
    publish: str = ""
    push_image: bool | None = None
    include_private: bool | None = None
    extra_sys_deps: tuple[str, ...] = ()
    build_env: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    copy_files: tuple[str, ...] = ()
    system_site_packages: bool | None = None
    cache: str = ""
    network: str = ""
    gpus: str = ""
    all_gpus: bool | None = None
    num_gpus: str = ""
    memory: str = ""
    cpus: str = ""
    pids: str = ""
    shm_size: str = ""
    timeout: str = ""
    mount: tuple[str, ...] = ()
    mount_current_dir: bool | None = None
    env: Mapping[str, str | None] = {}  # noqa: RUF012 - never changed
    secret: tuple[str, ...] = ()
    gh_token: str = ""
    port: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    user: str = ""
    use_host_user_id: bool | None = None
    use_host_group_id: bool | None = None
    pass_user_group: bool | None = None
    privileged: bool | None = None
    use_google_dns: bool | None = None
    extra_run_args: tuple[str, ...] = ()
    name: str = ""
    interactive: bool | None = None
    detached: bool | None = None
    shell: bool | None = None
    dry_run: bool | None = None
    run_override: bool | None = None
    run_deps: bool | None = None
    skip_run_cmd: bool | None = None
    pre_run_cmds: tuple[str, ...] = ()
    run_cmd_prefix: str = ""
    file: str = ""
    folder: str = ""
    apptainer: Mapping[str, Any] = {}  # noqa: RUF012 - never changed


class Asked(NamedTuple):
    """A request taken apart.

    Attributes:
        wishes: about the container.
        flags: for the recipe, to be given to it inside.
        notes: sentences on options that change nothing here.
    """

    wishes: Wishes
    flags: dict[str, Any]
    notes: tuple[str, ...] = ()


def split(flags: Mapping[str, Any]) -> Asked:
    """Take the container's options out of a request's flags.

    Raises:
        UsageError: no option has that name, a value cannot be read, two spellings of one option
            disagree, or two options exclude each other.
    """
    rest: dict[str, Any] = {}
    given: list[tuple[str, str, Any]] = []
    apptainer: dict[str, Any] = {}
    for flag, value in flags.items():
        if flag == "docker" and isinstance(value, Mapping):
            given += [(f"--docker.{key}", _plain(key), item) for key, item in value.items()]
        elif flag.startswith("docker_"):
            given.append((f"--{flag}", flag[len("docker_") :], value))
        elif flag in _ALONE:
            given.append((f"--{flag}", _ALONE[flag], value))
        elif flag == "apptainer" and isinstance(value, Mapping):
            apptainer.update({_plain(key): item for key, item in value.items()})
        elif flag.startswith("apptainer_"):
            apptainer[flag[len("apptainer_") :]] = value
        elif flag != "docker":
            rest[flag] = value
    known = by_name()
    values: dict[str, Any] = {}
    spelling: dict[str, str] = {}
    notes: list[str] = []
    for spelled, name, value in given:
        option = known.get(name)
        if option is None:
            raise _unknown(spelled, name, known)
        if option.treat == "refused" and option_values.switch(value) is not False:
            raise UsageError(f"{spelled} is not for this cm docker", hint=option.why)
        if option.treat:
            notes.append(f"{spelled} changes nothing: {option.why}")
            continue
        found = option_values.read(option, value, spelled)
        if name == "mounts":  # in the references, what is mounted can be written
            found = tuple(one if one.endswith((":rw", ":ro")) else f"{one}:rw" for one in found)
        if values.setdefault(option.field, found) != found:
            raise UsageError(
                f"{spelling[option.field]} and {spelled} say different things",
                hint="give one of them",
            )
        spelling[option.field] = spelled
    return Asked(_agreed(Wishes(**values, apptainer=_apptainer(apptainer))), rest, tuple(notes))


def _plain(key: object) -> str:
    """A name as it may be typed: with dashes, or with `docker_` once more."""
    return str(key).replace("-", "_").removeprefix("docker_")


def _unknown(spelled: str, name: str, known: Mapping[str, Option]) -> UsageError:
    from cmcore.naming import did_you_mean, suggestion

    near = did_you_mean(name, known, n=2)
    prefix = spelled[: len(spelled) - len(name)]
    return UsageError(
        f"cm docker has no option {spelled}",
        hint=suggestion([prefix + word for word in near]) or "see 'cm docker script --help'",
    )


def _apptainer(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in APPTAINER:
            raise _unknown(f"--apptainer_{name}", name, dict.fromkeys(APPTAINER))  # type: ignore[arg-type]
    return dict(given)


def _agreed(wishes: Wishes) -> Wishes:
    """Options that say the same by other names joined, contradictions refused."""
    if wishes.cache == "rebuild":
        wishes = wishes._replace(cache="", rebuild=True)
    excluding = (
        ("detached", "interactive"),
        ("detached", "shell"),
        ("shell", "skip_run_cmd"),
        ("rebuild", "skip_build"),
        ("pull", "skip_build"),
        ("publish", "skip_build"),
        ("push_image", "publish"),
    )
    for one, other in excluding:
        if getattr(wishes, one) and getattr(wishes, other):
            raise UsageError(f"--docker.{one} and --docker.{other} exclude each other")
    both = {*wishes.secret} & {*wishes.env}
    if both:
        raise UsageError(
            f"{min(both)} is to be passed both openly and as a secret",
            hint="name it in --docker.env or in --docker.secret",
        )
    return wishes
