"""From an artifact's folder to the record that the index keeps of it."""

from __future__ import annotations

import os

from cmcore.artifacts import identity, meta_files, parse_meta
from cmcore.errors import StorageError
from cmcore.hints import NamedTuple
from cmcore.index.freshness import files_of
from cmcore.naming import is_uid, tag_text


class Record(NamedTuple):
    """One artifact as the index keeps it.

    Attributes:
        folder: name of its folder.
        alias, uid, tags, form: as in `types.Artifact`.
        automation_uid: what the meta says; or "".
        base: `_base` of the meta, or "": the other fields are then not the last word.
        meta: the meta as JSON text, without inheritance.
        remarks: what is odd, one sentence a line.
        problem: why it is hidden, or "".
        digest: of the files' contents.
    """

    folder: str
    alias: str = ""
    uid: str = ""
    tags: tuple[str, ...] = ()
    form: str = ""
    automation_uid: str = ""
    base: str = ""
    meta: str = "{}"
    remarks: str = ""
    problem: str = ""
    digest: bytes = b""


def read_contents(path: str, mask: int) -> tuple[dict[str, bytes], bytes]:
    """The meta files that count, and a digest of them all.

    Raises:
        OSError: one of them cannot be read.
    """
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    contents: dict[str, bytes] = {}
    for name in files_of(mask):
        with open(os.path.join(path, name), "rb") as file:
            contents[name] = content = file.read()
        digest.update(b"%b %d\n%b" % (name.encode(), len(content), content))
    return contents, digest.digest()


def read_record(path: str, mask: int, known_digest: bytes = b"") -> Record | None:
    """Read an artifact; problems become part of the record.

    Args:
        path: its folder.
        mask: the meta files that count.
        known_digest: of what is known already.

    Returns:
        None when the contents are the known ones.
    """
    folder = os.path.basename(path)
    try:
        contents, digest = read_contents(path, mask)
    except FileNotFoundError:
        # Taken away since it was looked at; the next look sees that as well.
        return Record(folder)
    except OSError as error:
        where = error.filename or path
        return Record(folder, problem=f"{where}: cannot be read: {error.strerror}; it is left out")
    if digest == known_digest:
        return None
    form, _ = meta_files(frozenset(contents))
    try:
        meta = parse_meta(path, form, contents)
    except StorageError as error:
        problem = f"{error.where}: {error.message}; the artifact is left out"
        return Record(folder, form=form, problem=problem, digest=digest)
    from cmcore.jsontext import dumps

    alias, uid, tags, odd = identity(path, meta.data)
    base = meta.data.get("_base")
    remarks = "\n".join(text.replace("\n", " ") for text in (*meta.warnings, *odd))
    return Record(
        folder,
        _storable(alias),
        uid if is_uid(uid) else "",
        tuple(map(_storable, tags)),
        form,
        tag_text(meta.data.get("automation_uid")).strip().lower(),
        _storable(base.strip()) if isinstance(base, str) else "",
        dumps(meta.data),
        _storable(remarks),
        digest=digest,
    )


def _storable(text: str) -> str:
    """Text that SQLite can hold: JSON may contain lone surrogates, UTF-8 may not."""
    return text.encode("utf-8", "replace").decode("utf-8")
