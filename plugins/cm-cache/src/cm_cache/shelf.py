"""The entries of one cache folder, by way of the index when it works and without it otherwise.

Whatever happens to the index, the answers are the same; only the time they take differs.
"""

from __future__ import annotations

import errno
import os

from cm_cache import layout, records
from cm_cache.records import BUILDING, DAMAGED, FINISHED, Record
from cmcore.hints import TYPE_CHECKING, Callable, Iterable, Sequence, TypeVar

if TYPE_CHECKING:
    from cm_cache.index import Index
    from cmcore.context import Context

T = TypeVar("T")


def matches(record: Record, wanted: Iterable[str], excluded: Iterable[str]) -> bool:
    """Whether a record carries all of `wanted` and none of `excluded`; both may be pseudo tags."""
    words = {*record.tags, *records.pseudo_tags(record)}
    return words.issuperset(wanted) and words.isdisjoint(excluded)


class Shelf:
    """All entry folders of one cache folder."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.root = os.path.abspath(ctx.paths.cache)

    def folder(self, uid: str) -> str:
        """The folder of entry `uid`."""
        return os.path.join(self.root, uid)

    def finished(self, wanted: Sequence[str], excluded: Sequence[str] = ()) -> list[Record]:
        """Finished, undamaged entries with all of `wanted` and none of `excluded`, in order.

        A damaged one among them is left out, with a sentence that names it.
        """
        if not os.path.isdir(self.root):
            return []
        found = self._indexed(
            lambda index: self._find(index, FINISHED, wanted, excluded),
            lambda: self._scan((FINISHED,), wanted, excluded),
        )
        return sorted(found, key=Record.sort_key)

    def unfinished(self, wanted: Sequence[str] = (), excluded: Sequence[str] = ()) -> list[Record]:
        """Entries that are being built or whose building was interrupted, in order."""
        if not os.path.isdir(self.root):
            return []
        found = self._indexed(
            lambda index: self._find(index, BUILDING, wanted, excluded),
            lambda: self._scan((BUILDING,), wanted, excluded),
        )
        return sorted(found, key=Record.sort_key)

    def everything(self) -> list[Record]:
        """What lies in every entry folder, read anew; for commands that look for damage."""
        found = (records.read(self.root, uid) for uid in layout.names(self.root))
        return sorted((record for record in found if record), key=Record.sort_key)

    def get(self, uid: str) -> Record | None:
        """What lies in the entry folder `uid`, read anew."""
        return records.read(self.root, uid)

    def put(self, uid: str) -> Record | None:
        """Take notice that the folder `uid` changed, or went."""
        return self._indexed(
            lambda index: index.put(uid),
            lambda: records.read(self.root, uid),
        )

    def make_folder(self, uid: str) -> None:
        """Make a new entry folder.

        Raises:
            OSError: it cannot be made.
        """
        path = self.folder(uid)
        os.makedirs(self.root, exist_ok=True)
        self._changed(lambda: os.mkdir(path), path, there=True, came=uid)

    def move_away(self, uid: str, target: str) -> None:
        """Rename the entry folder `uid` to `target`, a path in the cache folder.

        Raises:
            OSError: it cannot be renamed.
        """
        path = self.folder(uid)
        self._changed(lambda: os.rename(path, target), path, there=False, gone=uid)

    def move_in(self, uid: str, source: str) -> None:
        """Make `source`, a folder within the cache folder, the entry `uid`.

        Raises:
            OSError: it cannot be renamed; FileExistsError or ENOTEMPTY: there is such an entry.
        """
        path = self.folder(uid)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "there is such an entry", path)
        self._changed(lambda: os.rename(source, path), path, there=True, came=uid)
        self.put(uid)

    def _changed(
        self, change: Callable[[], None], path: str, *, there: bool, came: str = "", gone: str = ""
    ) -> None:
        failure: list[OSError] = []

        def attempt() -> None:
            # The index may fail after the change was made; it must not be made twice.
            if os.path.lexists(path) != there:
                try:
                    change()
                except OSError as error:
                    failure.append(error)

        self._indexed(
            lambda index: index.change_root(attempt, came=came, gone=gone),
            attempt,
        )
        if failure:
            raise failure[0]

    def _find(
        self, index: Index, kind: str, wanted: Sequence[str], excluded: Sequence[str]
    ) -> list[Record]:
        kept: list[Record] = []
        for _ in range(2):
            for record in index.follow(self._ctx.console.log):
                self._warn(record)
            kept, gone = self._verified(index, kind, wanted, excluded)
            if not gone:
                break  # else folders changed unnoticed, so that others may have come as well
        return kept

    def _verified(
        self, index: Index, kind: str, wanted: Sequence[str], excluded: Sequence[str]
    ) -> tuple[list[Record], bool]:
        kept = []
        gone = False
        for found in index.find(kind, wanted, excluded):
            stale = layout.stamp(self.folder(found.uid)) != found.stamp
            now = index.put(found.uid) if stale else found
            if now is None:
                gone = True
            elif now.kind == DAMAGED:
                self._warn(now)
            elif not stale or (now.kind == kind and matches(now, wanted, excluded)):
                kept.append(now)
        return kept, gone

    def _scan(
        self, kinds: Sequence[str], wanted: Sequence[str], excluded: Sequence[str]
    ) -> list[Record]:
        kept = []
        for record in self.everything():
            if record.kind == DAMAGED:
                self._warn(record)
            elif record.kind in kinds and matches(record, wanted, excluded):
                kept.append(record)
        return kept

    def _warn(self, record: Record) -> None:
        text = f"cache entry {record.uid} is damaged and not used: {record.reason};"
        text += " `cm prune cache --broken` removes it"
        if record.closed:
            text = f"cache entry {record.uid} cannot be read and is not used: {record.reason}"
        self._ctx.console.warn(text)

    def _indexed(self, use: Callable[[Index], T], plain: Callable[[], T]) -> T:
        from cm_cache.opened import with_index

        return with_index(self.root, use, plain, self._ctx.console.warn)
