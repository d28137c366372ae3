"""Where each engine is measured: an environment, homes and copies of the recipes of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import corpora
import generate
import kit
from generate import CM, MLC, Dialect

#: What is installed for each reference engine.
REFERENCES = {"cmind": "cmind==4.2.0", "mlcflow": "mlcflow==1.3.8", "cmeta": "cmeta==0.37.8"}


def environment(home: Path, venv: Path, **more: str) -> dict[str, str]:
    """What a shell would give; no PYTHON* variable, they change what is measured."""
    home.mkdir(parents=True, exist_ok=True)
    path = f"{venv / 'bin'}:{kit.SYSTEM_PATH}"
    log = str(home / "steps.log")
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "BENCH_LOG": log, **more}


def make_venv(folder: Path, requirement: str) -> Path:
    """A fresh environment with one reference engine; kept for the next benchmark."""
    if not (folder / "made").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        kit.must(kit.run([sys.executable, "-m", "venv", folder]))
        kit.must(kit.run([folder / "bin/python", "-m", "pip", "install", "-q", requirement]))
        (folder / "made").touch()
    return folder


class Engine:
    """One engine and its scenes: homes with certain collections registered.

    Args:
        work: folder for homes, collections and copies; kept between benchmarks.
        venv: environment that the engine is installed in.
    """

    name = "cmcore"
    program = "cm"
    dialect: Dialect = CM
    #: Files, relative to a scene's home, that are its index.
    index: tuple[str, ...] = ("cm/index-*", "cm/collections-memo.json", "cm/cache/.index/*")

    def __init__(self, work: Path, venv: Path) -> None:
        self.work = work / self.name
        self.venv = venv
        self.command = str(venv / "bin" / self.program)
        self.cwd = self.work / "cwd"
        self.cwd.mkdir(parents=True, exist_ok=True)

    def small(self) -> Path:
        """The recipes that are run; a copy of its own, some engines write beside recipes."""
        return generate.small(self.work / "small", self.dialect)

    def bulk(self, count: int) -> Path:
        """The recipes that are only looked for."""
        return generate.bulk(self.work / f"bulk-{count}", self.dialect, count)

    def corpus(self, name: str) -> Path:
        """The published recipes `cm` or `mlc`."""
        return corpora.cm_root() if name == "cm" else corpora.mlc_root()

    def home(self, scene: str) -> Path:
        """The home folder of a scene."""
        return self.work / "homes" / scene

    def env(self, scene: str) -> dict[str, str]:
        """The environment of a scene."""
        home = self.home(scene)
        return environment(home, self.venv, CM_HOME=str(home / "cm"))

    def register(self, scene: str, roots: Sequence[Path]) -> None:
        """Make the scene's home know these collections."""
        for root in roots:
            self.must(scene, "add", "collection", str(root))

    def must(self, scene: str, *words: str) -> str:
        """Run the engine in a scene; it must succeed. Its output."""
        answer = kit.run([self.command, *words], env=self.env(scene), cwd=self.cwd, timeout=3600)
        return kit.must(answer).out

    def scene(self, scene: str, *roots: Path, keep: bool = False) -> dict[str, str]:
        """A home with these collections, made anew unless `keep`; its environment."""
        done = self.home(scene) / "made"
        if not (keep and done.is_file()):
            shutil.rmtree(self.home(scene), ignore_errors=True)
            env = self.env(scene)
            self.register(scene, roots)
            done.touch()
            return env
        return self.env(scene)

    def run_words(self, tag: str) -> tuple[str, ...]:
        """The command line that runs a generated recipe."""
        return (self.command, "run", "script", f"--tags=bench,{tag}", "--quiet")

    def find_words(self, *words: str) -> tuple[str, ...]:
        """The command line of a search."""
        return (self.command, "find", "script", *words)

    def list_words(self) -> tuple[str, ...]:
        """The command line that lists all recipes."""
        return self.find_words()

    def without_index(self, scene: str) -> Callable[[], None]:
        """Prepares a run in which the index has to be built."""
        home = self.home(scene)

        def forget() -> None:
            for pattern in self.index:
                for path in home.glob(pattern):
                    path.unlink()

        return forget

    def restored(self, scene: str) -> Callable[[], None]:
        """Prepares a run with the home as it is now: call it when the scene is as wanted."""
        home = self.home(scene)
        kept = home.with_name(home.name + ".kept")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(home, kept, symlinks=True)

        def restore() -> None:
            shutil.rmtree(home)
            shutil.copytree(kept, home, symlinks=True)

        return restore

    def cache(self, scene: str) -> Path:
        """The folder whose folders are the entries."""
        return self.home(scene) / "cm/cache"

    def entries(self, count: int) -> dict[str, str]:
        """A scene with `count` cache entries, one of them of the recipe `kept`."""
        scene = f"entries-{count}"
        filled = self.home(scene) / f"filled-{generate.uid(self.version())}"
        if not filled.is_file():
            env = self.scene(scene, self.small())
            self.must(scene, *self.run_words("kept")[1:])
            (entry,) = (path.parent for path in self.cache(scene).glob("*/*cached-state.json"))
            generate.multiply(entry, count, "kept")
            self.without_index(scene)()
            filled.touch()
            return env
        return self.env(scene)

    def version(self) -> str:
        """Name and version of what is installed."""
        found = self.venv.glob(f"lib/python*/site-packages/{self.name}-*.dist-info")
        return " ".join(path.name.removesuffix(".dist-info") for path in found)


