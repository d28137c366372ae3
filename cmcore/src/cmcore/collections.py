"""The places artifacts come from: the local one, registered folders, packages' data."""

from __future__ import annotations

import os

from cmcore.collection_file import CollectionFile, Entry
from cmcore.collection_meta import (
    Facts,
    Memo,
    as_collection,
    package_collections,
    require_collection,
)
from cmcore.errors import AmbiguousError, ExistsError, NotFoundError, UsageError
from cmcore.hints import Callable, Iterable, NamedTuple
from cmcore.naming import Name, did_you_mean, matches, parse_name, suggestion
from cmcore.paths import Paths
from cmcore.types import Collection

#: Name and UID of the writable collection of every home.
LOCAL_NAME, LOCAL_UID = "local", "5c0cf4a5b2d14e0a"


class Here(NamedTuple):
    """What contains a folder; `automation` and `folder` are "" outside of one."""

    collection: Collection
    automation: str
    folder: str


class Collections:
    """All collections of one home; what other processes register is seen at once.

    Args:
        paths: the home.
        packages: collections inside installed packages, in search order; or a function that
            gives them, called when they are first needed.
    """

    def __init__(
        self,
        paths: Paths,
        packages: Iterable[Collection] | Callable[[], Iterable[Collection]] = (),
    ) -> None:
        self.paths = paths
        self._packages = packages
        self._known_packages: tuple[Collection, ...] | None = None
        self._memo = Memo(paths.collection_memo)
        self._warnings: dict[str, None] = {}
        self._said: set[str] = set()
        lock_path = os.path.join(paths.locks, "collections.lock")
        self._file = CollectionFile(paths.collections_file, lock_path, self._warn)

    @classmethod
    def of_packages(cls, paths: Paths, folders: Iterable[tuple[str, str]]) -> Collections:
        """With package collections given as (folder, `distribution version`) pairs."""
        return cls(paths, lambda: package_collections(folders, paths.collection_memo))

    def all(self) -> list[Collection]:
        """Every collection, in search order: local, registered ones as registered, packages'."""
        return [self.local(), *self.registered(), *self._package_list()]

    def local(self) -> Collection:
        """The writable collection; its folder may not exist yet (see `ensure_local`)."""
        path = self.paths.local
        return Collection(LOCAL_NAME, LOCAL_UID, path, path, "local", "cm")

    def ensure_local(self) -> Collection:
        """The same, created if it is not there.

        Raises:
            StorageError: it cannot be created.
        """
        from cmcore.storage import make_dir, write_atomic

        local = self.local()
        meta = os.path.join(local.path, "cmr.yaml")
        if not os.path.exists(meta):
            make_dir(local.path)
            write_atomic(meta, f"alias: {LOCAL_NAME}\nuid: {LOCAL_UID}\n")
        return local

    def registered(self) -> list[Collection]:
        """The registered folders that exist; missing ones become warnings."""
        found = []
        for entry in self._file.load():
            path = entry["path"]
            if not os.path.isdir(path):
                self._warn(
                    f"collection folder {path} is missing; 'cm rm collection"
                    f" {entry.get('name') or os.path.basename(path)}' forgets it"
                )
                continue
            found.append(self._describe(entry))
        return found

    def find(self, name: str | Name) -> list[Collection]:
        """The collections that a name (wildcards allowed), a UID or "" for all of them means."""
        wanted = parse_name(name) if isinstance(name, str) else name
        return [c for c in self.all() if matches(wanted, c.name, c.uid)]

    def get(self, name: str | Name) -> Collection:
        """The one collection of that name, `.` for the one that holds the current folder.

        Raises:
            NotFoundError, AmbiguousError: there is none, or there are several.
        """
        wanted = parse_name(name) if isinstance(name, str) else name
        if wanted.alias == ".":
            return self.here().collection
        found = self.find(wanted)
        if not found:
            near = did_you_mean(wanted.alias or wanted.uid, [c.name for c in self.all()])
            hint = suggestion(near) or "'cm ls collection' shows all"
            raise NotFoundError(f"there is no collection '{wanted.text}'", hint=hint)
        if len(found) > 1:
            names = ", ".join(f"{c.name} ({c.path})" for c in found)
            raise AmbiguousError(f"several collections fit '{wanted.text}': {names}")
        return found[0]

    def here(self, folder: str | None = None) -> Here:
        """What contains `folder`, or the current folder.

        Raises:
            NotFoundError: no collection does.
        """
        start = os.path.abspath(folder or os.getcwd())
        found = self.containing(start)
        if found is None:
            raise NotFoundError(
                "'.' stands for the collection around the current folder, which is in none",
                where=start,
                hint="'cm add collection FOLDER' registers one",
            )
        return found

    def containing(self, folder: str) -> Here | None:
        """The innermost collection around a folder, with automation and artifact folder."""
        real = os.path.realpath(folder)
        best: tuple[int, Here] | None = None
        for collection in self.all():
            path, root = os.path.realpath(collection.path), os.path.realpath(collection.root)
            if not _within(real, path) or (best and len(path) <= best[0]):
                continue
            parts = os.path.relpath(real, root).split(os.sep) if _within(real, root) else []
            parts = [] if parts == [os.curdir] else parts
            artifact = os.path.join(collection.root, *parts[:2]) if len(parts) > 1 else ""
            best = len(path), Here(collection, parts[0] if parts else "", artifact)
        return best[1] if best else None

    def add(self, path: str, name: str = "", *, uid: str | None = None) -> Collection:
        """Register a folder in place. The same folder again changes nothing.

        Args:
            path: folder; `~` is understood.
            name: instead of the alias in its meta file.
            uid: instead of the UID in its meta file ("": go without).

        Raises:
            UsageError: not a collection.
            ExistsError: alias or UID of another collection, or one it declares a conflict with,
                or the folder itself has another name.
            StorageError: the registration cannot be written.
        """
        from cmcore.naming import check_alias

        path = os.path.abspath(os.path.expanduser(path))
        facts = self._memo.facts(path)
        require_collection(path, facts)
        if name:
            check_alias(name)
        entry: Entry = {"path": path}
        if name:
            entry["name"] = name
        if uid is not None:
            entry["uid"] = uid
        with self._file.locked():
            entries = self._file.load()
            for old in entries:
                if os.path.realpath(old["path"]) == os.path.realpath(path):
                    known = self._describe(old)
                    if name and name != known.name:
                        raise ExistsError(
                            f"the folder is registered already, as '{known.name}'",
                            where=known.path,
                            hint=f"'cm rm collection {known.name}' forgets it",
                        )
                    return known
            new = self._describe(entry)
            self._refuse_clash(new, facts)
            self._file.save([*entries, entry])
        return new

    def remove(self, name: str) -> Collection:
        """Forget a registered folder, named by alias, UID or path; no file is deleted.

        Raises:
            NotFoundError, AmbiguousError: there is none, or there are several.
            UsageError: the local collection, or a package's.
            StorageError: the registration cannot be written.
        """
        with self._file.locked():
            entries = self._file.load()
            given = os.path.abspath(os.path.expanduser(name))
            mine = [e for e in entries if e["path"] == given] or [
                e for e in entries if self._is_called(e, parse_name(name))
            ]
            if len(mine) > 1:
                raise AmbiguousError(
                    f"several collections fit '{name}': {', '.join(e['path'] for e in mine)}",
                    hint="give the path",
                )
            if not mine:
                other = self.get(name)
                if other.kind == "package":
                    raise UsageError(
                        f"collection '{other.name}' belongs to {other.distribution}",
                        hint="uninstall that package to remove it",
                    )
                raise UsageError(f"collection '{other.name}' is part of this home and stays")
            removed = self._describe(mine[0])
            self._file.save([e for e in entries if e is not mine[0]])
        return removed

    def is_registered(self, path: str) -> bool:
        """Whether a folder is registered (whatever way its path is written)."""
        real = os.path.realpath(path)
        return any(os.path.realpath(entry["path"]) == real for entry in self._file.load())

    def warnings(self) -> list[str]:
        """What was odd since the last call; nothing is told twice."""
        new = [text for text in self._warnings if text not in self._said]
        self._said.update(new)
        return new

    def _package_list(self) -> tuple[Collection, ...]:
        if self._known_packages is None:
            given = self._packages() if callable(self._packages) else self._packages
            self._known_packages = tuple(given)
        return self._known_packages

    def _describe(self, entry: Entry) -> Collection:
        facts = self._memo.facts(entry["path"])
        for warning in facts.warnings:
            self._warn(warning)
        facts = facts._replace(
            name=entry.get("name") or facts.name, uid=entry.get("uid", facts.uid)
        )
        return as_collection(entry["path"], facts, "folder")

    def _is_called(self, entry: Entry, wanted: Name) -> bool:
        found = self._describe(entry)
        return bool(wanted.text) and matches(wanted, found.name, found.uid)

    def _refuse_clash(self, new: Collection, facts: Facts) -> None:
        for old in [self.local(), *self.registered()]:
            if old.name.lower() == new.name.lower():
                raise ExistsError(
                    f"a collection called '{old.name}' is already registered",
                    where=old.path,
                    hint="give this one another name with --name=NAME",
                )
            if old.uid and old.uid == new.uid:
                raise ExistsError(
                    f"collection '{old.name}' already has the UID {old.uid}", where=old.path
                )
            for needed in facts.data.get("deps") or []:
                # CM's `conflict: true` names collections that must not be there beside this one.
                if not isinstance(needed, dict) or needed.get("conflict") is not True:
                    continue
                clash = Name(str(needed.get("alias") or ""), str(needed.get("uid") or ""))
                if clash.text and matches(clash, old.name, old.uid):
                    raise ExistsError(
                        f"collection '{new.name}' declares a conflict with the registered"
                        f" '{old.name}'",
                        where=new.path,
                        hint=f"'cm rm collection {old.name}' forgets that one",
                    )

    def _warn(self, text: str) -> None:
        self._warnings.setdefault(text)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
