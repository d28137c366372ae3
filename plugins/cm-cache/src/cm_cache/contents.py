"""Whether the files of a small entry are still whole, at the price of asking for their sizes.

A crash, a full disk or a hand cuts files short or takes them away. An entry of a few files
remembers how large they were, and is looked at whenever it is served. Large ones (source trees,
environments, data sets) would take too long, and other recipes go on working in them: `data` has
its digests, which `cm_cache.trust` compares when there is a reason to.
"""

from __future__ import annotations

import os
import stat

from cm_cache import classes
from cmcore.hints import Any, Mapping

#: Key of an entry's meta: sizes in bytes, by path relative to the entry.
CONTENTS = "contents"

#: What is wrong with a file that may be whole.
CLOSED = "cannot be read: Permission denied"

#: An entry with more files is not looked at.
MOST = 32


def sizes(folder: str) -> dict[str, int]:
    """What belongs under `CONTENTS` for the finished files in `folder`; empty for a large entry."""
    from cm_cache import digests, trees

    found: dict[str, int] = {}
    for rel, entry in trees.walk(folder):
        if digests.belongs(rel) and entry.is_file(follow_symlinks=False):
            if len(found) == MOST:
                return {}
            found[rel] = entry.stat(follow_symlinks=False).st_size
    return found


def flaw(folder: str, meta: Mapping[str, Any]) -> str:
    """Which file is not whole any more, as a clause, or "".

    Data never changes. Files of other entries may have grown: recipes append to them.
    """
    kept = meta.get(CONTENTS)
    if not isinstance(kept, Mapping):
        return ""
    exact = meta.get("class") == classes.DATA
    for rel, size in kept.items():
        if not isinstance(size, int):
            continue
        try:
            found = os.lstat(os.path.join(folder, rel))
        except PermissionError:
            return f"{rel} {CLOSED}"
        except OSError:
            return f"{rel} is gone"
        if stat.S_ISLNK(found.st_mode):
            continue  # somebody has put it elsewhere
        if not stat.S_ISREG(found.st_mode):
            return f"{rel} is no file any more"
        if not found.st_mode & 0o444:
            return f"{rel} {CLOSED}"
        if found.st_size < size or (exact and found.st_size != size):
            return f"{rel} has {found.st_size} bytes instead of {size}"
    return ""
