"""Mounts that a recipe or a user spells out: `SRC:DST`, with `${{ NAME }}` for variables."""

from __future__ import annotations

import os

from cm_docker import hostpaths
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.mounts import View

#: A brace that an author forgot is forgiven.
_PLACEHOLDER = r"\$\{\{\s*([^\s{}]+)\s*\}\}?"


class Known(NamedTuple):
    """What the placeholders of mounts may mean.

    Attributes:
        env: variables of the recipe on the host.
        flags: variable -> the flag that the user gave for it.
        files: variables with the path of a file whose folder is needed.
    """

    env: Mapping[str, Any]
    flags: Mapping[str, str]
    files: frozenset[str] = frozenset()


class Named(NamedTuple):
    """A variable whose value is another one inside."""

    variable: str
    value: str


def variables(mount: str) -> list[str]:
    """Names in the placeholders of a mount."""
    import re

    return re.findall(_PLACEHOLDER, mount)


def _filled(text: str, values: Mapping[str, str]) -> str:
    import re

    return re.sub(_PLACEHOLDER, lambda found: values[found[1]], text)


def of_recipe(view: View, mounts: tuple[str, ...], known: Known, recipe: str) -> list[Named]:
    """Add the mounts of a recipe's meta; the variables that have other values inside.

    A mount whose variable is not set is left out, as both references do. They may be written to,
    because only the recipe knows what it does with them.

    Raises:
        CmError: a mount cannot be understood, or an input that the user named is not there.
    """
    found: list[Named] = []
    for mount in mounts:
        source, colon, target = mount.rpartition(":")
        if not colon or not source or not target:
            raise CmError(
                f"the mount '{mount}' of recipe {recipe} has no place in the container",
                where="docker.mounts",
                hint="mounts are written HOST:CONTAINER",
            )
        values = {name: _text(known.env.get(name)) for name in variables(mount)}
        unset = [name for name, value in values.items() if not value]
        if unset:
            view.notes.append(f"the mount '{mount}' is left out: {unset[0]} is not set")
            continue
        path = hostpaths.absolute(_filled(source, values), view.cwd)
        name = next(iter(variables(source)), "")
        there = _source(view, mount, path, name, known)
        if there:
            place = _place(view, target, values, path, there)
            if name:
                found.append(Named(name, place))
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) and hostpaths.is_path(value) else ""


def _source(view: View, mount: str, path: str, name: str, known: Known) -> str:
    """Where the host side is seen by its own name; "" when there is nothing to mount."""
    if path == "/":
        raise CmError(f"the mount '{mount}' would show the container all of the host")
    if hostpaths.is_output(known.flags.get(name, ""), name):
        return view.write(path, file=hostpaths.wants_file("", name, path))
    if not os.path.exists(path):
        if name in known.flags:
            raise hostpaths.missing(path, known.flags[name])
        view.notes.append(f"the mount '{mount}' is left out: there is no {path}")
        return ""
    if name in known.files and os.path.isfile(path):
        view.read(os.path.dirname(path))
    if os.access(path, os.W_OK) and view.whole(path) == path:
        return view.write(path, file=False)
    return view.read(path)


def _place(view: View, target: str, values: Mapping[str, str], path: str, there: str) -> str:
    """Where the recipe wants it: by its own name, or at a place that the meta spells out."""
    if not variables(target):
        view.elsewhere(path, target, writable=os.access(path, os.W_OK))
        return os.path.normpath(target)
    wanted = hostpaths.absolute(_filled(target, values), view.cwd)
    if wanted == path:
        return there
    view.elsewhere(path, hostpaths.inside(wanted), writable=os.access(path, os.W_OK))
    return hostpaths.inside(wanted)


def of_user(view: View, mounts: tuple[str, ...], env: Mapping[str, Any]) -> None:
    """Add `--docker.mount=SRC[:DST[:rw]]`; read-only without a word.

    Raises:
        UsageError: a mount cannot be understood, or has a variable that is not set.
        CmError: its path is not there, or the place is not to be had.
    """
    for mount in mounts:
        words = mount.split(":")
        mode = words.pop() if words[-1] in ("rw", "ro") and len(words) > 1 else "ro"
        if len(words) > 2 or not all(words):
            raise UsageError(
                f"cannot read --docker.mount={mount}", hint="write SRC:DST or SRC:DST:rw"
            )
        values = {name: _text(env.get(name)) for name in variables(mount)}
        for name, value in values.items():
            if not value:
                raise UsageError(f"--docker.mount={mount} names {name}, which is not set")
        path = hostpaths.absolute(_filled(words[0], values), view.cwd)
        if path == "/":
            raise UsageError(
                f"--docker.mount={mount} would show the container all of the host",
                hint="name a folder",
            )
        if not os.path.exists(path):
            raise CmError(f"there is no {path} to mount", where=f"--docker.mount={mount}", code=16)
        target = _filled(words[1], values) if len(words) == 2 else hostpaths.inside(path)
        view.elsewhere(path, target, writable=mode == "rw")
