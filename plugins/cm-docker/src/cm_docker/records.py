"""What the parts of this package hand to each other, and to engines of other packages."""

from __future__ import annotations

from cmcore.hints import Mapping, NamedTuple


class Mount(NamedTuple):
    """A file or folder of the host that a container sees.

    Attributes:
        source: absolute path on the host; it exists.
        target: absolute path in the container.
        writable: whether the container may change it.
    """

    source: str
    target: str
    writable: bool = False


class Limits(NamedTuple):
    """Resource limits as engines write them: `4g`, `1.5`, `200`; "" for none.

    Attributes:
        memory: bytes with a unit (`k`, `m`, `g`).
        cpus: number of processors, may be a fraction.
        pids: number of processes.
        shm_size: size of /dev/shm.
        timeout: seconds after which the container is stopped.
    """

    memory: str = ""
    cpus: str = ""
    pids: str = ""
    shm_size: str = ""
    timeout: str = ""


class Build(NamedTuple):
    """One image to be built.

    Attributes:
        folder: absolute build context; holds all that the file copies.
        file: absolute path of the Containerfile.
        tag: reference that the image gets.
        labels: labels of the image.
        network: `on`, `off` or `host`.
        secrets: identifier -> absolute path of a file that build steps may read at
            `/run/secrets/<identifier>` and that no layer keeps.
        rebuild: use no layer of an earlier build.
        pull: look for a newer base image even when one is there.
    """

    folder: str
    file: str
    tag: str
    labels: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    network: str = "on"
    secrets: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    rebuild: bool = False
    pull: bool = False


class Built(NamedTuple):
    """An image that is there.

    Attributes:
        image: identifier by which the engine knows it.
        steps: steps of its file.
        reused: how many of them came from layers of an earlier build.
    """

    image: str
    steps: int = 0
    reused: int = 0


class Launch(NamedTuple):
    """One container to be run.

    Attributes:
        image: reference or identifier.
        command: words, run without a shell.
        mounts: what it sees of the host.
        env: environment variables; nothing secret.
        secrets: name of a variable -> absolute path of a file that holds its value; the file is
            mounted at `/run/secrets/cm/<NAME>` and exported inside, by the image's entry.
        workdir: absolute folder in the container, "" for the image's own.
        user: `UID:GID` or a name; `""` for what gives the caller files of his own.
        groups: further groups, as identifiers.
        network: `on`, `off` or `host`.
        gpus: `""`, `all`, a number, or identifiers with commas.
        devices, ports: as engines write them.
        limits: resource limits.
        privileged: all rights of the host.
        interactive: keep the caller's terminal connected.
        detached: come back once it runs.
        name: name of the container; unique.
        labels: labels of the container.
        extra: further words for the engine's own command line.
    """

    image: str
    command: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    secrets: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    workdir: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    network: str = "on"
    gpus: str = ""
    devices: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    limits: Limits = Limits()
    privileged: bool = False
    interactive: bool = False
    detached: bool = False
    name: str = ""
    labels: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    extra: tuple[str, ...] = ()


class Ended(NamedTuple):
    """How a container ended, or that it runs.

    Attributes:
        code: its exit code; 0 for a detached one.
        container: its identifier when it is still there, else "".
        note: a sentence for people when the engine, not the command, ended it (memory, timeout).
    """

    code: int
    container: str = ""
    note: str = ""


class Problem(NamedTuple):
    """Why an engine cannot be used as it is.

    Attributes:
        text: one sentence: what is wrong.
        remedy: one sentence: what helps.
        fatal: False when the engine works around it by itself.
    """

    text: str
    remedy: str
    fatal: bool = True


class State(NamedTuple):
    """What is known of an engine on this machine.

    Attributes:
        usable: whether it can build and run.
        version: its own, "" when it is not there.
        rootless: whether it runs without rights of root.
        problems: what was found, the fatal ones first.
    """

    usable: bool
    version: str = ""
    rootless: bool = False
    problems: tuple[Problem, ...] = ()


class Item(NamedTuple):
    """A container or image that was made for one owner and is still there.

    Attributes:
        engine: name of the engine that has it.
        kind: `container` or `image`.
        id: its identifier.
        name: its name or first reference.
        image: reference of a container's image.
        state: of a container: `running`, `exited 0`, ...
        created: when, as the engine writes it.
    """

    engine: str
    kind: str
    id: str
    name: str
    image: str = ""
    state: str = ""
    created: str = ""
