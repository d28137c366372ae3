"""Folders as wholes: how much they hold, and getting rid of them."""

from __future__ import annotations

import os

from cmcore.hints import Any, Callable, Collection, Iterator


def size(folder: str) -> int:
    """Bytes in all files of the folder; links count as links."""
    return sum(entry.stat(follow_symlinks=False).st_size for _, entry in walk(folder))


def walk(folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below `folder` that is no folder, links unfollowed, with its relative path.

    What vanishes meanwhile or is not ours to read is left out.
    """
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, inner)) as found:
                entries = list(found)
        except OSError:
            continue
        for entry in entries:
            relative = f"{inner}{os.sep}{entry.name}" if inner else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(relative)
                    continue
                entry.stat(follow_symlinks=False)
            except OSError:
                continue
            yield relative, entry


def clear(folder: str, keep: Collection[str]) -> tuple[int, int]:
    """Delete what lies in `folder`, except for the names in `keep`.

    Returns:
        how many files and bytes went.

    Raises:
        OSError: something cannot be deleted.
    """
    count = total = 0
    for name in os.listdir(folder):
        if name in keep:
            continue
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            sizes = [entry.stat(follow_symlinks=False).st_size for _, entry in walk(path)]
            count, total = count + len(sizes), total + sum(sizes)
            delete(path)
        else:
            count, total = count + 1, total + os.lstat(path).st_size
            os.unlink(path)
    return count, total


def delete(path: str) -> None:
    """Delete a folder; recipes leave read-only folders behind, which are made writable first.

    Raises:
        OSError: something cannot be deleted.
    """
    import shutil

    def blocked(function: Callable[..., Any], child: str, _: object) -> None:
        if not os.path.lexists(child):
            return
        if child != path:
            os.chmod(os.path.dirname(child), 0o700)
        if os.path.isdir(child) and not os.path.islink(child):
            os.chmod(child, 0o700)
            shutil.rmtree(child)
        else:
            os.unlink(child)

    shutil.rmtree(path, onerror=blocked)
