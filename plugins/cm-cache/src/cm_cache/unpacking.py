"""Reading an archive of entries without believing a word of it."""

from __future__ import annotations

import os

from cm_cache import archive, records
from cmcore import storage
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any, Collection, Mapping

if TYPE_CHECKING:
    import tarfile
    from types import TracebackType

#: A manifest larger than this many bytes lists no entries that anybody made.
_LARGEST_MANIFEST = 512 * 1024 * 1024


class Archive:
    """An archive that was looked through: every name is safe, every file is announced.

    Attributes:
        path: the file.
        manifest: see `cm_cache.archive`.
        entries: by UID, in the order of the manifest.

    Raises:
        StorageError: (when made) it cannot be read, was cut short, or holds what it must not.
    """

    def __init__(self, path: str) -> None:
        import tarfile

        self.path = path
        self._tar: tarfile.TarFile | None = None
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115  # closed by __exit__
            self._members = {member.name: member for member in self._tar}
            self.manifest = self._read_manifest()
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            self.close()
            raise self._bad(f"it is damaged or was cut short ({error})") from error
        except OSError as error:
            self.close()
            raise StorageError(
                f"cannot read the file: {error.strerror or error}", where=path
            ) from error
        except BaseException:
            self.close()
            raise
        try:
            self.entries: dict[str, dict[str, Any]] = {e["uid"]: e for e in self._checked()}
        except StorageError:
            self.close()
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self.close()
            raise self._bad("its manifest is damaged") from error

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None

    def _bad(self, why: str) -> StorageError:
        return StorageError(f"this is no sound archive of cache entries: {why}", where=self.path)

    def _read_manifest(self) -> dict[str, Any]:
        member = self._members.get(archive.MANIFEST)
        if member is None or not member.isreg() or member.size > _LARGEST_MANIFEST:
            raise self._bad(f"it has no {archive.MANIFEST}; was it cut short?")
        assert self._tar is not None
        file = self._tar.extractfile(member)
        manifest = storage.parse_json(file.read(), self.path) if file else None
        if not isinstance(manifest, dict) or manifest.get("format") != archive.FORMAT:
            raise self._bad(f"its {archive.MANIFEST} is another one")
        if manifest.get("version") != archive.VERSION:
            raise self._bad(f"its version {manifest.get('version')} is not known here")
        return manifest

    def _checked(self) -> list[dict[str, Any]]:
        expected = {archive.MANIFEST}
        uids = [entry["uid"] for entry in self.manifest["entries"]]
        for entry in self.manifest["entries"]:
            uid = entry["uid"]
            if not records.is_entry_uid(uid) or uids.count(uid) != 1:
                raise self._bad(f"'{uid}' is no identifier of an entry")
            if not all(isinstance(entry[key], list) for key in ("tags", "depends")):
                raise self._bad(f"the manifest describes entry {uid} badly")
            if not all(isinstance(entry[key], str) for key in ("root", "key_digest")):
                raise self._bad(f"the manifest describes entry {uid} badly")
            for rel in [*entry["files"], *entry["folders"], *entry["links"]]:
                if not archive.safe(rel):
                    raise self._bad(f"it would write outside of its entries: {rel!r}")
            self._check_tree(entry)
            for rel, (digest, size, mtime, mode) in entry["files"].items():
                name = f"{archive.ENTRIES}{uid}/{rel}"
                member = self._members.get(name)
                if member is None or not member.isreg() or member.size != size:
                    raise self._bad(f"{name} is missing or is not what the manifest says")
                if not (
                    isinstance(digest, str) and isinstance(mtime, int) and mode == mode & 0o777
                ):
                    raise self._bad(f"the manifest describes {name} badly")
                expected.add(name)
            known = {uid, *entry["depends"], *uids}
            for rel, target in entry["links"].items():
                if not safe_link(rel, target, known):
                    raise self._bad(f"the link {rel} leads out of the cache, to {target!r}")
        extra = self._members.keys() - expected
        if extra:
            raise self._bad(f"it holds {min(extra)!r}, which its manifest does not name")
        entries: list[dict[str, Any]] = self.manifest["entries"]
        return entries

    def _check_tree(self, entry: Mapping[str, Any]) -> None:
        """Every name stands for one thing, and only folders have things in them."""
        files, folders, links = (set(entry[key]) for key in ("files", "folders", "links"))
        if files & links or folders & (files | links):
            raise self._bad("a name in it means two things")
        for rel in files | folders | links:
            parent = os.path.dirname(rel)
            if parent and parent not in folders:
                raise self._bad(f"the folder of {rel!r} is missing")
        if not all(isinstance(m, int) and m == m & 0o777 for m in entry["folders"].values()):
            raise self._bad("the rights of a folder are none")

    def extract(self, uid: str, folder: str) -> None:
        """Put the files and folders of an entry into the new folder `folder`; no links yet.

        Raises:
            StorageError: a file is not what the manifest says.
            OSError: it cannot be written.
        """
        import shutil
        import tarfile

        assert self._tar is not None
        entry = self.entries[uid]
        os.mkdir(folder)
        for rel in sorted(entry["folders"]):
            os.mkdir(os.path.join(folder, rel))
        for rel, (digest, size, mtime, mode) in entry["files"].items():
            path = os.path.join(folder, rel)
            try:
                source = self._tar.extractfile(self._members[f"{archive.ENTRIES}{uid}/{rel}"])
                assert source is not None
                reader = archive.Hashing(source)
                with open(path, "xb") as file:
                    shutil.copyfileobj(reader, file, 1 << 20)
            except (tarfile.TarError, EOFError) as error:
                raise self._bad(f"it is damaged or was cut short ({error})") from error
            if reader.digest() != digest or os.path.getsize(path) != size:
                raise self._bad(f"{rel} of entry {uid} has other content than it should have")
            os.chmod(path, mode | 0o200)
            os.utime(path, ns=(mtime, mtime))

    def finish(self, uid: str, folder: str, root: str) -> None:
        """Make the links of an entry, and give its files and folders their rights.

        Raises:
            OSError: that cannot be done.
        """
        entry = self.entries[uid]
        for rel, target in entry["links"].items():
            if target.startswith(archive.TO_CACHE):
                target = os.path.join(root, target[len(archive.TO_CACHE) :]).rstrip("/")
            os.symlink(target, os.path.join(folder, rel))
        for rel, about in entry["files"].items():
            os.chmod(os.path.join(folder, rel), about[3])
        for rel, mode in sorted(entry["folders"].items(), reverse=True):
            os.chmod(os.path.join(folder, rel), mode)


def safe_link(rel: str, target: object, uids: Collection[str]) -> bool:
    """Whether a link at `rel` stays within its entry, or within those named in `uids`."""
    if not isinstance(target, str) or "\0" in target or "\\" in target:
        return False
    if target.startswith(archive.TO_CACHE):
        uid, _, rest = target[len(archive.TO_CACHE) :].partition("/")
        return uid in uids and records.is_entry_uid(uid) and (not rest or archive.safe(rest))
    return archive.inner_target(rel, target)
