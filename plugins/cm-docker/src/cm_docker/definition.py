"""The same image as an apptainer definition file; paths are relative to the build folder."""

from __future__ import annotations

from cm_docker.containerfile import (
    COLLECTIONS,
    HOME,
    ROOT,
    USER_HOME,
    VENV,
    Parts,
    last_steps,
    quoted,
    variables,
)


def render(parts: Parts) -> str:
    """The definition file; its `%post` runs `post`, no line of which can begin a new section."""
    files = [("cm", ROOT), ("wheels", f"{ROOT}/wheels")]
    if parts.packages:
        files.append(("system/packages.list", f"{ROOT}/packages.list"))
    files += [("home", HOME), *parts.files.items()]
    # A definition has no layers, so that nothing is won by copying recipes one after another.
    files += [(f"parts/{number}/*", f"{ROOT}/") for number in parts.parts if number]
    lines = [
        "# Written by `cm docker`. Build it in the folder it lies in.",
        "Bootstrap: docker",
        f"From: {parts.base}",
        "",
        "%files",
        *(f"    {source} {target}" for source, target in files),
        "",
        "%post",
        f"    exec /bin/sh {ROOT}/post",
        "",
        "%environment",
        f"    . {ROOT}/environment",
        "",
        "%runscript",
        f'    exec {ROOT}/enter "$@"',
    ]
    return "\n".join(lines) + "\n"


def post(parts: Parts) -> str:
    """The shell script that makes the image, with every word quoted."""
    lines = ["#!/bin/sh", "set -e", f"/bin/sh {ROOT}/ground"]
    if parts.packages:
        lines.append(f"/bin/sh {ROOT}/packages")
    lines += [_line("/bin/sh", f"{ROOT}/system", text) for text in parts.system]
    lines += [
        _line("/bin/sh", f"{ROOT}/venv.sh", *parts.venv),
        f"rm -rf {ROOT}/wheels",
        f". {ROOT}/environment",
        f"mkdir -p {COLLECTIONS} {USER_HOME}",
        f"cd {USER_HOME}",
    ]
    if parts.user:
        lines.append(_line("/bin/sh", f"{ROOT}/adduser", parts.user))
    steps = [*parts.steps, *last_steps(parts)]
    lines += [_line(f"{ROOT}/step", *words) for words in steps]
    return "\n".join(lines) + "\n"


def environment(parts: Parts) -> str:
    """The shell script that sets the image's variables."""
    import shlex

    lines = [f'export PATH="{VENV}/bin:$PATH"']
    for key, value in variables(parts).items():
        quoted(key, value)  # refuses what the other form refuses
        lines.append(f"export {key}={shlex.quote(value)}")
    return "\n".join(lines) + "\n"


def _line(*words: str) -> str:
    import shlex

    return shlex.join(words)
