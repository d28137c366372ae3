"""What to say when nobody answers a request: the nearest names, and which package would bring it.

Beside the registry because only failing commands need it.
"""

from __future__ import annotations

import re

from cmcore.errors import UsageError
from cmcore.grammar import canonical_action
from cmcore.hints import TYPE_CHECKING
from cmcore.manifest import Broken, load
from cmcore.naming import did_you_mean, suggestion

if TYPE_CHECKING:
    from cmcore.plugin_state import PluginState
    from cmcore.registry import Registry
    from cmcore.types import Automation, Request


def automation(registry: Registry, name: str) -> UsageError:
    """No plugin that may load brings the noun."""
    known = [noun.name for noun in registry.automations()]
    hints = _unusable(registry, name, "")
    if not hints:
        users = {s.provenance for _, s in registry.extensions(name) if s}
        hints = [f"{user} adds actions to it but does not bring it" for user in sorted(users)]
        near = suggestion(did_you_mean(name, known))
        hints += [near] if near else [f"known: {', '.join(known)}", *_package(name)]
    return UsageError(f"no automation '{name}'", hint="; ".join(hints))


def order(registry: Registry, request: Request) -> UsageError | None:
    """The noun came before the verb, as other tools have it; None when that is not so."""
    noun, verb = registry.automation(request.action), canonical_action(request.automation)
    if noun is None or registry.owner(noun.name, verb) is None:
        return None
    from cmcore.spelling import command_line

    turned = request._replace(action=verb, automation=noun.name, console=True)
    try:
        line = command_line(turned)
    except UsageError:
        line = f"cm {verb} {noun.name}"
    # The spelling that was typed, not the verb's own name.
    line = f"cm {request.automation}" + line[len(f"cm {verb}") :]
    return UsageError("the action comes before the automation", hint=f"did you mean '{line}'?")


def action(registry: Registry, noun: Automation, name: str) -> UsageError:
    """The noun is there, but nobody answers the verb."""
    known = [verb.name for verb in registry.actions(noun.name)]
    hints = _unusable(registry, noun.name, name)
    if not hints:
        near = suggestion(did_you_mean(name, known))
        hints = [near] if near else [f"known: {', '.join(known)}"]
        others = [n.name for n in registry.automations() if registry.owner(n.name, name)]
        if others and not near:
            hints.append(f"'{name}' works with {', '.join(others)}")
        elif not near:
            hints += _package(name)
    return UsageError(f"no action '{name}' for automation '{noun.name}'", hint="; ".join(hints))


def flag(name: str, verb: str, noun: str, known: list[str]) -> UsageError:
    """The action does not know the flag."""
    near = suggestion(did_you_mean(name, known))
    hint = near or (f"known: {', '.join('--' + k for k in known)}" if known else "it takes none")
    return UsageError(f"unknown flag '--{name}' of '{verb} {noun}'", hint=hint)


def _package(name: str) -> list[str]:
    """Where a name that resembles nothing known may come from.

    Not said of a name that looks like a typing mistake: nobody should be led to install a package
    by the name of one.
    """
    if not re.fullmatch(r"[a-z][a-z0-9._-]*", name):
        return []
    package = f"cm-plugin-{name.replace('_', '-')}"
    return [f"its plugin would be {package}: see who publishes it, then pip install it"]


def _unusable(registry: Registry, noun: str, verb: str) -> list[str]:
    """Installed plugins that would answer, if they were allowed and well."""
    return [
        str(state.error)
        for state in registry.plugins()
        if state.error is not None and _would_answer(state, noun, verb)
    ]


def _would_answer(state: PluginState, noun: str, verb: str) -> bool:
    offered = state.manifest
    if offered is None and state.state == "denied":
        # Reading what it says about itself is no more than listing it.
        found = load(state.candidate)
        offered = None if isinstance(found, Broken) else found
    if offered is None:
        names = (state.candidate.name, state.candidate.dist.rpartition("-")[2])
        return noun in names and not verb
    if verb:
        return any((a.automation, a.name) == (noun, verb) for a in offered.actions)
    return any(owned.name == noun for owned in offered.automations)
