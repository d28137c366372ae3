"""Import one plugin: the policy decided, and what is imported is what was decided about."""

from __future__ import annotations

import os
import sys

from cmcore.errors import CmError, PluginError
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from cmcore.manifest import Manifest
    from cmcore.plugin_state import PluginState


def import_plugin(state: PluginState) -> object:
    """The plugin's module, or the attribute of it that the entry point names.

    Raises:
        PluginError: its files are not the pinned ones, another package hides it, or the import
            fails; the exception behind it is the cause.
    """
    offered = state.manifest
    if offered is None:
        raise _error(state, "manifest", "it has no manifest")
    if not state.decision.allowed:
        raise _error(state, "policy", state.decision.reason)
    if state.decision.pinned:
        from cmcore.record import check_files

        faults = check_files(state.candidate.dist_info)
        if faults:
            raise _error(state, "policy", f"its RECORD is pinned, but {faults[0]}")
    hidden_by = _hidden_by(offered)
    if hidden_by:
        cause = f"package '{offered.module.partition('.')[0]}' is hidden by {hidden_by}"
        raise _error(state, "load", cause)
    try:
        __import__(offered.module)  # `importlib` would be one more import
        plugin: object = sys.modules[offered.module]
        for name in offered.attribute.split(".") if offered.attribute else ():
            plugin = getattr(plugin, name)
        return plugin
    except CmError as error:
        raise _error(state, "load", str(error)) from error
    # A module may do anything while it is imported, also end the process.
    except (Exception, SystemExit) as error:
        raise _error(state, "load", error) from error


def _hidden_by(offered: Manifest) -> str:
    """Another package of the same name that would be imported instead; "" when there is none."""
    top = offered.module.partition(".")[0]
    spec = _spec(top)
    if spec is None:
        return ""  # the import says it better
    places = list(spec.submodule_search_locations or ())
    folder = os.path.join(os.path.realpath(offered.folder), "")
    for place in places:
        if folder.startswith(os.path.join(os.path.realpath(place), "")):
            return ""
    return str(spec.origin or (places[0] if places else "a built-in module"))


def _spec(name: str) -> ModuleSpec | None:
    """What `importlib.util.find_spec` says of a top-level name, without three more imports."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded.__spec__
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        found: ModuleSpec | None = find(name, None, None) if find else None
        if found is not None:
            return found
    return None


def _error(state: PluginState, stage: str, cause: str | BaseException) -> PluginError:
    return PluginError(state.candidate.dist, state.candidate.version, stage, cause)
