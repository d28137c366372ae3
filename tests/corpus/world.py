"""The things real recipes reach for, on this machine alone: a web server, a repository, C code.

A `World` is one scratch folder; its `places` fill the `{...}` of the cases in `cases.py`. The
same world serves the suite and the comparison with the reference engines.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import build_wheel, must, run, serve_files, write_tree

PROGRAM = """#include <stdio.h>
int main(void) { printf("sum %d\\n", 40 + 2); return 0; }
"""

TINY = {
    "pyproject.toml": """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "tinysum"
version = "1.4.2"
""",
    "src/tinysum/__init__.py": "def total(numbers):\n    return sum(numbers)\n",
}

#: Recipes call `sudo apt-get`; these stand-ins only write down what was asked.
SUDO = '#!/bin/sh\nexec "$@"\n'
APT = '#!/bin/sh\necho "$@" >> "$APT_LOG"\n'


class World:
    """One scratch folder with everything the cases need; `places` names it."""

    def __init__(self, folder: Path, web: str) -> None:
        self.folder = folder
        self.log = folder / "apt.log"
        self.tools = folder / "tools"
        note = (folder / "web" / "note.txt").read_bytes()
        self.places = {
            "web": web,
            "md5": hashlib.md5(note).hexdigest(),
            "note": str(folder / "web" / "note.txt"),
            "archive": str(folder / "bundle.tar.gz"),
            "git": str(folder / "upstream"),
            "source": str(folder / "source"),
        }

    def fill(self, words: tuple[str, ...], **more: str) -> list[str]:
        """The words of a case with the places of this world."""
        return [word.format(**self.places, **more) for word in words]

    def environment(self) -> dict[str, str]:
        """What a case's process needs besides a user's environment."""
        return {"APT_LOG": str(self.log)}


@contextmanager
def make_world(folder: Path) -> Iterator[World]:
    """Build the world in an empty folder and serve its web part while the context lasts."""
    write_tree(folder / "web", {"note.txt": "forty-two\n"})
    write_tree(folder / "source", {"sum.c": PROGRAM})
    write_tree(folder / "bundle", {"inside.txt": "was packed\n"})
    with tarfile.open(folder / "bundle.tar.gz", "w:gz") as archive:
        archive.add(folder / "bundle", "bundle")
    write_tree(folder / "tools", {"sudo": SUDO, "apt-get": APT})
    for tool in (folder / "tools").iterdir():
        tool.chmod(0o755)
    _repository(write_tree(folder / "upstream", {"README": "a repository\n"}))
    with serve_files(folder / "web") as address:
        yield World(folder, address)


def _repository(folder: Path) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    when = {"GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z"}
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        must(run(["git", *who, *words], cwd=folder, env={**os.environ, **when}))


def add_tiny_wheel(index_folder: Path, scratch: Path) -> None:
    """Put the small library that `get generic-python-lib` installs into a package index."""
    if not list(index_folder.glob("tinysum-*.whl")):
        build_wheel(write_tree(scratch / "tinysum", TINY), index_folder)


def neutral(value: Any, places: Mapping[str, str]) -> Any:
    """`value` with folders replaced by their role, so that two engines' answers compare.

    Args:
        places: `{folder: name}`; longer folders are replaced first.
    """
    if isinstance(value, dict):
        return {key: neutral(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [neutral(item, places) for item in value]
    if not isinstance(value, str):
        return value
    for folder in sorted(places, key=len, reverse=True):
        value = re.sub(re.escape(folder) + r"(?=$|[/\s:;'\",])", f"<{places[folder]}>", value)
    value = re.sub(r"<CACHE>/[^/\s:;'\",]+", "<ENTRY>", value)
    return re.sub(r"http://127\.0\.0\.1:\d+", "<WEB>", value)
