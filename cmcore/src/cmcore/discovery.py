"""Which plugins are installed: entry points of group `cmcore.plugins`, found without importing any.

The standard answer, `importlib.metadata.entry_points`, costs more to import than the whole scan
below. The scan reads `entry_points.txt` of every `*.dist-info` and `*.egg-info` folder on
`sys.path` and returns the same entry points; `CM_DISCOVERY=metadata` switches to the standard
one, which also asks finders that others have installed. A plugin must lie in a folder either way.

The current folder is never searched: a folder that somebody unpacked must not become a plugin by
being stood in. Damaged files are reported in `Candidate.problem`, never raised.
"""

from __future__ import annotations

import os
import sys

from cmcore.hints import Iterable, Iterator, Mapping, NamedTuple, Sequence

#: Entry-point group of plugins.
GROUP = "cmcore.plugins"


class Candidate(NamedTuple):
    """One entry point of the group, with the distribution that brings it.

    Attributes:
        name: entry-point name; "" when the file could not be read.
        value: what it points to, `package.module` or `package.module:attribute`.
        dist: distribution name in PEP 503 form, `cm-plugin-script`.
        version: version of the distribution, "" when nothing tells it.
        dist_info: absolute path of its metadata folder.
        location: absolute `sys.path` entry it was found on.
        problem: why it cannot be used, "" when it can.
    """

    name: str
    value: str
    dist: str
    version: str
    dist_info: str
    location: str
    problem: str = ""


def normalize(name: str) -> str:
    """The PEP 503 form of a distribution name: the only form in which names are compared."""
    name = name.replace("_", "-").replace(".", "-").lower()
    while "--" in name:
        name = name.replace("--", "-")
    return name


def search_path(paths: Sequence[str] | None = None) -> list[str]:
    """Folders where installed packages may lie: `sys.path` without the current folder.

    `python -m` and `python -c` put the current folder first, an empty element of PYTHONPATH puts
    it anywhere. A folder that PYTHONPATH names in full is kept even if it is the current one.

    Args:
        paths: entries to use as they are, instead of `sys.path`.
    """
    if paths is not None:
        return [os.path.abspath(path) for path in paths]
    entries = [path for path in sys.path if isinstance(path, str)]
    if entries and not getattr(sys.flags, "safe_path", False) and _is_here(entries[0]):
        del entries[0]
    # Python writes an empty element of PYTHONPATH out in full, so it must be looked up there.
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if named != [""] and not {"", os.curdir}.isdisjoint(named):
        own = next((n for n, entry in enumerate(entries) if _is_here(entry)), None)
        if own is not None and entries[own] not in named:
            del entries[own]
    return list(dict.fromkeys(os.path.abspath(e) for e in entries if e not in ("", os.curdir)))


