"""Who brings what: (automation, action) -> owner, known from manifests without importing a plugin.

The core knows no automation by name; its own noun `collection` comes from a manifest as well.
When two plugins claim the same action of the same noun, that one action fails with an error that
names both, and everything else works. The core's own actions cannot be claimed.
"""

from __future__ import annotations

from cmcore import discovery, manifest
from cmcore.errors import CmError, PluginError
from cmcore.hints import TYPE_CHECKING, Mapping, NamedTuple, Sequence
from cmcore.manifest import Manifest
from cmcore.plugin_state import PluginState
from cmcore.policy import Policy
from cmcore.types import Action, Automation

if TYPE_CHECKING:
    from cmcore.paths import Paths


class Owner(NamedTuple):
    """Who answers one action of one noun.

    Attributes:
        automation: the noun.
        action: the verb, with help and flags.
        plugin: whose it is; None for what the core itself brings.
        common: True for an action that every automation with artifacts has.
    """

    automation: Automation
    action: Action
    plugin: PluginState | None = None
    common: bool = False

    @property
    def provenance(self) -> str:
        """`name version` of the distribution that answers."""
        return self.plugin.provenance if self.plugin else manifest.CORE


class Conflict(NamedTuple):
    """Several distributions that claim one thing.

    Attributes:
        kind: `action`, `automation` or `plugin` (a short name).
        name: what is claimed: `run script`, `script`, ...
        owners: `name version` of each distribution.
        message: one sentence that says what it means.
    """

    kind: str
    name: str
    owners: tuple[str, ...]
    message: str


