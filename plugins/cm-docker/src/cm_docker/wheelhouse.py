"""Wheels for the image's Python, downloaded on the host: for builds that can reach no index."""

from __future__ import annotations

import os

from cm_docker import homefolder
from cmcore.hints import TYPE_CHECKING, Mapping, Sequence

if TYPE_CHECKING:
    from cmcore.context import Context

#: Pythons of base images whose names tell them; others get wheels for all.
_PYTHONS = {
    "ubuntu:22.04": "3.10",
    "ubuntu:24.04": "3.12",
    "debian:12": "3.11",
    "debian:bookworm": "3.11",
    "debian:13": "3.13",
    "python:3.10": "3.10",
    "python:3.11": "3.11",
    "python:3.12": "3.12",
    "python:3.13": "3.13",
}
_ALL = ("3.10", "3.11", "3.12", "3.13")


def pythons(base: str) -> tuple[str, ...]:
    """Versions of Python that the image may have."""
    name = base.removeprefix("docker.io/library/")
    for known, version in _PYTHONS.items():
        if name == known or name.startswith(f"{known}-"):
            return (version,)
    return _ALL


def fetch(ctx: Context, base: str, requirements: Sequence[str]) -> Mapping[str, str]:
    """Name -> path of wheels that satisfy the requirements for every Python of the image.

    They are kept under `<home>/containers/wheels/house-<digest>/`.

    Args:
        ctx: whose home keeps them.
        base: reference of the base image.
        requirements: paths of wheels, and `name==version`.

    Raises:
        CmError: pip found no wheels for any of them.
        StorageError: they cannot be kept.
    """
    import hashlib

    from cmcore.storage import lock, make_dir

    versions = pythons(base)
    asked = repr((versions, [os.path.basename(path) for path in requirements], _machine()))
    name = f"house-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
    parent = homefolder.containers(ctx, "wheels")
    folder = os.path.join(parent, name)
    make_dir(parent)
    path = os.path.join(ctx.paths.locks, "container-wheelhouse.lock")
    with lock(path, what="the wheels for images", on_wait=ctx.console.log):
        homefolder.clear(parent, name)
        if not os.path.isdir(folder):
            with homefolder.fresh(folder) as hidden:
                make_dir(hidden)
                _download(hidden, versions, requirements)
    local = {os.path.basename(path) for path in requirements}
    names = sorted(set(os.listdir(folder)) - local)
    return {name: os.path.join(folder, name) for name in names}


def _download(folder: str, versions: Sequence[str], requirements: Sequence[str]) -> None:
    import subprocess
    import sys

    from cm_docker.wheels import last_words
    from cmcore.errors import CmError

    said, done = "", False
    for version in versions:
        tag = f"cp{version.replace('.', '')}"
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
        command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}"]
        command += [f"--abi={abi}" for abi in (tag, "abi3", "none")]
        command += [f"--platform={platform}_{_machine()}" for platform in _platforms()]
        ended = subprocess.run(
            [*command, "--dest", folder, *requirements],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        done = done or ended.returncode == 0
        said = said or (last_words(ended.stdout) if ended.returncode else "")
    if not done:
        raise CmError(
            f"the wheels for the image cannot be downloaded here: {said}",
            hint="'pip config list' shows where pip looks; setting docker.pip_index names an index"
            " that the image can reach",
        )


def _platforms() -> tuple[str, ...]:
    return ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")


def _machine() -> str:
    return os.uname().machine if hasattr(os, "uname") else "x86_64"
