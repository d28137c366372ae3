"""Which installed plugins may load: decided before any of their code is imported.

Layers, from the strongest: system, user, project, environment. Each can only take away: a plugin
loads when every layer lets it, so nothing a user or a folder says loosens what the system says.
Names are compared in their PEP 503 form. A policy file looks like this::

    {"policy": 1,
     "allow": ["cm-plugin-script>=1.0,<2",
               {"name": "cm-plugin-cache", "version": "==1.2", "record_sha256": "9f86d0..."}],
     "deny": ["cm-plugin-old<0.9"],
     "reason": "ask the tools group"}

Without `allow` everything is allowed that `deny` does not name. `record_sha256` pins the files of
one release through the RECORD that pip wrote: it notices another or an edited release, not
somebody who may write into the installation at will.

A policy that cannot be read or understood denies every plugin: it was written to restrict. The
core's own commands work in any case.
"""

from __future__ import annotations

import os
import sys

from cmcore.discovery import Candidate, normalize
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple, Sequence
from cmcore.jsontext import loads

if TYPE_CHECKING:
    from cmcore.paths import Paths
    from cmcore.specifiers import Requirement

#: Name of the policy file of a project.
PROJECT_FILE = "cm-policy.json"

#: Environment variable with the distributions that may load, comma separated; empty for none.
VARIABLE = "CM_PLUGINS"

_KEYS = ("policy", "allow", "deny", "reason")
_RULE_KEYS = ("name", "version", "record_sha256")


class Decision(NamedTuple):
    """Whether one plugin may load.

    Attributes:
        allowed: the answer.
        layer: `system`, `user`, `project`, `environment` or `command line`; for an allowed plugin
            the strongest layer that names it, "" when none does.
        reason: one sentence that names the file or variable.
        pinned: True when its files must be checked against RECORD before they are imported.
    """

    allowed: bool
    layer: str
    reason: str
    pinned: bool = False


class Rule(NamedTuple):
    """One entry of `allow` or `deny`; `digest` is the SHA-256 of RECORD or ""."""

    name: str
    requirement: Requirement
    digest: str = ""


class Layer(NamedTuple):
    """One source of rules; `allow` None restricts nothing, `problem` denies everything."""

    name: str
    source: str
    allow: tuple[Rule, ...] | None = None
    deny: tuple[Rule, ...] = ()
    reason: str = ""
    problem: str = ""

    def decide(self, candidate: Candidate) -> Decision | None:
        """What this layer says; None when it does not speak of the plugin."""
        if self.problem:
            return self._no(f"{self.source} {self.problem}, so no plugin may load")
        for rule in self.deny:
            if rule.name == candidate.dist and _denies(rule, candidate.version):
                return self._no(f"{self.source} denies {rule.requirement.text!r}")
        if self.allow is None:
            return None
        named = [rule for rule in self.allow if rule.name == candidate.dist]
        fitting = [rule for rule in named if rule.requirement.accepts(candidate.version)]
        if not named:
            return self._no(f"{self.source} does not list {candidate.dist}")
        if not fitting:
            wanted = " or ".join(repr(rule.requirement.text) for rule in named)
            return self._no(f"{self.source} allows {wanted}, not version {candidate.version}")
        pins = [rule.digest for rule in fitting if rule.digest]
        if not pins or len(pins) < len(fitting):
            return Decision(True, self.name, f"{self.source} allows it")
        if _record_digest(candidate) not in pins:
            return self._no(f"{self.source} pins another RECORD of {candidate.dist}")
        return Decision(True, self.name, f"{self.source} allows it, with its RECORD", pinned=True)

    def _no(self, reason: str) -> Decision:
        if self.reason and not self.problem:
            reason += f": {self.reason}"
        return Decision(False, self.name, reason)


class Policy(NamedTuple):
    """All layers that are there, strongest first."""

    layers: tuple[Layer, ...] = ()

    @classmethod
    def load(
        cls,
        paths: Paths | None,
        environ: Mapping[str, str],
        *,
        no_plugins: bool = False,
        system: Sequence[str] | None = None,
        folder: str | None = None,
    ) -> Policy:
        """Read every layer.

        Args:
            paths: whose `home` holds the user's `policy.json`; None for no user layer.
            environ: where CM_PLUGINS is looked up.
            no_plugins: `--no-plugins` was given.
            system: files of the system layer instead of the real ones.
            folder: where a project's policy is looked for; the current folder by default.
        """
        places = [("system", path) for path in (system_files() if system is None else system)]
        if paths is not None:
            places.append(("user", os.path.join(paths.home, "policy.json")))
        places += [("project", path) for path in project_files(folder)]
        layers = [layer for name, path in places if (layer := _read_layer(name, path))]
        if VARIABLE in environ:
            layers.append(_environment_layer(environ[VARIABLE]))
        if no_plugins:
            layers.append(Layer("command line", "--no-plugins", allow=()))
        return cls(tuple(layers))

    def decide(self, candidate: Candidate) -> Decision:
        """Whether a plugin may load; the strongest layer that objects is named."""
        spoken = []
        for layer in self.layers:
            decision = layer.decide(candidate)
            if decision and not decision.allowed:
                return decision
            if decision:
                spoken.append(decision)
        if not spoken:
            return Decision(True, "", "no policy restricts it")
        pinned = any(decision.pinned for decision in spoken)
        return spoken[0]._replace(pinned=pinned)

    def problems(self) -> list[str]:
        """Policies that cannot be used, one sentence each."""
        return [f"{layer.source} {layer.problem}" for layer in self.layers if layer.problem]


