"""Each file of a home is damaged in each way, one at a time; everything has to go on by itself."""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from kit import Answer
from storm_disk import full_disk
from storm_oracle import Look
from storm_ways import WAYS, copied, dated, folder, made, newer_version, unreadable, without_tables
from storm_world import Hang, World

#: What a person or a program asks then; each must end well, `verify` and `show` may say no.
COMMANDS = (
    ("find", "cache"),
    ("show", "cache"),
    ("verify", "cache"),
    ("find", "script"),
    ("prune", "cache", "--broken", "-f"),
    ("rm", "cache", "--tags=storm,app,_n.2", "-f"),
)
#: Files of entries that are like others.
ALIKE = ("1.txt", "2.txt", "3.txt", "4.txt", "made-with.txt", "data.cksum")
#: Damage to finished entries of these kinds is no concern of unfinished ones.
FINISHED = ("app", "lib", "data", "tool")
#: Numbers: two whole trees, one that was killed in its download, one killed in its renewal.
WHOLE, OTHER, PARTIAL, RENEWED = 1, 2, 3, 4


def _renamed(path: Path) -> None:
    path.rename(path.with_name("renamed"))


#: What is done to entry folders by hand.
FOLDERS: dict[str, Callable[[Path], None]] = {
    "removed": shutil.rmtree,
    "renamed": _renamed,
    "copied": copied("copy"),
    "copied as another": copied("0123456789abcdef"),
    "unreadable": unreadable,
}