class Cmind(Engine):
    """cmind; the engine of its recipes comes with the published recipes."""

    name = "cmind"
    index: tuple[str, ...] = ("repos/index.json",)

    def env(self, scene: str) -> dict[str, str]:
        home = self.home(scene)
        return environment(home, self.venv, CM_REPOS=str(home / "repos"))

    def corpus(self, name: str) -> Path:
        copied = self.work / name
        if not copied.is_dir():
            _copy(super().corpus(name), copied)
        return copied

    def engine(self) -> Path:
        """The published recipes without the recipes: what is needed to run any."""
        folder = self.work / "engine"
        if not folder.is_dir():
            root = corpora.cm_root()
            folder.mkdir()
            shutil.copy(root / "cmr.yaml", folder)
            _copy(root / "repo/automation", folder / "repo/automation")
        return folder

    def register(self, scene: str, roots: Sequence[Path]) -> None:
        whole = any((root / "repo/automation").is_dir() for root in roots)
        listed = [str(root) for root in roots] + ([] if whole else [str(self.engine())])
        kit.write_tree(self.home(scene) / "repos", {"repos.json": json.dumps(listed)})

    def cache(self, scene: str) -> Path:
        return self.home(scene) / "repos/repos/local/cache"


class Mlcflow(Cmind):
    """mlcflow; nothing but its package is needed."""

    name = "mlcflow"
    program = "mlc"
    dialect = MLC
    index = ("repos/index_*", "repos/modified_times*")

    def env(self, scene: str) -> dict[str, str]:
        home = self.home(scene)
        return environment(home, self.venv, MLC_REPOS=str(home / "repos"))

    def list_words(self) -> tuple[str, ...]:
        return (self.command, "list", "script")

    def register(self, scene: str, roots: Sequence[Path]) -> None:
        local = self.home(scene) / "repos/local"
        meta = {"alias": "local", "name": "local", "uid": "0f0e0d0c0b0a0908"}
        kit.write_tree(local, {"meta.yaml": meta, "cache/.keep": ""})
        listed = json.dumps([str(root) for root in (local, *roots)])
        kit.write_tree(self.home(scene) / "repos", {"repos.json": listed})

    def cache(self, scene: str) -> Path:
        return self.home(scene) / "repos/local/cache"


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, symlinks=True)
    partial.rename(target)


def machine() -> dict[str, str]:
    """What a reader must know of the machine; nothing that names it."""
    model = "unknown processor"
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    bash = subprocess.run(["bash", "--version"], capture_output=True, text=True, check=False)
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "Python": sys.version.split()[0],
        "bash": bash.stdout.partition("version ")[2].partition("(")[0],
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }
