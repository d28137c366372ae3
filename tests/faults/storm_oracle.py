"""What has to hold for a cache folder at every moment, judged from its files alone.

Nothing of the product is used here: the recipes' outcomes are known beforehand.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from storm_recipes import Recipes
from storm_world import World


class Seen(NamedTuple):
    """One entry folder.

    Attributes:
        uid: its name.
        kind, number: what it is an outcome of; "" and -1 when that cannot be told.
        key: what no two finished entries may share.
        finished: whether a run would be served it.
        noted: an unfinished one that says what is built there.
        old: a finished one that was made with another version of the tool, so that nobody is to be
            served it.
    """

    uid: str
    kind: str
    number: int
    key: str
    finished: bool
    noted: bool
    old: bool = False

    @property
    def what(self) -> tuple[str, int]:
        """Kind and number."""
        return self.kind, self.number


class Look:
    """The cache folder as it lies on the disk now.

    Attributes:
        entries: all entry folders by UID.
        problems: rules that do not hold, and a sentence on each.
        files: how many files were compared with what their recipes write.
    """

    def __init__(self, world: World) -> None:
        self.entries: dict[str, Seen] = {}
        self.problems: list[tuple[str, str]] = []
        self.files = 0
        if world.cache.is_dir():
            for folder in sorted(world.cache.iterdir()):
                if folder.is_dir() and not folder.name.startswith("."):
                    self.entries[folder.name] = self._entry(world.recipes, folder)
        self._duplicates()
        self._locks(world)

    @property
    def finished(self) -> dict[str, Seen]:
        """Entries that are whole, whatever tool they were made with."""
        return {uid: seen for uid, seen in self.entries.items() if seen.finished}

    def fault(self, rule: str, sentence: str) -> None:
        """Note that a rule does not hold."""
        self.problems.append((rule, sentence))

    def _entry(self, recipes: Recipes, folder: Path) -> Seen:
        try:
            meta = _object(folder / "_cm.json")
        except FileNotFoundError:
            try:
                note = _object(folder / ".cm-building.json")
            except (OSError, ValueError):
                return Seen(folder.name, "", -1, "", False, False)
            return _seen(folder.name, note, False)
        except (OSError, ValueError) as error:
            self.fault("half", f"{folder}: {error}")
            return Seen(folder.name, "", -1, "", False, False)
        seen = _seen(folder.name, meta, True)
        if seen.kind:
            return seen._replace(old=self._compare(recipes, folder, seen))
        else:
            self.fault("half", f"{folder}: of no recipe")
        return seen

    def _compare(self, recipes: Recipes, folder: Path, seen: Seen) -> bool:
        """Look at all that an entry has to hold; whether it is of an earlier tool."""
        wanted = recipes.expected(seen.kind, seen.number)
        try:
            env = _object(folder / "cm-cached-state.json")["new_env"]
        except (OSError, ValueError, KeyError) as error:
            self.fault("half", f"{folder}: state: {error!r}")
            return False
        inside = {key: str(folder / name) for key, name in wanted.env.items()}
        if env != {**inside, **wanted.outside}:
            self.fault("half", f"{folder}: exports {env}")
        found: dict[str, bytes] = {}
        for name in wanted.files:
            self.files += 1
            try:
                found[name] = (folder / name).read_bytes()
            except OSError:
                found[name] = b"unreadable"
        old = found in wanted.since
        for name, content in wanted.files.items():
            if not old and found[name] != content:
                self.fault("half", f"{folder}/{name} is not what its recipe writes")
        return old

    def _duplicates(self) -> None:
        current = [s for s in self.finished.values() if not s.old]
        for key, count in Counter(s.key for s in current).items():
            if count > 1:
                uids = [s.uid for s in current if s.key == key]
                self.fault("duplicate", f"{key}: {' '.join(uids)}")

    def _locks(self, world: World) -> None:
        paths = [world.cache / uid / ".cm-lock" for uid in self.entries]
        if (world.home / "locks").is_dir():
            paths += (world.home / "locks").glob("*.lock")
        for path in paths:
            if path.exists() and not _free(path):
                self.fault("locked", str(path))


def nobody_lost(look: Look, known: dict[str, Seen], *, may_lack: set[tuple[str, int]]) -> None:
    """Note entries that were there before and are not now, apart from `may_lack`."""
    for uid, seen in known.items():
        if uid not in look.finished and seen.what not in may_lack:
            look.fault("lost", f"{uid} ({seen.kind} {seen.number})")


def _free(path: Path) -> bool:
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _object(path: Path) -> dict[str, Any]:
    data = json.loads(path.read_text("utf-8"))
    if not isinstance(data, dict):
        raise ValueError(f"{path.name} holds no object")
    return data


def _seen(uid: str, meta: dict[str, Any], finished: bool) -> Seen:
    tags = meta.get("tags") or []
    kinds = [tag for tag in tags if tag in ("app", "lib", "data", "tool")]
    numbers = [int(tag[3:]) for tag in tags if tag.startswith("_n.")] or [0]
    key = f"{meta.get('recipe_uid')} {meta.get('dialect')} {meta.get('key_digest')}"
    whole = not finished or (meta.get("uid") == uid and "tmp" not in tags)
    return Seen(uid, kinds[0] if kinds and whole else "", numbers[0], key, finished, not finished)
