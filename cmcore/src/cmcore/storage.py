"""Files that survive a crash: atomic replacement, durable append, plain reading, folders.

Every failure of the file system becomes a `StorageError` that names the path and says what would
help. Locks stand in `cmcore.storage_lock`; `lock` here is the same function.
"""

from __future__ import annotations

import errno
import os
import stat
from codecs import BOM_UTF8

from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any, Callable
from cmcore.jsontext import loads

if TYPE_CHECKING:
    from cmcore.locking import Lock
    from cmcore.types import Json

#: Beginning of the names of folders that are being built or taken apart; never looked into.
HIDDEN = ".cm-"

_HINTS = {
    errno.ENOSPC: "free some space on that file system",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EACCES: "check the permissions of the file and its folder",
    errno.EPERM: "check the permissions of the file and its folder",
    errno.EROFS: "the file system is read-only; set CM_HOME to a folder that can be written",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "a folder stands where a file is expected",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.EMFILE: "too many files are open",
}


def storage_error(error: OSError, path: str, doing: str) -> StorageError:
    """The `StorageError` for a failed system call; `doing` completes "cannot ..."."""
    reason = error.strerror or str(error) or type(error).__name__
    return StorageError(
        f"cannot {doing}: {reason}", where=path, hint=_HINTS.get(error.errno or 0, "")
    )


def read_bytes(path: str) -> bytes:
    """The whole file.

    Raises:
        StorageError: it is missing or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise storage_error(error, path, "read the file") from error


def read_json(path: str) -> Json:
    """The JSON document in a file; a byte order mark is tolerated.

    Raises:
        StorageError: the file is missing, unreadable or not JSON; names file, line and column.
    """
    value: Json = parse_json(read_bytes(path), path)
    return value


def parse_json(content: bytes, path: str, **options: Any) -> Any:
    """The value of a JSON text in UTF-8, with or without a byte order mark.

    Args:
        content: the text.
        path: the file it comes from, for messages.
        options: passed on to `json.loads`.

    Raises:
        StorageError: it is not JSON; names file, line and column.
    """
    try:
        text = content.removeprefix(BOM_UTF8).decode("utf-8")
        if not options:
            return loads(text)
        import json

        return json.loads(text, **options)
    except UnicodeDecodeError as error:
        raise StorageError(f"not UTF-8 text at byte {error.start}", where=path) from error
    except RecursionError as error:
        raise StorageError("JSON is nested too deeply", where=path) from error
    except ValueError as error:
        # A JSONDecodeError, or a number of more digits than Python converts.
        known: Any = error
        place = f":{known.lineno}:{known.colno}" if hasattr(error, "lineno") else ""
        problem = getattr(error, "msg", error)
        raise StorageError(f"not valid JSON: {problem}", where=path + place) from error


def write_atomic(path: str, data: str | bytes, *, durable: bool = True) -> None:
    """Replace a file as a whole: a reader, or a crash at any moment, sees the old or the new one.

    Keeps the mode of an existing file and writes through symbolic links. What is no regular file
    (`/dev/null`, a terminal, a pipe) is written to as it stands: replacing it would destroy it.

    Args:
        path: file to write; its folder must exist.
        data: whole content; text is written as UTF-8.
        durable: wait until the disk has it. False for what can be made again.

    Raises:
        StorageError: it cannot be written; the old file is then untouched.
    """
    path = os.path.realpath(path)
    folder, base = os.path.split(path)
    temporary = os.path.join(folder, f"{HIDDEN}{base[:100]}.{os.getpid()}-{os.urandom(4).hex()}")
    content = data.encode("utf-8") if isinstance(data, str) else data
    try:
        mode = _mode(path)
        if mode is not None and not stat.S_ISREG(mode):
            _write_through(path, content)
            return
        _write_new(temporary, content, mode, durable)
        os.replace(temporary, path)
        if durable:
            sync_folder(folder)
    except OSError as error:
        _unlink_quietly(temporary)
        raise storage_error(error, path, "write the file") from error
    except BaseException:
        _unlink_quietly(temporary)
        raise


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _write_through(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        _write_all(handle, content)
    finally:
        os.close(handle)


def append_line(path: str, line: str) -> None:
    """Add one line to a file and wait until the disk has it.

    A line that an earlier crash left unfinished is closed first, so that it never swallows this
    one; readers must expect such a broken line.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and _last_byte(handle, size) != b"\n"
            text = ("\n" if torn else "") + line.rstrip("\n").replace("\n", " ") + "\n"
            _write_all(handle, text.encode("utf-8"))
            os.fsync(handle)
        finally:
            os.close(handle)
        if size == 0:
            sync_folder(os.path.dirname(path))
    except OSError as error:
        raise storage_error(error, path, "append to the file") from error


def make_dir(path: str) -> None:
    """Create a folder and those above it; fine when it is there.

    Raises:
        StorageError: it cannot be created.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path, "create the folder") from error


def rename(source: str, target: str) -> None:
    """Rename a file or folder; a folder that has content is never replaced.

    Raises:
        FileExistsError: `target` is a folder with content, or a file where a folder is to go.
        StorageError: anything else.
    """
    try:
        os.rename(source, target)
        sync_folder(os.path.dirname(target))
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(error.errno, os.strerror(error.errno), target) from error
        raise storage_error(error, source, f"rename to {target}") from error


def remove_tree(path: str) -> None:
    """Delete a folder with all it holds; it disappears at once, or stays whole.

    Raises:
        StorageError: it cannot be deleted.
    """
    import shutil

    folder, base = os.path.split(os.path.abspath(path))
    hidden = os.path.join(folder, f"{HIDDEN}{base[:100]}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        os.rename(path, hidden)
        if os.path.islink(hidden):
            os.unlink(hidden)
        else:
            shutil.rmtree(hidden)
    except OSError as error:
        raise storage_error(error, path, "delete the folder") from error


def sync_folder(folder: str) -> None:
    """Make renames within a folder durable, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network and FUSE file systems know no fsync of folders; nothing more can be done.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(handle)


def lock(
    path: str,
    *,
    what: str,
    timeout: float | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Lock:
    """A context manager that holds the lock file `path`; see `cmcore.locking.Lock`."""
    from cmcore.locking import Lock

    return Lock(path, what=what, timeout=timeout, on_wait=on_wait)


def _write_new(path: str, content: bytes, mode: int | None, durable: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(handle, stat.S_IMODE(mode))
        _write_all(handle, content)
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def _last_byte(handle: int, size: int) -> bytes:
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1)


def _unlink_quietly(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