def system_files() -> list[str]:
    """Policy files of the machine and of this Python installation."""
    if sys.platform == "win32":
        machine = os.path.join(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "cmcore")
    else:
        machine = "/etc/cmcore"
    installation = os.path.join(sys.prefix, "etc", "cmcore")
    return [os.path.join(place, "policy.json") for place in (machine, installation)]


def project_files(folder: str | None = None) -> list[str]:
    """Policies of the project around `folder`: from the folder that holds `.git` down to it.

    Outside of a Git checkout only the folder itself counts; a file in `/tmp` or in somebody's
    home has no say about what is below.
    """
    try:
        here = os.path.abspath(folder or os.getcwd())
    except OSError:  # the current folder was deleted
        return []
    levels = [here]
    while not os.path.exists(os.path.join(levels[-1], ".git")):
        parent = os.path.dirname(levels[-1])
        if parent == levels[-1]:
            levels = [here]
            break
        levels.append(parent)
    files = [os.path.join(level, PROJECT_FILE) for level in reversed(levels)]
    return [path for path in files if os.path.lexists(path)]


def _read_layer(name: str, path: str) -> Layer | None:
    source = f"{name} policy {path}"
    try:
        with open(path, encoding="utf-8-sig") as stream:
            text = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return Layer(name, source, problem="is a dangling link") if os.path.islink(path) else None
    except (OSError, UnicodeDecodeError) as error:
        return Layer(name, source, problem=f"cannot be read ({error})")
    try:
        return _parse_layer(name, source, loads(text))
    except (ValueError, RecursionError) as error:
        return Layer(name, source, problem=f"is broken ({error})")


def _parse_layer(name: str, source: str, data: Any) -> Layer:
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, found {type(data).__name__}")
    _only(data, _KEYS, "")
    if data.get("policy") != 1 or data["policy"] is True:
        raise ValueError(f"'policy' must be 1, not {data.get('policy')!r}")
    reason = data.get("reason", "")
    if not isinstance(reason, str):
        raise ValueError("'reason' must be text")
    allow = _rules(data["allow"], "allow") if "allow" in data else None
    return Layer(name, source, allow, _rules(data.get("deny", []), "deny"), reason)


def _rules(entries: Any, key: str) -> tuple[Rule, ...]:
    if not isinstance(entries, list):
        raise ValueError(f"'{key}' must be a list")
    return tuple(_rule(entry, f"{key}[{number}]") for number, entry in enumerate(entries))


def _rule(entry: Any, where: str) -> Rule:
    digest = ""
    if isinstance(entry, dict):
        _only(entry, _RULE_KEYS, f"{where}.")
        if not all(isinstance(value, str) for value in entry.values()) or "name" not in entry:
            raise ValueError(f"'{where}' needs a 'name', and text in every key")
        digest = entry.get("record_sha256", "").lower()
        if "record_sha256" in entry and not (len(digest) == 64 and _is_hex(digest)):
            raise ValueError(f"'{where}.record_sha256' must be 64 hexadecimal digits")
        if where.startswith("deny") and digest:
            raise ValueError(f"'{where}.record_sha256' works in 'allow' only")
        entry = entry["name"] + entry.get("version", "")
    if not isinstance(entry, str):
        raise ValueError(f"'{where}' must be text or an object")
    from cmcore.specifiers import parse_requirement

    requirement = parse_requirement(entry)
    return Rule(normalize(requirement.name), requirement, digest)


def _only(block: dict[str, Any], known: Sequence[str], where: str) -> None:
    # A misspelt 'alow' would allow everything, so unknown keys are no mere warning here.
    for key in block:
        if key not in known:
            raise ValueError(f"unknown key '{where}{key}'; known: {', '.join(known)}")


def _is_hex(text: str) -> bool:
    return all(char in "0123456789abcdef" for char in text)


def _environment_layer(value: str) -> Layer:
    source = f"environment variable {VARIABLE}={value}"
    try:
        rules = tuple(_rule(w, VARIABLE) for word in value.split(",") if (w := word.strip()))
    except ValueError as error:
        return Layer("environment", source, problem=f"is broken ({error})")
    return Layer("environment", source, allow=rules)


def _denies(rule: Rule, version: str) -> bool:
    # A version that cannot be compared must not slip past a rule about versions.
    from cmcore.specifiers import parse_version

    return rule.requirement.accepts(version) or parse_version(version) is None


def _record_digest(candidate: Candidate) -> str:
    from cmcore.record import record_digest

    return record_digest(candidate.dist_info)
