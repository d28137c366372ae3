"""The Containerfile of a plan: what rarely changes comes first, so that its layers are kept.

The command is not in it. Words that come from recipes or users stand in JSON lists, where neither
a builder nor a shell looks at them.
"""

from __future__ import annotations

from itertools import zip_longest

from cmcore.hints import Mapping, NamedTuple

#: Where everything of ours is in an image.
ROOT = "/opt/cm"
HOME = f"{ROOT}/home"
COLLECTIONS = f"{ROOT}/collections"
VENV = f"{ROOT}/venv"
USER_HOME = f"{ROOT}/user"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECRETS = "--mount=type=secret,id=cm-pip --mount=type=secret,id=cm-ca"

#: Words of a step.
Words = tuple[str, ...]


class Parts(NamedTuple):
    """What an image is made of; folders are those of the build folder.

    Attributes:
        base: reference of the base image.
        identity: says which base, packages and wheels there are; the machine's name for a cache.
        packages: whether there is a list of packages to install (`system/`).
        system: commands for a shell, run after that, as recipes give them.
        venv: options for making the environment.
        env: variables of the image.
        parts: numbers of the folders below `parts/` that are copied to `/opt/cm`: the n-th before
            the n-th step, one after the last; 0 for none.
        files: file or folder of the build folder -> where the image has it, as users ask for it.
        steps: commands that make what can be made ahead, each a layer.
        final: commands for a shell, run after them, as recipes give them.
        user: name of a user to have; "" for none.
        house: all wheels lie in the build folder, and build steps get no secrets.
    """

    base: str
    identity: str
    packages: bool = False
    system: tuple[str, ...] = ()
    venv: Words = ()
    env: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    parts: tuple[int, ...] = ()
    files: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    steps: tuple[Words, ...] = ()
    final: tuple[str, ...] = ()
    user: str = ""
    house: bool = False


def render(parts: Parts) -> str:
    """The text of the Containerfile; the same parts give the same text."""
    lines = [
        "# Written by `cm docker`. All that it copies lies beside it.",
        f"FROM {parts.base} AS ground",
        "USER 0",
        f"COPY cm/ {ROOT}/",
        run("/bin/sh", f"{ROOT}/ground"),
        "",
        "# Wheels and all that pip wants stay in a stage of their own.",
        "FROM ground AS tools",
        f"COPY wheels/ {ROOT}/wheels/",
        run("/bin/sh", f"{ROOT}/venv.sh", *parts.venv, secrets=True),
        "",
        "FROM ground",
    ]
    if parts.packages:
        lines += [f"COPY system/ {ROOT}/", run("/bin/sh", f"{ROOT}/packages")]
    lines += [run("/bin/sh", f"{ROOT}/system", text, secrets=True) for text in parts.system]
    lines.append(f"COPY --from=tools {VENV} {VENV}")
    lines.append(f'ENV PATH="{VENV}/bin:${{PATH:-{_PATH}}}"')
    pairs = [f"{key}={quoted(key, value)}" for key, value in variables(parts).items()]
    lines.append(f"ENV {' '.join(pairs)}")
    lines += [f"WORKDIR {USER_HOME}", f"ENTRYPOINT {_list(f'{ROOT}/enter')}", 'CMD ["/bin/sh"]']
    if parts.user:
        lines.append(run("/bin/sh", f"{ROOT}/adduser", parts.user))
    lines += [f"COPY {_list(name, target)}" for name, target in parts.files.items()]
    lines.append(f"COPY home/ {HOME}/")
    for number, words in zip_longest(parts.parts, parts.steps):
        if number:
            lines.append(f"COPY parts/{number}/ {ROOT}/")
        if words:
            lines.append(run(f"{ROOT}/step", *words, secrets=True))
    lines += [run(f"{ROOT}/step", *words, secrets=True) for words in last_steps(parts)]
    return "\n".join(lines) + "\n"


def last_steps(parts: Parts) -> list[Words]:
    """The recipe's own commands, and a look at all recipes, so that no container has to take it."""
    final = [("/bin/sh", "-c", text) for text in parts.final]
    return [*final, ("/bin/sh", "-c", "cm find script >/dev/null")]


def variables(parts: Parts) -> dict[str, str]:
    """The image's variables but PATH, as they are: ours, and those of the recipe."""
    own = {
        "CM_HOME": HOME,
        "CMCORE_IMAGE": parts.identity,
        # Whoever runs it is not who made it; git asks for this where owners differ.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return {**own, **{key: parts.env[key] for key in sorted(parts.env)}}


def quoted(key: str, value: str) -> str:
    """A value of ENV that no builder looks into.

    Raises:
        UsageError: the name is none, or the value has line breaks.
    """
    from cmcore.errors import UsageError

    if not key.isidentifier() or not key.isascii():
        raise UsageError(f"docker.build_env: '{key}' cannot be the name of a variable")
    if any(ord(char) < 32 and char != "\t" for char in value):
        raise UsageError(
            f"docker.build_env: the value of '{key}' has line breaks or other control characters,"
            " which no image can hold"
        )
    for char in '\\"$':
        value = value.replace(char, "\\" + char)
    return f'"{value}"'


def run(*words: str, secrets: bool = False) -> str:
    """A RUN line whose words nobody expands."""
    return f"RUN {_SECRETS + ' ' if secrets else ''}{_list(*words)}"


def _list(*words: str) -> str:
    import json

    # `<<` would begin a here-document for some builders, wherever it stands.
    return json.dumps(words).replace("<", "\\u003c")
