"""What every plugin must keep to, as tests that an author inherits."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, ClassVar

from cmcore.discovery import normalize

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.manifest import Manifest
    from cmcore.plugin_state import PluginState

_SHORT_FORMS = {"cmr": ["run", "script"], "cmrd": ["docker", "script"]}


class PluginContract:
    """Subclass it as `TestContract`, set `distribution`, and the tests below are yours.

    Attributes:
        distribution: name of the plugin's distribution, which must be installed.
        heavy_modules: what importing the entry module must not import.
    """

    distribution: ClassVar[str] = ""
    heavy_modules: ClassVar[tuple[str, ...]] = (
        "yaml",
        "click",
        "filelock",
        "platformdirs",
        "numpy",
    )

    def plugin_states(self) -> list[PluginState]:
        """The installed plugins of the distribution."""
        found = [
            state
            for state in self.plugin_context().registry.plugins()
            if state.candidate.dist == normalize(self.distribution)
        ]
        assert found, f"{self.distribution or 'distribution (not set)'} is not installed"
        return found

    def plugin_context(self) -> Context:
        """Services without any policy of the machine that runs the tests."""
        from cmcore.context import Context
        from cmcore.policy import Policy
        from cmcore.registry import Registry

        return Context(registry=Registry.build(None, {}, policy=Policy()))

    def manifests(self) -> list[Manifest]:
        """Their manifests, all of them valid."""
        states = self.plugin_states()
        assert not [str(state.error) for state in states if state.error]
        return [state.manifest for state in states if state.manifest]

    def test_manifest_is_valid_and_without_unknown_keys(self) -> None:
        assert not [text for found in self.manifests() for text in found.warnings]

    def test_manifest_says_what_the_code_does(self) -> None:
        from cmcore.verification import faults

        ctx = self.plugin_context()
        states = [s for s in ctx.registry.plugins() if s.candidate.dist == self._dist()]
        assert not [text for state in states for text in faults(ctx, state)]

    def test_nobody_else_claims_the_same(self) -> None:
        mine = {state.provenance for state in self.plugin_states()}
        conflicts = self.plugin_context().registry.conflicts()
        assert not [c.message for c in conflicts if mine & set(c.owners)]

    def test_examples_are_command_lines_for_their_action(self) -> None:
        from shlex import split

        from cmcore.grammar import parse

        for found in self.manifests():
            for action in found.actions:
                for example in action.examples:
                    program, *words = split(example)
                    words = _SHORT_FORMS.get(program, []) + words
                    request = parse(words, read_file=lambda path: {}).request
                    assert (request.action, request.automation) == action[:2], example

    def test_entry_module_is_thin(self) -> None:
        for found in self.manifests():
            heavy = self._imported_by(found.module) & set(self.heavy_modules)
            assert not heavy, f"importing {found.module} imports {', '.join(sorted(heavy))}"

    def test_other_plugins_are_not_imported(self) -> None:
        states = self.plugin_context().registry.plugins()
        others = {
            state.manifest.module.partition(".")[0]
            for state in states
            if state.manifest and state.candidate.dist != self._dist()
        }
        for found in self.manifests():
            own = found.module.partition(".")[0]
            assert not (self._imported_by(found.module) & others) - {own}

    def test_settings_carry_the_plugin_s_name(self) -> None:
        ctx = self.plugin_context()
        for state in ctx.registry.with_hook("cm_settings"):
            if state.candidate.dist == self._dist():
                for setting in ctx.manager.settings_of(state):
                    assert setting.name.startswith(f"{state.name}."), setting.name
                    assert setting.help

    def _dist(self) -> str:
        return normalize(self.distribution)

    def _imported_by(self, module: str) -> set[str]:
        """Top-level names that importing the entry module brings, beyond cmcore and pluggy."""
        import subprocess

        code = (
            "import sys, json, pluggy, cmcore.hookspecs, importlib\n"
            f"sys.path[:] = {sys.path!r}\n"
            "before = set(sys.modules)\n"
            f"importlib.import_module({module!r})\n"
            "print(json.dumps(sorted({m.partition('.')[0] for m in set(sys.modules) - before})))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return set(json.loads(done.stdout.splitlines()[-1]))
