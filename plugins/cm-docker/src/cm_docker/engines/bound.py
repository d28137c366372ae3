"""Secrets of a build for a builder that knows none: podman behind docker's socket.

That builder does know mounts of files of the build context. So the build gets a context of its
own, with a file for each secret, and a Containerfile that mounts those; what is mounted is in no
layer. (docker's own old builder knows neither.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from cm_docker import homefolder
from cm_docker.engines import marks
from cm_docker.records import Build

#: Folder of the context with the secrets.
_FOLDER = ".cm-secrets"
_PREFIX = ".context-"
#: File with the mark of the process that builds from it.
_RUN = ".cm-run"
#: Where options of a step stand: the same text among the words of its command is none.
_OPTIONS = re.compile(r"^RUN(?:\s+--\S+)+", re.M)
_MOUNT = re.compile(r"--mount=type=secret(,[^\s]*)?")


@contextmanager
def context(build: Build) -> Iterator[Build]:
    """The same build with its secrets as files of a private context; it is removed afterwards."""
    import shutil
    import tempfile

    beside = os.path.dirname(os.path.abspath(build.folder))
    try:
        # Beside the real one, so that its files need no copies.
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir=beside)
    except OSError:
        folder = tempfile.mkdtemp(prefix="cm-context-")
    try:
        with open(os.path.join(folder, _RUN), "w", encoding="ascii") as file:
            file.write(marks.mark())
        shutil.copytree(
            build.folder, folder, symlinks=True, copy_function=_link, dirs_exist_ok=True
        )
        os.chmod(folder, 0o700)  # the copy has the original's rights
        os.mkdir(os.path.join(folder, _FOLDER), 0o700)
        for name, path in build.secrets.items():
            shutil.copyfile(path, os.path.join(folder, _FOLDER, name))
        with open(build.file, encoding="utf-8") as file:
            text = rewritten(file.read(), tuple(build.secrets))
        changed = os.path.join(folder, ".cm-containerfile")
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text)
        yield build._replace(folder=folder, file=changed, secrets={})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean(home: str) -> list[str]:
    """Remove contexts of killed builds below a folder; sentences of what was."""
    import shutil
    import time

    done = []
    for name in homefolder.names(home):
        if not name.startswith(_PREFIX):
            continue
        folder = os.path.join(home, name)
        try:
            with open(os.path.join(folder, _RUN), encoding="ascii") as file:
                over = marks.ended(file.read())
        except FileNotFoundError:
            over = time.time() - os.stat(folder).st_mtime > 60
        if over:
            shutil.rmtree(folder, ignore_errors=True)
            done.append("removed what a build left that was killed")
    return done


def rewritten(text: str, known: tuple[str, ...]) -> str:
    """A Containerfile with mounts of the context's files where it mounted secrets.

    Mounts of secrets that the build does not have are left out, as the builder would.
    """

    def change(found: re.Match[str]) -> str:
        given = dict(part.partition("=")[::2] for part in (found[1] or "").split(",") if part)
        name = given.get("id") or os.path.basename(given.get("target") or given.get("dst") or "")
        target = given.get("target") or given.get("dst") or f"/run/secrets/{name}"
        if name not in known:
            return ""
        return f"--mount=type=bind,source={_FOLDER}/{name},target={target},ro"

    return _OPTIONS.sub(lambda found: _MOUNT.sub(change, found[0]), text)


def _link(source: str, target: str) -> None:
    import shutil

    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
