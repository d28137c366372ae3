"""The container package keeps the contract that third parties are held to."""

from __future__ import annotations

from cmcore.testing import PluginContract


class TestDocker(PluginContract):
    """cm-plugin-docker, as installed in the environment of this test run."""

    distribution = "cm-plugin-docker"
