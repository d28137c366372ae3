"""The command line of a container, where podman and docker agree."""

from __future__ import annotations

import os

from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from cm_docker.records import Launch

#: Folder in a container where each secret is a file; the image's entry reads it.
SECRETS = "/run/secrets/cm"
#: Words for a network of its own, for none, and for that of the host.
NETWORKS: Mapping[str, tuple[str, ...]] = {
    "on": (),
    "off": ("--network", "none"),
    "host": ("--network", "host"),
}


def of(launch: Launch, name: str, terminal: bool) -> list[str]:
    """Words between `create` and the image; all but network, user and GPUs.

    Raises:
        NotFoundError: something to be mounted is not there.
        CmError: a path cannot be written as a mount.
    """
    words = ["--name", name, *each("--label", launch.labels), *each("--env", launch.env)]
    for one in launch.mounts:
        words += mount(one.source, one.target, one.writable)
    for key, path in launch.secrets.items():
        words += mount(path, f"{SECRETS}/{key}", False)
    if launch.workdir:
        words += ["--workdir", launch.workdir]
    for group in launch.groups:
        words += ["--group-add", group]
    for device in launch.devices:
        words += ["--device", device]
    if launch.network != "host":
        for port in launch.ports:
            words += ["--publish", port]
    words += limits(launch)
    if launch.privileged:
        words.append("--privileged")
    if launch.interactive:
        words.append("--interactive")
    if terminal:
        words.append("--tty")
    return [*words, *launch.extra]


def each(option: str, values: Mapping[str, str]) -> list[str]:
    """`OPTION KEY=VALUE` for every key."""
    return [word for key, value in values.items() for word in (option, f"{key}={value}")]


def limits(launch: Launch) -> list[str]:
    """Words for the resource limits."""
    limit = launch.limits
    words = []
    for option, value in (
        ("--memory", limit.memory),
        ("--cpus", limit.cpus),
        ("--pids-limit", limit.pids),
        ("--shm-size", limit.shm_size),
    ):
        if value:
            words += [option, value]
    return words


def mount(source: str, target: str, writable: bool) -> list[str]:
    """Words that mount a path.

    Raises:
        NotFoundError: the path is not there; docker would make an empty folder of it.
        CmError: its name cannot be written on a command line of an engine.
    """
    if not os.path.lexists(source):
        raise NotFoundError("what is to be mounted does not exist", where=source)
    for path in (source, target):
        if not os.path.isabs(path) or "\n" in path:
            raise CmError("only absolute paths of one line can be mounted", where=path)
    if ":" not in source + target:
        return ["--volume", f"{source}:{target}" + ("" if writable else ":ro")]
    if "," in source + target:
        raise CmError("a path with both ':' and ',' cannot be mounted", where=source)
    words = f"type=bind,source={source},target={target}"
    return ["--mount", words if writable else f"{words},readonly"]


def seconds(text: str) -> float:
    """A limit of time in seconds, 0 for none; `90`, `90s`, `5m`, `2h`.

    Raises:
        CmError: it is neither.
    """
    if not text:
        return 0.0
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1])
    try:
        value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise CmError(f"'{text}' is no limit of time", hint="use seconds, or 90s, 5m, 2h")
    return value


def gpu_numbers(wanted: str) -> tuple[str, ...]:
    """Identifiers of the GPUs that `all`, a number of them or a list means.

    A number alone is how many, as with docker; `0,` or `0,1` are identifiers.
    """
    if wanted == "all":
        return ("all",)
    if wanted.isdigit():
        return tuple(str(number) for number in range(int(wanted)))
    return tuple(part.strip() for part in wanted.split(",") if part.strip())
