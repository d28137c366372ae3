"""`Index`: the answers to every search for artifacts."""

from __future__ import annotations

import os

from cmcore.collection_meta import subfolders
from cmcore.collections import Collections
from cmcore.errors import NotFoundError
from cmcore.hints import TYPE_CHECKING, Callable
from cmcore.index.selecting import Selector
from cmcore.index.source import Source
from cmcore.naming import (
    HERE,
    Name,
    did_you_mean,
    fits,
    is_text,
    matches,
    parse_name,
    parse_tags,
    split,
)
from cmcore.paths import Paths
from cmcore.types import Artifact, Collection

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cmcore.index.database import Database, Scope


class Index:
    """Every artifact of every collection, as the files are at the moment of the question.

    Safe for threads and processes. Whatever is wrong with the index file (missing, damaged,
    read-only, locked for long), answers stay right; `warnings` then says why they took longer.

    Args:
        paths: the home that holds the index file.
        collections: where artifacts are looked for.

    Attributes:
        generation: how often this process has said that it `changed` artifacts.
    """

    def __init__(self, paths: Paths, collections: Collections) -> None:
        self.generation = 0
        self._source = Source(paths.index_file)
        self._collections = collections
        self._held_places: list[Collection] | None = None
        self._selector = Selector(self._source, self._places, self._nouns)

    def search(
        self,
        automation: str,
        artifact: str = "",
        tags: str | list[str] | tuple[str, ...] = "",
        collection: str = "",
    ) -> list[Artifact]:
        """Artifacts that fit all that is given, by collection order, then path.

        Args:
            automation: its name, UID or `name,UID`; wildcards; `.` for the one I stand in.
            artifact: `[collection:]name` with wildcards, `.` for the one I stand in.
            tags: `"a,b,-c"` or a list: has a and b, has not c.
            collection: only this one; the same as `collection:` in `artifact`.

        Raises:
            UsageError: not a name.
            NotFoundError: `.` outside of a collection.
        """
        if artifact.strip() == HERE:
            return self._artifact_here()
        place, name = split(artifact)
        wanted, excluded = parse_tags(tags)
        places = self._places(place if place is not None else parse_name(collection))
        if not all(map(is_text, (artifact, *wanted, *excluded))):
            return []  # the bytes of another encoding: no meta file has them
        with self._source.lock:
            found: list[Artifact] = []
            for noun in self._nouns(automation):
                for where in places:
                    found += self._selector.select(where, noun, name, wanted, excluded)
        return found

    def get(self, path: str) -> Artifact | None:
        """The artifact whose folder is `path`, or None."""
        here = self._collections.containing(path)
        if (
            here is None
            or not here.folder
            or os.path.realpath(path) != os.path.realpath(here.folder)
        ):
            return None
        where, noun, folder = here.collection, here.automation, os.path.basename(here.folder)

        def ask(database: Database, scope: Scope) -> list[Artifact]:
            from cmcore.index.queries import by_folder

            row = by_folder(database, scope.id, folder)
            return [] if row is None else self._selector.artifacts(where, noun, [row])

        with self._source.lock:
            found = self._source.ask(where.root, noun, ask, list[Artifact]())
        return found[0] if found else None

    def all_tags(self, automation: str) -> list[str]:
        """Every tag of an automation's artifacts, sorted."""
        from cmcore.index.queries import tags

        def ask(database: Database, scope: Scope) -> list[str]:
            return tags(database, scope.id)

        return self._union(automation, ask)

    def completions(self, automation: str, prefix: str = "") -> list[str]:
        """Aliases that begin with `prefix`, sorted."""
        from cmcore.index.queries import aliases

        def ask(database: Database, scope: Scope) -> list[str]:
            return aliases(database, scope.id, prefix)

        return self._union(automation, ask)

    def nearest(self, automation: str, words: list[str] | tuple[str, ...], n: int = 3) -> list[str]:
        """For a message that nothing was found: tags and aliases near to words that are neither.

        Args:
            automation: whose artifacts were searched.
            words: tags or names that were asked for.
            n: at most so many per word.
        """
        known = [*self.all_tags(automation), *self.completions(automation)]
        lower = {word.lower() for word in known}
        near: dict[str, None] = {}
        for word in words:
            if word and word.lower() not in lower:
                near.update(dict.fromkeys(did_you_mean(word, known, n)))
        return list(near)

    def refresh(self, collection: Collection) -> dict[str, int]:
        """Read all of a collection; the number of artifacts by automation."""
        from cmcore.index.queries import count

        def ask(database: Database, scope: Scope) -> int:
            return count(database, scope.id)

        with self._source.lock:
            return {
                noun: self._source.ask(collection.root, noun, ask, 0)
                for noun in _nouns_of(collection)
            }

    def remarks(self, collection: Collection, automation: str = "") -> list[str]:
        """What is odd about a collection's meta files, hidden artifacts first."""
        from cmcore.index.queries import problems, remarks, shared_uids

        def ask(database: Database, scope: Scope) -> list[str]:
            shared = [
                f"{os.path.join(collection.root, noun)}: {' and '.join(folders)} have the same"
                f" UID {uid}"
                for uid, folders in shared_uids(database, scope.id)
            ]
            hidden = problems(database, scope.id)
            return [*hidden, *shared, *remarks(database, scope.id)]

        found: list[str] = []
        with self._source.lock:
            for noun in [automation] if automation else _nouns_of(collection):
                found += self._source.ask(collection.root, noun, ask, [])
        return found

    def remarks_on(self, artifact: Artifact) -> list[str]:
        """What is odd about one artifact's meta files."""
        from cmcore.index.queries import remarks

        def ask(database: Database, scope: Scope) -> list[str]:
            return remarks(database, scope.id, os.path.basename(artifact.path))

        with self._source.lock:
            return self._source.ask(artifact.collection.root, artifact.automation, ask, [])

    def hold(self) -> AbstractContextManager[None]:
        """Within: look at the files of an automation once, not at every search.

        For one run that searches for each of its dependencies. What others change meanwhile may
        be seen late; what this process changes is seen when it calls `changed`.
        """
        self._held_places = None
        return self._source.hold()

    def changed(self) -> None:
        """Look at the files again even within `hold`."""
        self.generation += 1
        self._held_places = None
        self._source.changed()

    def warnings(self) -> list[str]:
        """Artifacts that are hidden because their meta is broken, and trouble with the index file.

        Only of what was searched, and each only once.
        """
        return self._source.warnings()

    def close(self) -> None:
        """Give the index file back; the next question opens it again."""
        self._source.close()

    def _all(self) -> list[Collection]:
        if not self._source.held:
            self._held_places = None
            return self._collections.all()
        if self._held_places is None:
            self._held_places = self._collections.all()
        return self._held_places

    def _places(self, name: Name) -> list[Collection]:
        if name.alias == HERE:
            return [self._collections.here().collection]
        return [c for c in self._all() if matches(name, c.name, c.uid)]

    def _artifact_here(self) -> list[Artifact]:
        here = self._collections.here()
        found = self.get(here.folder) if here.folder else None
        if found is None:
            raise NotFoundError(
                "'.' stands for the artifact around the current folder, which is in none",
                where=os.getcwd(),
            )
        return [found]

    def _nouns(self, automation: str) -> list[str]:
        """Names of the automations meant; folders are called like them."""
        if automation == HERE:
            return [self._collections.here().automation]
        name = parse_name(automation)
        if name.alias and not name.wild:
            return [name.alias]
        known = dict.fromkeys(n for c in self._all() for n in _nouns_of(c))
        if not name.uid:
            return sorted(noun for noun in known if fits(name.alias, noun))
        return [noun for noun in known if noun == name.uid or self._has_uid(noun, name.uid)]

    def _has_uid(self, noun: str, uid: str) -> bool:
        from cmcore.index.queries import has_automation_uid

        def ask(database: Database, scope: Scope) -> bool:
            return has_automation_uid(database, scope.id, uid)

        return any(self._source.ask(c.root, noun, ask, False) for c in self._all())

    def _union(self, automation: str, ask: Callable[[Database, Scope], list[str]]) -> list[str]:
        found: set[str] = set()
        with self._source.lock:
            for noun in self._nouns(automation):
                for where in self._all():
                    found.update(self._source.ask(where.root, noun, ask, []))
        return sorted(found)


def _nouns_of(collection: Collection) -> list[str]:
    """Names of the folders that may hold an automation's artifacts."""
    return [os.path.basename(path) for path in subfolders(collection.root)]