class Damage:
    """`run(step)` tries every `step`-th case; `counts` has the numbers, `said` what went wrong."""

    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.said: list[str] = []
        self._say = say
        self._case = ""
        self._saved = world.folder / "saved"
        self._uids: dict[str, str] = {}

    def run(self, step: int = 1, first: int = 0) -> None:
        """Prepare a home, then damage copies of it.

        Args:
            step: try every step-th case only.
            first: begin with this one.
        """
        self._prepare()
        for number, (name, kind, act) in enumerate(sorted(self._cases(), key=lambda c: c[0])):
            # By name, because each home has files that others lack, and all shares must fit.
            if zlib.crc32(name.encode()) % step == first % step:
                self._case = name
                self._one(name, kind, act)
            if number % 100 == 99:
                self._say(f"{number + 1} kinds of damage")
        if first == 0:
            self._case = "full disk"
            full_disk(self.world, self._saved, self.counts, self._fault)

    def _fault(self, rule: str, sentence: str) -> None:
        self.counts[f"fault {rule}"] += 1
        self.said.append(f"{self._case}: {rule}: {sentence}")
        self._say(self.said[-1])

    def _prepare(self) -> None:
        world = self.world
        world.fresh()
        for number in (WHOLE, OTHER, PARTIAL, RENEWED):
            world.recipes.offer(number)
        world.run("config", "set", "core.form", "mlc")
        for number in (WHOLE, OTHER, RENEWED):
            if world.run("run", "script", f"storm,app,_n.{number}", "--quiet").code:
                raise RuntimeError("the recipes do not run")
        self._interrupt(PARTIAL, "*/data.part")
        self._interrupt(RENEWED, "*/.cm-previous.json", "--renew")
        world.run("find", "script")
        entries = Look(world).entries.values()
        self._uids = {
            s.uid: s.kind if s.finished else f"unfinished {s.kind} {s.number}"
            for s in entries
            if s.number in (WHOLE, 0) or not s.finished
        }
        shutil.rmtree(self._saved, ignore_errors=True)
        shutil.copytree(world.home, self._saved, symlinks=True)

    def _interrupt(self, number: int, pattern: str, *words: str) -> None:
        """Leave what a run leaves that is killed when there is a file of this kind."""
        tags = f"storm,app,_n.{number}"
        running = self.world.start("run", "script", tags, "--quiet", *words)
        while not running.ended() and not list(self.world.cache.glob(pattern)):
            time.sleep(0.001)
        running.kill()
        if not list(self.world.cache.glob(pattern)):
            raise RuntimeError(f"nothing like {pattern} is left of a killed run")

    def _cases(self) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
        """Names, kinds and acts; an act gets the home folder."""
        for name in self._files():
            for way in WAYS:
                # What a partial download is worth, only the recipe that continues it can tell.
                if name.name != "data.part" or way is not folder:
                    kind = f"file {way.__name__.replace('_', ' ')}"
                    yield f"{self._role(name)} {way.__name__}", kind, _on(name, way)
        for uid, kind in self._uids.items():
            entry = Path("cache", uid)
            for how, act in FOLDERS.items():
                yield f"{kind} {how}", f"entry folder {how}", _on(entry, act)
        for name in ("cache", "records"):
            yield f"{name} removed", "whole folder removed", _on(Path(name), shutil.rmtree)
        clock = "clock: times and entries from the future and the past"
        yield "all files from the future", clock, dated(86400 * 3650.0)
        yield "all files from the past", clock, dated(-86400 * 9000.0)
        yield "entries made in the future", clock, made(86400 * 3650.0)
        yield "entries made in the past", clock, made(-86400 * 9000.0)
        index = "index of a newer version, or without tables"
        for name in (*self._glob("cache/.index/entries*[0-9]"), *self._glob("index-*.sqlite")):
            yield f"{self._role(name)} of a newer version", index, _on(name, newer_version)
            yield f"{self._role(name)} without tables", index, _on(name, without_tables)

    def _files(self) -> list[Path]:
        """All files, apart from those that are like another one in all but a number."""
        found = []
        seen: set[str] = set()
        for path in sorted(self._saved.rglob("*")):
            if not path.is_file():
                continue
            name = path.relative_to(self._saved)
            role = self._role(name)
            if name.parts[0] == "cache" and name.parts[1] != ".index":
                like = name.parts[1] not in self._uids or name.name in ALIKE
                if not like and name.name.startswith(("tmp-", ".cm-lock")):
                    finished = (self._saved / "cache" / name.parts[1] / "_cm.json").exists()
                    role = f"{name.name} {finished}"
                    like = role in seen
            else:
                like = role in seen
            if not like:
                seen.add(role)
                found.append(name)
        return found

    def _role(self, name: Path) -> str:
        if name.parts[0] == "cache" and name.parts[1] != ".index":
            return f"{self._uids.get(name.parts[1])}/{Path(*name.parts[2:])}"
        if name.parts[0] in ("records", "locks", "bytecode", "logs"):
            return name.parts[0]
        return "using" if "using" in name.parts else str(name)

    def _glob(self, pattern: str) -> list[Path]:
        return [path.relative_to(self._saved) for path in sorted(self._saved.glob(pattern))]

    def _one(self, name: str, kind: str, act: Callable[[Path], None]) -> None:
        world = self.world
        before = Counter(self.counts)
        self._restore()
        act(world.home)
        world.confined = name.endswith("unreadable")
        if world.confined and not world.can_confine():
            self.counts["skipped: root reads everything here"] += 1
            return
        self.counts["cases"] += 1
        self.counts[f"{kind}: cases"] += 1
        try:
            concerned = name.split("/")[0].split()[0] in FINISHED
            for number in (OTHER, WHOLE) if concerned else (OTHER, WHOLE, PARTIAL, RENEWED):
                self._served("app", number)
            for part in ("lib", "data"):
                self._served(part, WHOLE)
            for words in COMMANDS:
                self._command(*words)
            self._served("app", WHOLE)
        except Hang as hang:
            self._fault("hang", str(hang))
        finally:
            world.confined = False
            for key in ("runs", "rebuilt", "commands", "told"):
                self.counts[f"{kind}: {key}"] += self.counts[key] - before[key]

    def _restore(self) -> None:
        home = self.world.home
        for path, _, _ in os.walk(home):
            os.chmod(path, 0o755)
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._saved, home, symlinks=True)

    def _served(self, kind: str, number: int, *, again: bool = False) -> None:
        recipes = self.world.recipes
        mark = recipes.mark()
        tags = f"storm,{kind},_n.{number}"
        answer = self.world.run("run", "script", tags, "--quiet", "--out=json")
        self.counts["runs"] += 1
        self.counts["rebuilt"] += any(step[0] == "start" for step in recipes.steps(mark))
        if not self._calm(answer, f"run {tags}"):
            return
        if answer.code and not again and number == RENEWED and "cm: error: " in answer.err:
            # Old files stood in its way, and it said so; the next run has to do without them.
            self.counts["told, and overcome by the next run"] += 1
            self._served(kind, number, again=True)
            return
        if answer.code:
            self._fault("failed", f"run {tags}\n{answer.text}")
            return
        env = json.loads(answer.out)["new_env"]
        wanted = recipes.expected(kind, number)
        for key, name in wanted.env.items():
            root = str(env.get(key)).removesuffix(f"/{name}")
            for path, content in wanted.files.items():
                if path.startswith(name) and not _is(Path(root, path), content):
                    self._fault("half", f"run {tags} was given {root}, {path}\n{answer.text}")

    def _command(self, *words: str) -> None:
        answer = self.world.run(*words)
        self.counts["commands"] += 1
        text = "cm " + " ".join(words)
        if self._calm(answer, text) and answer.code and words[0] != "verify":
            self._fault("failed", f"{text}\n{answer.text}")

    def _calm(self, answer: Answer, text: str) -> bool:
        """Whether it did not fall over, and said why if it says no."""
        told = [line for line in answer.err.splitlines() if line.startswith("cm: ")]
        self.counts["told"] += bool(told)
        if "Traceback" in answer.out + answer.err or answer.code < 0:
            self._fault("traceback", f"{text}\n{answer.text}")
            return False
        if answer.code and not answer.err.strip() + answer.out.strip():
            self._fault("wordless", text)
            return False
        return True


def _is(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _on(name: Path, way: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda home: way(home / name)
