"""Whether a plugin is what its manifest says, found out by importing it."""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING
from cmcore.manifest_rules import ACTION_HOOKS

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.manager import Manager
    from cmcore.manifest import Manifest
    from cmcore.plugin_state import PluginState


def faults(ctx: Context, state: PluginState) -> list[str]:
    """What is wrong with one plugin, one sentence each; [] when it is well."""
    found = _changed_files(state)
    if state.manifest is None:
        return [*found, state.cause or "it has no manifest"]
    try:
        ctx.manager.load(state)
    except CmError as error:
        return [*found, str(error)]
    found += _hooks(state, state.manifest)
    try:
        found += _actions(ctx.manager, state, state.manifest)
        found += _nouns(ctx.manager, state, state.manifest)
    except CmError as error:
        found.append(str(error))
    return [*found, *state.manifest.warnings]


def _changed_files(state: PluginState) -> list[str]:
    from cmcore.record import check_files

    dist_info = state.candidate.dist_info
    # Old editable installs and system packages come without RECORD: nothing to compare with.
    return check_files(dist_info) if os.path.exists(os.path.join(dist_info, "RECORD")) else []


def _hooks(state: PluginState, offered: Manifest) -> list[str]:
    real = set(state.hooks)
    listed = set(offered.hooks)
    found = [f"the manifest lists {h}, the module does not implement it" for h in listed - real]
    found += [f"the module implements {h}, the manifest does not list it" for h in real - listed]
    return sorted(found)


def _actions(manager: Manager, state: PluginState, offered: Manifest) -> list[str]:
    if "cm_actions" not in offered.hooks:
        return []
    listed = {(a.name, a.automation) for a in offered.actions if a.name not in ACTION_HOOKS}
    records = manager.actions(state)
    real = {(a.name, a.automation) for a in records}
    found = [f"cm_actions does not give '{v} {n}' of the manifest" for v, n in listed - real]
    found += [
        f"cm_actions gives '{v} {n}', the manifest does not list it" for v, n in real - listed
    ]
    found += [f"action '{a.name} {a.automation}' has no handler" for a in records if not a.handler]
    return sorted(found)


def _nouns(manager: Manager, state: PluginState, offered: Manifest) -> list[str]:
    if "cm_automations" not in offered.hooks:
        return []
    listed = {noun.name for noun in offered.automations}
    real = {noun.name for noun in manager.nouns(state)}
    found = [f"cm_automations does not give '{n}' of the manifest" for n in listed - real]
    found += [f"cm_automations gives '{n}', the manifest does not list it" for n in real - listed]
    return sorted(found)
