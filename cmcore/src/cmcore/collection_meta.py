"""What a folder says about itself as a collection.

CM describes a collection in `cmr.yaml`, MLCFlow in `meta.yaml`. A folder without either is one
too, when it holds `<automation>/<artifact>` folders.
"""

from __future__ import annotations

import os

from cmcore.artifacts import META_FILES
from cmcore.errors import StorageError, UsageError
from cmcore.hints import Any, Iterable, NamedTuple
from cmcore.naming import is_uid, tag_text
from cmcore.types import Collection

_FILES = (("cmr.yaml", "cm"), ("cmr.json", "cm"), ("meta.yaml", "mlc"), ("meta.json", "mlc"))


class Facts(NamedTuple):
    """A collection's meta file, checked.

    Attributes:
        name: its alias; "" when it has none.
        uid: or "".
        prefix: folder below it that holds the automations' folders; "" for itself.
        form: `cm`, `mlc`, or "" without meta file.
        data: the whole meta.
        warnings: what is wrong with it; each names the file.
    """

    name: str = ""
    uid: str = ""
    prefix: str = ""
    form: str = ""
    data: dict[str, Any] = {}  # noqa: RUF012 - never changed, as the tuple it is part of
    warnings: tuple[str, ...] = ()


class Memo:
    """Parsed collection metas by folder and exact text, so that no command pays for YAML twice.

    Only a memory: losing it, or failing to write it, costs time and nothing else. Without a path
    it is not kept.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, Any] | None = None

    def facts(self, folder: str) -> Facts:
        """What the folder's meta file says now; problems are warnings, never errors."""
        name, form, content = _read(folder)
        path = os.path.join(folder, name)
        if content is None:
            problem = f"{path}: cannot be read" if name else ""
            return Facts(warnings=(problem,) if problem else ())
        text = content.decode("utf-8", "replace")
        known = self._load().get(path)
        if isinstance(known, dict) and known.get("text") == text:
            return check(path, form, known.get("data"))
        try:
            data = _parse(path, content)
        except StorageError as error:
            # The last state that could be read is a better answer than none.
            old = known.get("data") if isinstance(known, dict) else None
            found = check(path, form, old)
            return found._replace(warnings=(*found.warnings, str(error)))
        self._load()[path] = {"text": text, "data": data}
        self._save()
        return check(path, form, data)

    def _load(self) -> dict[str, Any]:
        if self._known is None and not self._path:
            self._known = {}
        if self._known is None:
            from cmcore.storage import read_json

            try:
                known = read_json(self._path) if os.path.exists(self._path) else {}
            except StorageError:
                known = {}
            self._known = known if isinstance(known, dict) else {}
        return self._known

    def _save(self) -> None:
        if not self._path:
            return
        from cmcore.jsontext import dumps
        from cmcore.storage import make_dir, write_atomic

        try:
            make_dir(os.path.dirname(self._path))
            write_atomic(self._path, dumps(self._load()), durable=False)
        except StorageError:
            pass


def check(path: str, form: str, data: Any) -> Facts:
    """The facts in a parsed meta file."""
    if not isinstance(data, dict):
        return Facts(form=form, warnings=(f"{path}: not a mapping of keys to values",))
    warnings: list[str] = []
    uid = tag_text(data.get("uid")).strip().lower()
    if uid and not is_uid(uid):
        warnings.append(f"{path}: '{uid}' is not a UID (16 hexadecimal digits)")
        uid = ""
    prefix = tag_text(data.get("prefix")).strip().strip("/")
    if prefix and (os.path.isabs(prefix) or ".." in prefix.split("/")):
        warnings.append(f"{path}: prefix '{prefix}' leads out of the collection; it is ignored")
        prefix = ""
    name = tag_text(data.get("alias")).strip()
    return Facts(name, uid, prefix, form, data, tuple(warnings))


def as_collection(folder: str, facts: Facts, kind: str, distribution: str = "") -> Collection:
    """The record of a folder; named after the folder when its meta names it not."""
    root = os.path.join(folder, *facts.prefix.split("/")) if facts.prefix else folder
    writable = kind != "package" and os.access(root if os.path.isdir(root) else folder, os.W_OK)
    name = facts.name or distribution.partition(" ")[0] or os.path.basename(folder)
    return Collection(name, facts.uid, folder, root, kind, facts.form, writable, distribution)


def package_collections(
    folders: Iterable[tuple[str, str]], memo_path: str
) -> tuple[Collection, ...]:
    """Collections inside packages, from (folder, `distribution version`) pairs.

    Without a name of its own such a collection is called like the distribution.
    """
    memo = Memo(memo_path)
    return tuple(
        as_collection(os.path.abspath(folder), memo.facts(folder), "package", distribution)
        for folder, distribution in folders
    )


def require_collection(folder: str, facts: Facts) -> None:
    """Refuse a folder that is not a collection.

    Raises:
        UsageError: it does not exist, is an artifact itself, or holds no artifacts and no meta.
    """
    if not os.path.isdir(folder):
        raise UsageError("there is no such folder", where=folder)
    if "automation_alias" in facts.data or "automation_uid" in facts.data:
        raise UsageError(
            "the folder is an artifact, not a collection",
            where=folder,
            hint="its collection is probably two levels up",
        )
    if not facts.form and not _holds_artifacts(folder):
        raise UsageError(
            "the folder is not a collection: it has neither cmr.yaml nor meta.yaml,"
            " nor <automation>/<artifact> folders",
            where=folder,
        )


def _holds_artifacts(folder: str) -> bool:
    for automation in subfolders(folder):
        for artifact in subfolders(automation):
            if any(os.path.isfile(os.path.join(artifact, name)) for name in META_FILES):
                return True
    return False


def subfolders(folder: str) -> list[str]:
    """Paths of the folders in a folder, sorted, without hidden ones; none if it is unreadable."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.path for e in entries if not e.name.startswith(".") and e.is_dir())
    except OSError:
        return []


def _read(folder: str) -> tuple[str, str, bytes | None]:
    for name, form in _FILES:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                return name, form, file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return name, form, None
    return "", "", None


def _parse(path: str, content: bytes) -> Any:
    if path.endswith(".json"):
        import json

        try:
            return json.loads(content.decode("utf-8-sig"))
        except ValueError as error:
            raise StorageError(f"not valid JSON: {error}", where=path) from error
    from cmcore.yamlio import parse_yaml

    return parse_yaml(content, path)[0]