def scan(
    paths: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> list[Candidate]:
    """All entry points of the group, in `sys.path` order.

    Of several distributions with one name the first on the path counts, as for `import`.

    Args:
        paths: folders to search instead of `sys.path`.
        environ: where CM_DISCOVERY is looked up, `os.environ` by default.
    """
    folders = search_path(paths)
    if (os.environ if environ is None else environ).get("CM_DISCOVERY") == "metadata":
        return list(_scan_standard(folders))
    found: list[Candidate] = []
    seen: set[str] = set()
    for folder in folders:
        for stem, dist_info in _metadata_folders(folder):
            name = normalize(stem.partition("-")[0])
            if name not in seen:
                seen.add(name)
                found.extend(_read(stem, dist_info, folder))
    return found


def split_value(value: str) -> tuple[str, str]:
    """`package.module:attribute [extras]` as (module, attribute); ("", "") when it is malformed."""
    module, _, attribute = value.partition("[")[0].strip().partition(":")
    module, attribute = module.strip(), attribute.strip()
    words = module.split(".") + (attribute.split(".") if attribute else [])
    if not all(word.isidentifier() for word in words):
        return "", ""
    return module, attribute


def _is_here(entry: str) -> bool:
    if entry in ("", os.curdir):
        return True
    try:
        return os.path.normcase(entry) == os.path.normcase(os.getcwd())
    except OSError:  # the current folder was deleted: nothing can be loaded from it
        return False


def _metadata_folders(folder: str) -> Iterator[tuple[str, str]]:
    """(folder name without its suffix, path) of each distribution that lies in `folder`."""
    try:
        children = os.listdir(folder)
    except OSError:
        return
    egg = os.path.basename(folder)
    is_egg = egg.lower().endswith(".egg")
    for child in children:
        # pip renames what it is about to delete to `~ame`; an interrupted uninstall leaves it.
        if child.startswith("~"):
            continue
        stem, dot, suffix = child.rpartition(".")
        if dot and suffix.lower() in ("dist-info", "egg-info"):
            yield stem, os.path.join(folder, child)
        elif is_egg and child.lower() == "egg-info":
            yield egg[:-4], os.path.join(folder, child)


def _read(stem: str, dist_info: str, location: str) -> Iterator[Candidate]:
    path = os.path.join(dist_info, "entry_points.txt")
    try:
        with open(path, "rb") as stream:
            raw = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        dist, version = _identity(stem, dist_info)
        problem = f"{path} cannot be read: {error.strerror or error}"
        yield Candidate("", "", dist, version, dist_info, location, problem)
        return
    if GROUP.encode() not in raw:
        return
    dist, version = _identity(stem, dist_info)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"{path} is not UTF-8 text (byte {error.start})"
        yield Candidate("", "", dist, version, dist_info, location, problem)
        return
    for number, line, name, value in _group_lines(text):
        problem = ""
        if not name or split_value(value) == ("", ""):
            problem = (
                f"{path}, line {number}: expected 'name = package.module' or "
                f"'name = package.module:attribute', found {line!r}"
            )
        yield Candidate(name, value, dist, version, dist_info, location, problem)


def _group_lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    """(line number, line, name, value) of what stands in our group."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            inside = line.strip("[]") == GROUP
        elif inside and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield number, line, name.strip(), value.strip()


def _identity(stem: str, dist_info: str) -> tuple[str, str]:
    """Name and version from the folder's name; from its metadata where that does not tell both."""
    name, dash, version = stem.partition("-")
    if dash and version and "-" not in version:
        return normalize(name), version
    found = _metadata_fields(dist_info)
    return normalize(found.get("name", name)), found.get("version", version)


def _metadata_fields(dist_info: str) -> dict[str, str]:
    for file in ("METADATA", "PKG-INFO"):
        try:
            with open(os.path.join(dist_info, file), encoding="utf-8", errors="replace") as stream:
                return dict(_headers(stream))
        except OSError:
            continue
    return {}


def _headers(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if not line.strip():  # the description follows
            return
        key, colon, value = line.partition(":")
        if colon and key.lower() in ("name", "version"):
            yield key.lower(), value.strip()


def _scan_standard(folders: list[str]) -> Iterator[Candidate]:
    import importlib.metadata

    seen: set[str] = set()
    for dist in importlib.metadata.distributions(path=folders):
        # The folder's path is not part of the public interface; it only tells the provenance.
        dist_info = str(getattr(dist, "_path", ""))
        try:
            name = normalize(dist.metadata["Name"] or "")
            if not name or name in seen:
                continue
            seen.add(name)
            for point in dist.entry_points:
                if point.group == GROUP:
                    location = os.path.dirname(dist_info)
                    yield Candidate(
                        point.name, point.value, name, dist.version, dist_info, location
                    )
        except Exception as error:  # noqa: BLE001 - the parser meets whatever lies on the disk
            stem = os.path.basename(dist_info).rpartition(".")[0]
            problem = f"{dist_info} cannot be read: {type(error).__name__}: {error}"
            folder, version = stem.partition("-")[0], stem.partition("-")[2]
            yield Candidate("", "", normalize(folder), version, dist_info, "", problem)