class Registry:
    """What the installed plugins offer together.

    Args:
        states: the plugins, with their manifests read.
        policy: what decided about them.
        core: the core's own manifest.
        common: actions of every automation with artifacts; `cmcore.actions.COMMON` by default.
    """

    def __init__(
        self,
        states: Sequence[PluginState],
        policy: Policy,
        *,
        core: Manifest | None = None,
        common: Mapping[str, Action] | None = None,
    ) -> None:
        self.policy = policy
        self.core = manifest.core_manifest() if core is None else core
        self._states = sorted(states, key=lambda s: (s.candidate.dist, s.candidate.name))
        self._common = common
        self._nouns: dict[str, list[tuple[Automation, PluginState | None]]] = {}
        self._verbs: dict[tuple[str, str], list[tuple[Action, PluginState | None]]] = {}
        self._claim(self.core, None)
        for state in self._states:
            if state.manifest is not None:
                self._claim(state.manifest, state)

    @classmethod
    def build(
        cls,
        paths: Paths | None,
        environ: Mapping[str, str],
        *,
        no_plugins: bool = False,
        search_path: Sequence[str] | None = None,
        policy: Policy | None = None,
    ) -> Registry:
        """Discover, decide, read manifests; imports nothing of any plugin and never fails for one.

        Args:
            paths: whose home may hold the user's policy.
            environ: CM_PLUGINS and CM_DISCOVERY are looked up here.
            no_plugins: the core alone.
            search_path: where packages are installed, instead of `sys.path`.
            policy: instead of the one that files and environment make.
        """
        if policy is None:
            policy = Policy.load(paths, environ, no_plugins=no_plugins)
        places = discovery.search_path(search_path)
        states = []
        for candidate in discovery.scan(places, environ):
            decision = policy.decide(candidate)
            state = PluginState(candidate, decision)
            if decision.allowed:
                state.read(places)
            else:
                state.state = "denied"
                state.error = PluginError(
                    candidate.dist, candidate.version, "policy", decision.reason
                )
            states.append(state)
        return cls(states, policy)

    def plugins(self) -> list[PluginState]:
        """All installed plugins, by distribution name."""
        return list(self._states)

    def with_hook(self, hook: str) -> list[PluginState]:
        """The usable plugins whose manifest lists a hook."""
        return [s for s in self._states if s.usable and s.manifest and hook in s.manifest.hooks]

    def concerned_with(self, automation: str) -> list[PluginState]:
        """The usable plugins that own a noun or bring an action for it."""
        noun = self.automation(automation)
        name = noun.name if noun else automation
        claims = [state for _, state in self._nouns.get(name, [])]
        claims += [state for _, state in self.extensions(name)]
        return [state for state in self._states if state.usable and state in claims]

    def package_folders(self) -> list[tuple[str, str]]:
        """(folder, `distribution version`) of the collections inside plugins' packages."""
        return [
            (folder, state.provenance)
            for state in self._states
            if state.usable and state.manifest
            for folder in state.manifest.collections
        ]

    def commands(self) -> tuple[Action, ...]:
        """The core's own commands, which have no noun."""
        return self.core.commands

    def automations(self) -> list[Automation]:
        """All nouns, by name. Of several claims the first distribution's help counts."""
        return [self._nouns[name][0][0] for name in sorted(self._nouns)]

    def automation(self, name: str) -> Automation | None:
        """The noun of that name: alias, UID, or `alias,UID` (then the UID decides)."""
        if name in self._nouns:
            return self._nouns[name][0][0]
        if "," in name or len(name) == 16:
            from cmcore.naming import parse_name

            alias, uid = parse_name(name)
            for claims in self._nouns.values():
                if uid and claims[0][0].uid == uid:
                    return claims[0][0]
            # A noun without UID of its own is met by its alias.
            if alias in self._nouns and not (uid and self._nouns[alias][0][0].uid):
                return self._nouns[alias][0][0]
        return None

    def actions(self, automation: str) -> list[Action]:
        """All verbs of a noun, by name, with those that the core brings for artifacts."""
        noun = self.automation(automation)
        if noun is None:
            return []
        found: dict[str, Action] = {}
        if noun.artifacts:
            for verb, action in self._common_actions().items():
                found[verb] = action._replace(automation=noun.name)
        for (name, verb), claims in self._verbs.items():
            if name == noun.name:
                found[verb] = claims[0][0]
        return [found[verb] for verb in sorted(found)]

    def owner(self, automation: str, action: str) -> Owner | None:
        """Who answers; None when nobody or more than one would. `resolve` says why."""
        noun = self.automation(automation)
        if noun is None:
            return None
        claims = self._verbs.get((noun.name, action), [])
        if len(claims) == 1 or (claims and claims[0][1] is None):
            return Owner(noun, *claims[0])
        if not claims and noun.artifacts and action in self._common_actions():
            shared = self._common_actions()[action]
            return Owner(noun, shared._replace(automation=noun.name), common=True)
        return None

    def resolve(self, automation: str, action: str) -> Owner:
        """Who answers.

        Raises:
            UsageError: no such automation or action; names the nearest, and what may bring it.
            CmError: two plugins claim it; names both.
        """
        found = self.owner(automation, action)
        if found is not None:
            return found
        noun = self.automation(automation)
        from cmcore import missing

        if noun is None:
            raise missing.automation(self, automation)
        claims = self._verbs.get((noun.name, action), [])
        if not claims:
            raise missing.action(self, noun, action)
        conflict = _conflict("action", f"{action} {noun.name}", claims)
        raise CmError(conflict.message, hint="uninstall one of them, or deny one in a policy")

    def extensions(self, automation: str) -> list[tuple[Action, PluginState | None]]:
        """Claims on actions of a noun, whether or not anyone owns the noun."""
        return [
            c for (noun, _), claims in self._verbs.items() for c in claims if noun == automation
        ]

    def conflicts(self) -> list[Conflict]:
        """Everything that more than one distribution claims."""
        found = [
            _conflict("action", f"{verb} {noun}", claims)
            for (noun, verb), claims in self._verbs.items()
            if len(claims) > 1
        ]
        found += [
            _conflict("automation", noun, claims)
            for noun, claims in self._nouns.items()
            if len(claims) > 1
        ]
        names: dict[str, list[tuple[None, PluginState]]] = {}
        for state in self._states:
            if state.manifest is not None:
                names.setdefault(state.name, []).append((None, state))
        found += [_conflict("plugin", n, claims) for n, claims in names.items() if len(claims) > 1]
        return found

    def warnings(self) -> list[str]:
        """What a person should hear once: policies out of order and plugins out of order."""
        found = self.policy.problems()
        found += [str(s.error) for s in self._states if s.state in ("broken", "failed")]
        return found

    def _claim(self, offered: Manifest, state: PluginState | None) -> None:
        for noun in offered.automations:
            self._nouns.setdefault(noun.name, []).append((noun, state))
        for action in offered.actions:
            self._verbs.setdefault((action.automation, action.name), []).append((action, state))

    def _common_actions(self) -> Mapping[str, Action]:
        if self._common is None:
            from cmcore.actions import COMMON

            self._common = COMMON
        return self._common


def _conflict(
    kind: str, name: str, claims: Sequence[tuple[object, PluginState | None]]
) -> Conflict:
    owners = tuple(s.provenance if s else manifest.CORE for _, s in claims)
    text = f"{kind} '{name}' is claimed by {' and by '.join(owners)}"
    if claims[0][1] is None:
        text += "; the core keeps it"
    elif kind == "automation":
        text += "; actions that only one of them has still work"
    return Conflict(kind, name, owners, text)
