"""For plugin authors: make small plugins on disk, check that a plugin keeps the contract.

Nothing is active by itself. In a `conftest.py`::

    pytest_plugins = ["cmcore.testing.fixtures"]

and for the checks that every plugin should pass::

    from cmcore.testing import PluginContract

    class TestContract(PluginContract):
        distribution = "cm-plugin-notebook"
"""

from __future__ import annotations

from cmcore.testing.contract import PluginContract
from cmcore.testing.dists import fake_dist, fake_plugin
from cmcore.testing.processes import Outcome, imported_modules, run_cm

__all__ = [
    "Outcome",
    "PluginContract",
    "fake_dist",
    "fake_plugin",
    "imported_modules",
    "run_cm",
]
