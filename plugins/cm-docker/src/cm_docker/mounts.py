"""What a container sees of the host, and what the values of a request are called there.

A path keeps its name inside where it can (see `hostpaths.inside`); otherwise the value that names
it is rewritten. Only the current folder and what a value or a setting names is mounted.
"""

from __future__ import annotations

import os

from cm_docker import hostpaths
from cm_docker.records import Mount
from cmcore.errors import CmError, UsageError
from cmcore.hints import Any, Iterable, Mapping, NamedTuple


class Declared(NamedTuple):
    """What is known of flags and variables that hold paths.

    Attributes:
        mapping: flag -> variable.
        inputs: flags, or `env.NAME`, that hold paths to read or write.
        files: variables with the path of a file whose folder is needed.
        folders: variables with the path of a folder.
        mounted: variables that mounts of the recipe name.
    """

    mapping: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    inputs: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    mounted: frozenset[str] = frozenset()

    def holds(self, name: str, variable: str) -> bool:
        """Whether the value of this flag is a path for sure."""
        return (
            name in self.inputs
            or variable in self.files
            or variable in self.folders
            or variable in self.mounted
        )


class View:
    """Collects what is to be seen.

    Args:
        cwd: the caller's current folder, absolute.
        home: the caller's home folder.
        cache: the cache folder of the host; of an entry, all is mounted.
        mount_cwd: whether the current folder is to be there.
        make: make folders for outputs that are not there; else only say where they would be.

    Attributes:
        workdir: current folder inside, "" for the image's own.
        made: folders that were made for outputs, outermost first.
        notes: sentences for the curious.
        warnings: sentences for everybody.
    """

    def __init__(
        self, cwd: str, home: str, cache: str, *, mount_cwd: bool = True, make: bool = True
    ) -> None:
        self.cwd = cwd
        self._makes = make
        self.cache = os.path.realpath(cache) if cache else ""
        self.workdir = ""
        self.made: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._wanted: dict[str, bool] = {}
        self._elsewhere: dict[str, Mount] = {}
        if mount_cwd and (cwd == "/" or os.path.realpath(cwd) == os.path.realpath(home)):
            what = "all of the host" if cwd == "/" else "your home folder"
            self.warnings.append(
                f"the current folder is {what}, so it is not mounted; go to a folder of the run"
            )
        elif mount_cwd:
            self.workdir = hostpaths.inside(cwd)
            self._wanted[cwd] = os.access(cwd, os.W_OK)

    def mounts(self) -> tuple[Mount, ...]:
        """All mounts, outer ones first; none that another one makes needless."""
        found: dict[str, Mount] = {}
        for path in sorted(self._wanted, key=lambda p: (p.count("/"), p)):
            if not self._seen(path, self._wanted[path], found.values()):
                target = hostpaths.inside(path)
                found[target] = Mount(path, target, self._wanted[path])
        found.update(self._elsewhere)
        return tuple(sorted(found.values(), key=lambda m: (m.target.count("/"), m.target)))

    @staticmethod
    def _seen(path: str, writable: bool, mounts: Iterable[Mount]) -> bool:
        """Whether a path is there through the nearest mount above it, as writable as it must."""
        above = [m for m in mounts if hostpaths.below(path, m.source)]
        if not above:
            return False
        nearest = max(above, key=lambda m: len(m.source))
        through = hostpaths.below(os.path.realpath(path), os.path.realpath(nearest.source))
        return through and (nearest.writable or not writable)

    def read(self, path: str) -> str:
        """Let the container read a path that exists; what it is called there."""
        return self._want(path, False)

    def write(self, path: str, *, file: bool) -> str:
        """Let the container write a path, which need not exist; what it is called there.

        Raises:
            CmError: it cannot be made or written.
        """
        path = self._real(path)
        if os.path.exists(path):
            place = path
        elif hostpaths.below(path, self.cwd) and self.workdir:
            return hostpaths.inside(path)
        else:
            place = os.path.dirname(path) if file else path
            self._make(place)
        if os.path.lexists(place) and not os.access(place, os.W_OK):
            raise CmError("this output cannot be written", where=place, hint="see its permissions")
        if place == path:
            return self._want(path, True)
        self._want(place, True)
        return hostpaths.inside(path)

    def elsewhere(self, source: str, target: str, *, writable: bool) -> None:
        """Mount a path at a place of its own.

        Raises:
            CmError: the container cannot have it there, or has something else there.
        """
        target = os.path.normpath(target)
        taken = ("/opt/cm", "/run/cm", "/run/secrets", "/proc", "/sys")
        if not target.startswith("/") or target == "/" or target.startswith("//"):
            raise CmError(
                f"'{target}' is no place to mount {source} at", hint="write an absolute path"
            )
        if any(hostpaths.below(target, place) for place in taken):
            raise CmError(f"{target} is the container's own", hint="mount it somewhere else")
        there = self._elsewhere.get(target)
        if there is not None and there.source != source:
            raise CmError(f"both {there.source} and {source} are to be mounted at {target}")
        writable = writable or (there is not None and there.writable)
        self._elsewhere[target] = Mount(source, target, writable)

    def whole(self, path: str) -> str:
        """What to mount for a path: a cache entry as a whole, because its files name each other."""
        if self.cache and hostpaths.below(path, self.cache) and path != self.cache:
            entry = path[len(self.cache) :].strip("/").partition("/")[0]
            return os.path.join(self.cache, entry)
        return path

    def _want(self, path: str, writable: bool) -> str:
        path = self._real(path)
        whole = self.whole(path)
        if whole == "/":
            raise UsageError("'/' would show the container all of the host", hint="name a folder")
        self._wanted[whole] = self._wanted.get(whole, False) or (writable and whole == path)
        if writable and whole != path:
            self._wanted[path] = True
        return hostpaths.inside(path)

    def _real(self, path: str) -> str:
        """The path without links, unless it lies in the current folder with all that it leads to.

        Engines follow links in the place of a mount, and so would hide something of the image.
        """
        real = os.path.realpath(path)
        here = self.workdir and hostpaths.below(path, self.cwd)
        return path if here and hostpaths.below(real, os.path.realpath(self.cwd)) else real

    def _make(self, folder: str) -> None:
        missing = []
        while not os.path.lexists(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for one in reversed(missing) if self._makes else ():
            try:
                os.mkdir(one)
            except OSError as error:
                self.forget()
                raise CmError(
                    f"the folder for an output cannot be made: {error.strerror}", where=one
                ) from None
            self.made.append(one)

    def forget(self) -> None:
        """Remove the folders that were made, as far as they are still empty."""
        for folder in reversed(self.made):
            try:
                os.rmdir(folder)
            except OSError:
                pass
        self.made.clear()


def rewrite(view: View, flags: Mapping[str, Any], declared: Declared) -> dict[str, Any]:
    """The flags as they are called inside; what they name is added to the view.

    Raises:
        CmError: an input that is not there, an output that cannot be written.
    """
    changed: dict[str, Any] = {}
    for name, value in flags.items():
        changed[name] = _value(view, name, value, declared)
    return changed


def _value(view: View, name: str, value: Any, declared: Declared) -> Any:
    if isinstance(value, Mapping):
        return {key: _value(view, f"{name}.{key}", item, declared) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(view, name, item, declared) for item in value]
    if not hostpaths.is_path(value):
        return value
    variable = name[4:] if name.startswith("env.") else declared.mapping.get(name, "")
    return one_path(view, name, str(value), variable, declared)


def one_path(view: View, name: str, value: str, variable: str, declared: Declared) -> str:
    """What one value is called inside; the value itself when it is no path of the host."""
    sure = declared.holds(name, variable)
    path = hostpaths.absolute(value, view.cwd)
    if hostpaths.is_output(name, variable):
        if not (sure or name in ("output", "outdirname") or _looks(value)):
            return value
        file = hostpaths.wants_file(name, variable, path)
        return _named(view, value, path, view.write(path, file=file))
    if not os.path.exists(path):
        if (sure and name != "path") or (name == "input" and hostpaths.says_path(value)):
            raise hostpaths.missing(path, name)
        return value
    named = sure or name == "input"
    if not named and (not hostpaths.says_path(value) or path == "/" or hostpaths.is_tool(path)):
        return value
    if variable in declared.files and os.path.isfile(path):
        view.read(os.path.dirname(path))
    return _named(view, value, path, view.read(path))


def _looks(value: str) -> bool:
    return "/" in value or hostpaths.says_path(value)


def _named(view: View, value: str, path: str, there: str) -> str:
    """The value itself where it means the same inside, else the absolute name."""
    relative = not os.path.isabs(value) and not value.startswith("~")
    within = bool(view.workdir) and hostpaths.below(path, view.cwd)
    if relative and within and there == hostpaths.inside(path):
        return value
    slash = "/" if value.endswith("/") and there != "/" else ""
    return value if there + slash == value else there + slash
