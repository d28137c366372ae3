"""What the runs of `runs/` reach for, on this machine alone.

A `Stage` is a `World` with more in it: repositories that stand in for those on GitHub, tools that
answer a recipe's question for their version and nothing else, files to serve, and an index of
wheels that came from the package index once.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kit
import mirror as mirrors
import stage_files
import world as worlds

#: Identity and dates of the commits, so that their hashes are the same everywhere.
GIT = {
    "GIT_AUTHOR_NAME": "nobody",
    "GIT_AUTHOR_EMAIL": "nobody@localhost",
    "GIT_COMMITTER_NAME": "nobody",
    "GIT_COMMITTER_EMAIL": "nobody@localhost",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Stage:
    """Everything outside the engines; `fill` names its places in the words of a run."""

    def __init__(self, world: worlds.World, index: kit.Index, proxy: str) -> None:
        self.world, self.index, self.proxy = world, index, proxy
        self.folder = world.folder
        self.tools = world.tools
        self.places = {**world.places, "files": str(self.folder / "files")}

    def fill(self, text: str, dialect: str, top: Path, work: Path | None = None) -> str:
        """`text` with `{p}` the prefix of the dialect, `{work}` the run's folder, `{top}` all."""
        more = {"p": dialect.upper(), "d": dialect, "top": str(top), "work": str(work or top)}
        return text.format(**self.places, **more)

    def environment(self) -> dict[str, str]:
        """What a run's process needs besides a user's environment."""
        return {
            **self.world.environment(),
            "PIP_INDEX_URL": self.index.url,
            "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"),
        }

    def sites(self) -> dict[str, str]:
        """What makes wget, curl and Python take every site from the mirror."""
        authority = str(self.folder / "tls" / "ca.pem")
        names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
        return {
            **dict.fromkeys(names, authority),
            **dict.fromkeys(("http_proxy", "https_proxy"), self.proxy),
            "no_proxy": "127.0.0.1,localhost",
            "WGETRC": str(self.folder / "tls" / "wgetrc"),
        }

    def places_of_world(self) -> dict[str, str]:
        """Folders of the stage and the role each plays."""
        return {str(self.folder): "WORLD"}


@contextmanager
def set_up(folder: Path, index: kit.Index) -> Iterator[Stage]:
    """Build a stage in an empty folder; its web server lives as long as the context."""
    with worlds.make_world(folder) as world:
        kit.write_tree(folder / "files", stage_files.FILES)
        for name, content in stage_files.BINARY.items():
            path = folder / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, said in stage_files.ELSEWHERE.items():
            _program(folder / "files" / name, f"#!/bin/sh\ncat <<'EOT'\n{said}\nEOT\n")
        for name, source in stage_files.SERVED.items():
            (folder / "web" / name).symlink_to(folder / "files" / source)
        for name, said in stage_files.TOOLS.items():
            _program(folder / "tools" / name, f"#!/bin/sh\ncat <<'EOT'\n{said}\nEOT\n")
        _program(folder / "trusting" / "md5sum", stage_files.MD5SUM)
        _program(folder / "tools" / "sudo", stage_files.SUDO)
        _program(folder / "tools" / "apt", worlds.APT)
        _program(folder / "tools" / "clang", stage_files.CLANG)
        _repositories(folder / "git")
        config = f'[url "file://{folder}/git/"]\n\tinsteadOf = https://\n'
        config += "[user]\n\tname = nobody\n\temail = nobody@localhost\n[safe]\n\tdirectory = *\n"
        (folder / "gitconfig").write_text(config, encoding="utf-8")
        kit.must(kit.run(["git", "clone", "-q", folder / "upstream", folder / "files/clone"]))
        (folder / "tls").mkdir()
        mirrors.certify(folder / "tls", tuple(stage_files.HOSTS.split()))
        with mirrors.mirror(folder / "tls", stage_files.SITES, stage_files.ANYTHING) as proxy:
            yield Stage(world, index, proxy)


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _repositories(folder: Path) -> None:
    plain = folder / "plain"
    _commit(kit.write_tree(plain, stage_files.MINIATURE), ())
    names = [f"github.com/{name}" for name in stage_files.PLAIN.split()]
    for name in dict.fromkeys([*names, *stage_files.REPOSITORIES, *stage_files.TAGS]):
        made = folder / name
        shutil.copytree(plain, made)
        (made.parent / f"{made.name}.git").symlink_to(made)
        files, tags = stage_files.REPOSITORIES.get(name), stage_files.TAGS.get(name, ())
        if files or tags:
            shutil.rmtree(made / ".git")
            _commit(kit.write_tree(made, files or {}), tags)


def _commit(folder: Path, tags: tuple[str, ...]) -> None:
    for script in ("configure", "autogen.sh"):
        (folder / script).chmod(0o755)
    words = [["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]]
    words += [["branch", name] for name in stage_files.BRANCHES]
    for argv in [*words, *(["tag", name] for name in tags)]:
        kit.must(kit.run(["git", *argv], cwd=folder, env={**os.environ, **GIT}))


class NoRegistry(RuntimeError):
    """The package index could not be reached; the message says what pip said."""


@functools.cache
def wheels() -> Path:
    """A folder with the wheels that the runs install, downloaded once for this Python."""
    import corpora

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = corpora.cache_folder() / f"wheels-{version}"
    done = folder / "complete"
    asked = "\n".join(stage_files.WHEELS)
    if done.is_file() and done.read_text() == asked:
        return folder
    command = [sys.executable, "-m", "pip", "download", "-q", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--disable-pip-version-check", *stage_files.WHEELS]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise NoRegistry(f"pip could not download the packages that recipes install: {last}")
    done.write_text(asked)
    return folder
