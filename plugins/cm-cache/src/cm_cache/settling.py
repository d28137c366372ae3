"""Making the files of an entry that comes from elsewhere fit the cache folder it comes to."""

from __future__ import annotations

import json
import os

from cm_cache import contents, digests, layout, trees
from cmcore import storage
from cmcore.hints import Any, Mapping

#: A text file larger than this many bytes is not one that a recipe wrote paths into.
_LARGEST_TEXT = 4_000_000


def rewrite(folder: str, moves: Mapping[str, str]) -> int:
    """Have the text files in `folder` name new places instead of old ones; how many changed.

    Text is what has no zero byte. Each old path counts only as a whole: followed by the end, a
    separator or anything else that no file name goes on with.

    Raises:
        OSError: a file cannot be read or written.
    """
    import re

    if not moves:
        return 0
    by_bytes = {os.fsencode(old): os.fsencode(new) for old, new in moves.items()}
    longest = sorted(by_bytes, key=len, reverse=True)
    pattern = re.compile(b"(?:" + b"|".join(map(re.escape, longest)) + rb")(?![A-Za-z0-9_.-])")
    changed = 0
    for rel, found in trees.walk(folder):
        stat = found.stat(follow_symlinks=False)
        if not found.is_file(follow_symlinks=False) or stat.st_size > _LARGEST_TEXT:
            continue
        if not digests.belongs(rel) and not rel.startswith("tmp-"):
            continue
        with open(found.path, "rb") as file:
            content = file.read()
        if b"\0" in content:
            continue
        moved = pattern.sub(lambda match: by_bytes[match[0]], content)
        if moved != content:
            with open(found.path, "wb") as file:
                file.write(moved)
            changed += 1
    return changed


def write_entry(folder: str, meta: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write state and meta of an entry that is not visible yet.

    Raises:
        StorageError: they cannot be written.
    """
    # Paths written into its files may have changed their sizes.
    meta = {**meta, contents.CONTENTS: contents.sizes(folder)}
    state_path, meta_path = (os.path.join(folder, name) for name in (layout.STATE, layout.META))
    storage.write_atomic(state_path, json.dumps(state, indent=2) + "\n")
    storage.write_atomic(meta_path, json.dumps(meta, indent=2) + "\n")
