"""Wheels of the distributions in use that no index has: made once per state of their sources."""

from __future__ import annotations

import os

from cm_docker import buildfolder, collected, homefolder
from cm_docker.distributions import CHECKOUT, INDEX, Used
from cmcore.hints import TYPE_CHECKING, Iterable

if TYPE_CHECKING:
    from cmcore.context import Context

#: Folders of a checkout that are made from the rest of it, or are no part of it.
_ASIDE = collected.ASIDE | {"venv", ".hypothesis", "build", "dist"}


def wheel(ctx: Context, used: Used) -> str:
    """Path of a wheel with what is in use; "" for what an index has.

    Wheels are kept under `<home>/containers/wheels/<name>-<digest of the sources>/`.

    Raises:
        CmError: it cannot be built; the last words of pip are in the message.
        StorageError: it cannot be kept.
    """
    if used.way == INDEX:
        return ""
    from cm_docker import repack
    from cmcore.storage import lock, make_dir

    base = homefolder.containers(ctx, "wheels")
    files = checkout_files(used.source) if used.way == CHECKOUT else repack.files(used.source)
    copies = {name: buildfolder.copy_of(path) for name, path in files.items()}
    folder = os.path.join(base, f"{used.name}-{buildfolder.digest(copies, used.version)[:16]}")
    if found := _wheel_in(folder):
        return found
    make_dir(base)
    path = os.path.join(ctx.paths.locks, f"container-wheel-{used.name}.lock")
    with lock(path, what=f"the wheel of {used.name}", on_wait=ctx.console.log):
        homefolder.clear(base, used.name)
        if not (found := _wheel_in(folder)):
            ctx.console.log(f"making a wheel of {used.name} {used.version}", verbose=True)
            with homefolder.fresh(folder, used.name) as hidden:
                make_dir(hidden)
                made = _built(used, hidden) if used.way == CHECKOUT else repack.pack(used, hidden)
                repack.settle(made)
            found = _wheel_in(folder)
    return found


def checkout_files(folder: str) -> dict[str, str]:
    """Path in the checkout -> absolute path, of every file that a build may read."""
    found = {}
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if n not in _ASIDE and not n.endswith(".egg-info"))
        for name in names:
            path = os.path.join(top, name)
            if not name.endswith((".pyc", ".pyo")) and os.path.isfile(path):
                found[os.path.relpath(path, folder)] = path
    return found


def requirements(rows: Iterable[tuple[Used, str]]) -> str:
    """The requirements file of an image: local wheels by file, others by name and version."""
    lines = [
        f"./{os.path.basename(path)}" if path else f"{used.name}=={used.version}"
        for used, path in rows
    ]
    return "".join(line + "\n" for line in sorted(lines))


def _wheel_in(folder: str) -> str:
    found = (name for name in homefolder.names(folder) if name.endswith(".whl"))
    return next((os.path.join(folder, name) for name in found), "")


def _built(used: Used, target: str) -> str:
    """A wheel from a copy of the checkout, so that the build leaves nothing in it.

    Where the copy lacks something that the build wants (a file above it, the repository), the
    checkout itself is built.
    """
    import shutil
    import tempfile

    from cmcore.errors import CmError

    with tempfile.TemporaryDirectory(prefix="cm-wheel-") as scratch:
        copy = os.path.join(scratch, os.path.basename(used.source) or used.name)
        for name, path in checkout_files(used.source).items():
            there = os.path.join(copy, name)
            os.makedirs(os.path.dirname(there), exist_ok=True)
            shutil.copy(path, there)
        for place in (copy, used.source):
            said = _pip_wheel(used, place, target)
            if made := _wheel_in(target):
                return made
    raise CmError(
        f"pip could not build a wheel of {used.name}, which is installed from a folder: {said}",
        where=used.source,
        hint="'pip wheel --no-deps' there says more; without a checkout install it from an index",
    )


def _pip_wheel(used: Used, place: str, target: str) -> str:
    """Run it; the last words it said."""
    import subprocess
    import sys

    env = {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(buildfolder.EPOCH),
        # Versions read from a repository cannot be read in a copy.
        "SETUPTOOLS_SCM_PRETEND_VERSION": used.version,
        "PDM_BUILD_SCM_VERSION": used.version,
    }
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    return last_words(
        subprocess.run(
            [*command, "--no-deps", "--wheel-dir", target, place],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        ).stdout
    )


def last_words(output: bytes) -> str:
    """The last line of a program's output that says something, without what it begins with."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not line.startswith(("note:", "hint:", "[end"))]
    errors = [line for line in told if line.lower().startswith("error")]
    text = (errors or told or ["it said nothing"])[-1]
    return text.removeprefix("ERROR:").removeprefix("error:").strip()[:300]
