"""What a plugin offers, read from `cm-plugin.json` in its package, without importing it.

A manifest that cannot be used is a value (`Broken`), not an exception: it is one plugin's fault
and everything else goes on. Checks are written out by hand, because the messages matter more
than the rules and a schema library would cost more than the whole command.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8

from cmcore.discovery import Candidate, search_path, split_value
from cmcore.errors import PluginError
from cmcore.hints import Any, Mapping, NamedTuple
from cmcore.jsontext import loads
from cmcore.manifest_rules import Checker, Rejected
from cmcore.types import Action, Automation

#: File name of a manifest.
FILE = "cm-plugin.json"

#: The core's own distribution, and the module with the handlers of its nouns.
CORE = "cmcore"
CORE_MODULE = "cmcore.collections_commands"


class Manifest(NamedTuple):
    """A valid manifest.

    Attributes:
        name: short name of the plugin, prefix of its settings.
        dist: distribution name; version: its version.
        path: the manifest file; folder: the package folder that holds it.
        module, attribute: where the hook implementations are, `attribute` often "".
        api: version of the contract it was written for.
        hooks: names of the hooks it implements.
        automations: nouns that it owns.
        actions: verbs that it implements, for its own nouns and for others'; no handlers.
        collections: absolute folders of artifacts inside the package.
        needs: what it needs from the machine: `network`, `root`, `secrets`, `write`.
        commands: the core's own commands; empty for plugins.
        warnings: what was ignored.
    """

    name: str
    dist: str
    version: str
    path: str
    folder: str
    module: str
    attribute: str
    api: str
    summary: str
    hooks: tuple[str, ...]
    automations: tuple[Automation, ...]
    actions: tuple[Action, ...]
    collections: tuple[str, ...]
    needs: Mapping[str, Any]
    commands: tuple[Action, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def provenance(self) -> str:
        """`name version` of the distribution, for messages."""
        return f"{self.dist} {self.version}".strip()


class Broken(NamedTuple):
    """A plugin that cannot be used, and why.

    Attributes:
        candidate: the entry point.
        stage: `discover` or `manifest`.
        cause: one sentence naming file and key.
        hint: what would work.
        path: the manifest, "" when there is none.
    """

    candidate: Candidate
    stage: str
    cause: str
    hint: str = ""
    path: str = ""

    def error(self) -> PluginError:
        """The failure as an exception."""
        found = self.candidate
        return PluginError(
            found.dist, found.version or "(no version)", self.stage, self.cause, hint=self.hint
        )


def load(candidate: Candidate, paths: list[str] | None = None) -> Manifest | Broken:
    """Read and check the manifest of one plugin.

    Args:
        candidate: the entry point that discovery found.
        paths: where packages are imported from; `sys.path` without the current folder by default.
    """
    if candidate.problem:
        return Broken(candidate, "discover", candidate.problem, "reinstall the package")
    module, attribute = split_value(candidate.value)
    path = _find(module, search_path() if paths is None else paths)
    if not path:
        return Broken(
            candidate,
            "manifest",
            f"no {FILE} beside module '{module}'",
            f"a plugin's package must contain {FILE}",
        )
    try:
        return read(path, candidate, module, attribute)
    except Rejected as error:
        return Broken(candidate, "manifest", f"{path}: {error.message}", error.hint, path)


def read(path: str, candidate: Candidate, module: str, attribute: str = "") -> Manifest:
    """Read one manifest file.

    Raises:
        Rejected: it cannot be read or does not keep the rules.
    """
    check = Checker(_read_json(path))
    folder = os.path.dirname(path)
    check.versions()
    name = check.name()
    hooks = check.hooks()
    automations, actions = check.automations(hooks)
    collections = tuple(os.path.join(folder, *p.split("/")) for p in check.collections())
    for place in collections:
        if not os.path.isdir(place):
            raise Rejected(f"'collections' names a folder that is not there: {place}")
    core = candidate.dist == CORE  # the only one that may describe commands without a noun
    commands = check.commands() if core else ()
    return Manifest(
        name=name,
        dist=candidate.dist,
        version=candidate.version,
        path=path,
        folder=folder,
        module=module,
        attribute=attribute,
        api=check.api,
        summary=check.summary(),
        hooks=hooks,
        automations=automations,
        actions=actions,
        collections=collections,
        needs=check.needs(),
        commands=commands,
        warnings=tuple(f"{path}: {text}" for text in check.unknown(core=core)),
    )


def core_manifest() -> Manifest:
    """The core's own nouns and commands, in the shape that plugins have."""
    from cmcore import __version__

    folder = os.path.dirname(os.path.abspath(__file__))
    own = Candidate("core", CORE_MODULE, CORE, __version__, "", os.path.dirname(folder))
    return read(os.path.join(folder, FILE), own, CORE_MODULE)


def _find(module: str, paths: list[str]) -> str:
    """The manifest in the innermost package around `module`; "" when there is none."""
    parts = module.split(".")
    for place in paths:
        if not os.path.isdir(os.path.join(place, parts[0])):
            continue
        found = _find_in(os.path.join(place, parts[0]), parts)
        if found:
            return found
    return _find_by_import_system(parts)


def _find_in(top: str, parts: list[str]) -> str:
    for depth in range(len(parts), 0, -1):
        path = os.path.join(top, *parts[1:depth], FILE)
        if os.path.isfile(path):
            return path
    return ""


def _find_by_import_system(parts: list[str]) -> str:
    """For editable installs whose import hook knows the place; imports nothing."""
    import importlib.util

    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError, AttributeError):
        return ""
    for top in (spec.submodule_search_locations or ()) if spec else ():
        found = _find_in(top, parts)
        if found:
            return found
    return ""


def _read_json(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            # The codec `utf-8-sig` is one more import.
            data: Any = loads(stream.read().removeprefix(BOM_UTF8).decode("utf-8"))
    except OSError as error:
        raise Rejected(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Rejected(f"is not UTF-8 text (byte {error.start})") from None
    except RecursionError:
        raise Rejected("is nested too deeply") from None
    except ValueError as error:
        raise Rejected(f"is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise Rejected(f"must be an object, not {type(data).__name__}")
    return data
