"""Whether the files of a data entry have to be looked at before it is served.

Two kinds of crash can spoil what was whole when it was published: the machine stopped before the
system had written everything to the disk, or a run that used the entry was killed while it worked
on the files. The first leaves files that look right, so that their digests have to be computed;
the second changes times and sizes. Neither is looked for twice.
"""

from __future__ import annotations

import os

from cm_cache import contents, digests, host, layout, records, usage
from cmcore import storage
from cmcore.errors import CmError, StorageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import CacheEntry

#: After this many seconds the system has written to the disk what it was given.
SETTLED = 600.0


def doubt(folder: str, meta: Mapping[str, Any]) -> tuple[str, bool]:
    """Why the entry in `folder` has to be checked, and whether deeply; "" when there is no need."""
    summary = meta.get(digests.DIGESTS)
    if not isinstance(summary, Mapping):
        return "", False
    boot, made = summary.get("boot"), records.seconds(summary.get("time"), 0.0)
    if boot and boot != host.boot_id():
        verified = layout.mtime(os.path.join(folder, layout.VERIFIED))
        seen_whole = max(verified, layout.last_used(folder, made)) > made + SETTLED
        if not seen_whole and not verified > host.boot_time() > 0:
            return "the machine was restarted since it was stored", True
    if os.path.exists(os.path.join(folder, layout.DOUBT)):
        return "a run that used it did not end properly", False
    return "", False


def assure(ctx: Context | None, entry: CacheEntry, flaw: str = "") -> None:
    """Check the files of `entry` where that is called for.

    Args:
        ctx: for sentences, and for the lock under which the entry is condemned.
        entry: about to be served.
        flaw: what is known to be wrong with it, as a clause.

    Raises:
        StorageError: they are not what was stored; the entry counts as damaged from now on.
    """
    if flaw:
        raise _refused(ctx, entry.path, [flaw])
    usage.spot_crashes(os.path.dirname(entry.path))
    why, deep = doubt(entry.path, entry.meta)
    if not why:
        return
    if ctx is not None:
        # Only what takes a while is worth a line to everybody.
        text = f"checking the files of cache entry {entry.uid}: {why}"
        ctx.console.log(text, verbose=not deep)
    problems = digests.check(entry.path, entry.meta, deep=deep)
    if problems:
        raise _refused(ctx, entry.path, problems)
    settle(entry.path)


def _refused(ctx: Context | None, folder: str, problems: list[str]) -> StorageError:
    """The error for an entry that is not served; it is condemned, unless it is only closed."""
    real = [flaw for flaw in problems if not flaw.endswith(contents.CLOSED)]
    if real:
        condemn(ctx, folder, real[0])
        return StorageError(real[0], where=folder)
    error = StorageError(problems[0], where=folder)
    error.__cause__ = PermissionError()
    return error


def settle(folder: str) -> None:
    """The files of the entry were found to be what they should be."""
    try:
        layout.touch(os.path.join(folder, layout.VERIFIED))
        layout.unlink(os.path.join(folder, layout.DOUBT))
    except OSError:
        pass  # a read-only cache is checked each time


def condemn(ctx: Context | None, folder: str, why: str) -> None:
    """Have the entry count as damaged, for every process; not while somebody works in it."""
    import json

    from cm_cache.claims import folder_lock

    path = os.path.join(folder, layout.META)
    lock = None
    try:
        lock = folder_lock(ctx, folder) if ctx is not None else None
        if lock is not None:
            meta = records.load_object(path)
            meta["damaged"] = why
            storage.write_atomic(path, json.dumps(meta, indent=2) + "\n")
    except CmError:
        pass  # a read-only cache; the entry is turned down again next time
    finally:
        if lock is not None:
            lock.__exit__(None, None, None)
