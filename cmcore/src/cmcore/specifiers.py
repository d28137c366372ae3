"""Version specifiers of PEP 440, as far as a policy needs them: `cm-plugin-x>=1.2,<2`.

Exact for versions and for `==` (also with `.*`), `!=`, `<=`, `>=`, `<`, `>` and `~=`; `===` is
refused. Pre-releases are judged by the operators alone (`1.1rc1` fits `>=1.0`), because the
question is what may load of what is installed, not what to install.
"""

from __future__ import annotations

import re

from cmcore.hints import NamedTuple

_VERSION = re.compile(
    r"\s*v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?:-(?P<post_n1>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n2>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*",
    re.IGNORECASE | re.ASCII,
)
_CLAUSE = re.compile(r"\s*(~=|===|==|!=|<=|>=|<|>)\s*(\S+?)\s*")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(.*)", re.ASCII)
_PRE_NAMES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}

Part = tuple[int, int | str]


class Version(NamedTuple):
    """A version in comparable parts; `None` where the part is absent."""

    epoch: int
    release: tuple[int, ...]
    pre: tuple[str, int] | None = None
    post: int | None = None
    dev: int | None = None
    local: tuple[Part, ...] | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What versions are sorted by: PEP 440's total order."""
        release = self.release
        while len(release) > 1 and release[-1] == 0:
            release = release[:-1]
        if self.pre is not None:
            pre = (1, *self.pre)
        elif self.post is None and self.dev is not None:
            pre = (0, "", 0)  # 1.0.dev1 comes before 1.0a1
        else:
            pre = (2, "", 0)
        post = -1 if self.post is None else self.post
        dev = (1, 0) if self.dev is None else (0, self.dev)
        return (self.epoch, release, pre, post, dev, self.local or ())

    @property
    def public(self) -> Version:
        """The version without its local part."""
        return self._replace(local=None)


class Specifier(NamedTuple):
    """One clause such as `>=1.2`; `prefix` is True for `==1.2.*` and `!=1.2.*`."""

    operator: str
    version: Version
    prefix: bool = False

    def matches(self, found: Version) -> bool:
        """Whether an installed version fits the clause."""
        wanted, public = self.version, found.public
        if self.operator == "~=":
            stem = wanted.release[:-1]
            return public.key >= wanted.key and _starts_with(found, wanted.epoch, stem)
        if self.operator in ("==", "!="):
            if self.prefix:
                same = _starts_with(found, wanted.epoch, wanted.release)
            else:
                same = (found if wanted.local else public).key == wanted.key
            return same == (self.operator == "==")
        if self.operator == "<=":
            return public.key <= wanted.key
        if self.operator == ">=":
            return public.key >= wanted.key
        if self.operator == "<":
            # No pre-release of the named version itself, unless it is one.
            early = wanted.pre is not None or wanted.dev is not None
            return found.key < (wanted if early else wanted._replace(dev=0)).key
        # Neither a local build nor a post-release of the named version comes "after" it.
        if wanted.dev is not None:
            return found.key >= wanted._replace(dev=wanted.dev + 1).key
        if wanted.post is not None:
            return found.key >= wanted._replace(post=wanted.post + 1, dev=0).key
        own = found._replace(post=None, dev=None, local=None).key == wanted.key
        return found.key > wanted.key and not own


class Requirement(NamedTuple):
    """A distribution name, as written, and the clauses its version must fit, all of them."""

    name: str
    specifiers: tuple[Specifier, ...]
    text: str

    def accepts(self, version: str) -> bool:
        """Whether a version fits; one that PEP 440 does not know fits only an empty list."""
        if not self.specifiers:
            return True
        found = parse_version(version)
        return found is not None and all(clause.matches(found) for clause in self.specifiers)


def parse_version(text: str) -> Version | None:
    """The parts of a version, or None when PEP 440 does not allow it."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    pre = None
    if match["pre"]:
        word = match["pre"].lower()
        pre = (_PRE_NAMES.get(word, word), int(match["pre_n"] or 0))
    post = None
    if match["post"] or match["post_n1"]:
        post = int(match["post_n1"] or match["post_n2"] or 0)
    local = None
    if match["local"]:
        words = re.split(r"[-_.]", match["local"].lower())
        local = tuple(((1, int(w)) if w.isdigit() else (0, w)) for w in words)
    return Version(
        int(match["epoch"] or 0),
        tuple(int(part) for part in match["release"].split(".")),
        pre,
        post,
        int(match["dev_n"] or 0) if match["dev"] else None,
        local,
    )


def parse_requirement(text: str) -> Requirement:
    """A policy entry: `name` or `name>=1.2,<2`.

    Raises:
        ValueError: with one sentence that says which part is wrong.
    """
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} does not begin with a distribution name")
    name, rest = match.groups()
    clauses = rest.split(",") if rest.strip() else []
    return Requirement(name, tuple(_parse_clause(c, text) for c in clauses), text.strip())


def _parse_clause(clause: str, text: str) -> Specifier:
    match = _CLAUSE.fullmatch(clause)
    if match is None or match[1] == "===":
        known = "==, !=, <=, >=, <, > or ~= and a version"
        raise ValueError(f"{clause.strip()!r} in {text!r} is no version clause: expected {known}")
    operator, wanted = match.groups()
    prefix = wanted.endswith(".*") and operator in ("==", "!=")
    version = parse_version(wanted[:-2] if prefix else wanted)
    if version is None or (prefix and version != Version(version.epoch, version.release)):
        raise ValueError(f"{wanted!r} in {text!r} is no version that PEP 440 allows")
    if version.local is not None and operator not in ("==", "!="):
        raise ValueError(f"a local version ({wanted!r} in {text!r}) works with == and != only")
    if operator == "~=" and len(version.release) < 2:
        raise ValueError(f"'~=' in {text!r} needs a version with at least two parts, as in ~=1.2")
    return Specifier(operator, version, prefix)


def _starts_with(found: Version, epoch: int, release: tuple[int, ...]) -> bool:
    padded = found.release + (0,) * (len(release) - len(found.release))
    return found.epoch == epoch and padded[: len(release)] == release
