"""Which distributions make up the cm in use, and how an image can get each of them."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any, Iterable, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from cmcore.context import Context

#: How an image gets a distribution: built from its checkout, packed from what is installed here,
#: or from the index by name and version.
CHECKOUT, INSTALLED, INDEX = "checkout", "installed", "index"


class Used(NamedTuple):
    """One distribution in use.

    Attributes:
        name: in the form of PEP 503.
        version: its version.
        way: CHECKOUT, INSTALLED or INDEX.
        source: the checkout's folder (CHECKOUT), else the metadata folder.
        private: marked with a classifier `Private ::`, as package indexes know it.
        requires: its requirements, as it states them.
    """

    name: str
    version: str
    way: str
    source: str
    private: bool = False
    requires: tuple[str, ...] = ()


def in_use(ctx: Context, collections: Iterable[str] = ()) -> list[Used]:
    """The core, every usable plugin, and the packages of collections; by name.

    Args:
        ctx: its registry says which plugins there are.
        collections: `name version` of distributions that carry recipes of the plan.

    Raises:
        CmError: cmcore itself runs without being installed.
    """
    found = {"cmcore": _core()}
    for state in ctx.registry.plugins():
        if state.usable and state.candidate.dist not in found:
            found[state.candidate.dist] = described(_at(state.candidate.dist_info))
    for text in collections:
        name = normal(text.partition(" ")[0])
        if name and name not in found:
            known = _by_name(name)
            if known is not None:
                found[name] = described(known)
    return [found[name] for name in sorted(found)]


def described(found: Distribution) -> Used:
    """What is known of one installed distribution."""
    info = os.path.abspath(str(getattr(found, "_path", "")))
    fields = found.metadata
    classifiers = fields.get_all("Classifier") or []
    private = any(str(one).strip().startswith("Private ::") for one in classifiers)
    requires = tuple(str(one) for one in fields.get_all("Requires-Dist") or ())
    way, source = _way(found, info)
    return Used(normal(found.name), str(found.version), way, source, private, requires)


def normal(name: str) -> str:
    """The PEP 503 form of a name."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(name))


def needs(used: Used) -> list[str]:
    """What a distribution requires without any of its extras."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for text in used.requires:
        try:
            parsed = Requirement(text)
        except InvalidRequirement:
            continue
        if parsed.marker is None or "extra" not in str(parsed.marker):
            found.append(str(parsed))
    return found


def name_of(requirement: str) -> str:
    """The PEP 503 name in a requirement."""
    from packaging.requirements import Requirement

    return normal(Requirement(requirement).name)


def _way(found: Distribution, info: str) -> tuple[str, str]:
    origin = _origin(found)
    url = str(origin.get("url") or "")
    if url:
        folder = _folder(url) if isinstance(origin.get("dir_info"), dict) else ""
        editable = bool((origin.get("dir_info") or {}).get("editable"))
        if editable and os.path.isdir(folder):
            return CHECKOUT, folder
        # A folder that was installed from may have changed since; what is installed is in use.
        return INSTALLED, info
    above = os.path.dirname(info)
    if any(os.path.isfile(os.path.join(above, name)) for name in ("pyproject.toml", "setup.py")):
        return CHECKOUT, above  # `setup.py develop` leaves its metadata in the checkout
    return INDEX, info


def _origin(found: Distribution) -> dict[str, Any]:
    """What installers record of where it came from. Source: PEP 610."""
    import json

    try:
        known = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        known = {}
    return known if isinstance(known, dict) else {}


def _folder(url: str) -> str:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(url)
    return url2pathname(parts.path) if parts.scheme == "file" else ""


def _core() -> Used:
    from cmcore.errors import CmError

    known = _by_name("cmcore")
    if known is None:
        raise CmError(
            "cmcore is used without being installed, so that no image can get the same one",
            hint="install it, for example with 'pip install -e' in its checkout",
        )
    return described(known)


def _by_name(name: str) -> Distribution | None:
    from importlib import metadata

    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _at(info: str) -> Distribution:
    from importlib.metadata import PathDistribution
    from pathlib import Path

    return PathDistribution(Path(info))
