"""Which Python packages a run uses, with their exact versions."""

from __future__ import annotations

import re

from cm_script import privacy
from cmcore.hints import TYPE_CHECKING, Iterable, NamedTuple, Sequence

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from cmcore.context import Context
    from cmcore.types import Collection

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Package(NamedTuple):
    """An installed distribution.

    Attributes:
        name: in the form of PEP 503.
        version: its own.
        own: whether it is part of CM, and not only required by such a part.
        checkout: whether it was installed from a folder, so that an index may not have it.
        private: whether it is marked private.
    """

    name: str
    version: str
    own: bool
    checkout: bool
    private: bool


def in_use(ctx: Context, collections: Iterable[Collection]) -> list[Package]:
    """The core, the plugins in use, packages that carry recipes, and what all of these require."""
    names = ["cmcore"]
    names += [state.candidate.dist for state in ctx.registry.plugins() if state.usable]
    names += [place.distribution.partition(" ")[0] for place in collections if place.distribution]
    found: dict[str, Package] = {}
    own = {_normal(name) for name in names if name}
    waiting = sorted(own)
    while waiting:
        name = waiting.pop(0)
        installed = None if name in found else _installed(name)
        if installed is None:
            continue
        found[name] = Package(
            name,
            installed.version,
            name in own,
            bool(installed.read_text("direct_url.json")),
            privacy.distribution(name),
        )
        waiting += _requires(installed)
    return sorted(found.values(), key=lambda part: (not part.own, part.name))


def _requires(installed: Distribution) -> list[str]:
    """Names of what a distribution requires without extras; conditions are left to what is here."""
    found = []
    for text in installed.requires or ():
        requirement, _, marker = text.partition(";")
        name = _NAME.match(requirement.strip())
        if name and "extra" not in marker:
            found.append(_normal(name.group()))
    return found


def _installed(name: str) -> Distribution | None:
    from importlib import metadata

    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(parts: Sequence[Package]) -> list[str]:
    """The packages as requirements of exactly these versions."""
    return [f"{part.name}=={part.version}" for part in parts]


def rows(parts: Sequence[Package]) -> tuple[tuple[str, str, str], ...]:
    """(name, version, remark) of Python and of each package."""
    import platform

    found = [("Python", platform.python_version(), "")]
    for part in parts:
        remarks = ["private"] if part.private else []
        if part.checkout:
            remarks.append("installed from a folder: an index may not have this state of it")
        found.append((part.name, part.version, "; ".join(remarks)))
    return tuple(found)
