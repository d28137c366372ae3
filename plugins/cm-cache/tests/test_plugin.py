"""The plugin as the core sees it."""

import os
import sys

import pytest

from cmcore.testing import PluginContract
from cmcore.testing.dists import fake_dist
from cmcore.testing.processes import run_cm


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """The package as if pip had installed it, whether or not it did."""
    site = tmp_path / "site"
    fake_dist(site, "cm-plugin-cache", "0.1.0", entry_points={"cache": "cm_cache.plugin"})
    monkeypatch.syspath_prepend(str(site))
    return site


class TestContract(PluginContract):
    distribution = "cm-plugin-cache"


def test_command_line(cache, installed):
    cache.build("get", "tool", payload="7")
    paths = [installed, *(p for p in sys.path if p)]

    def cm(*words):
        return run_cm(*words, home=cache.ctx.paths.home, path=paths)

    found = cm("find", "cache", "get tool", "--out=json")
    assert found.code == 0, found.err
    (item,) = found.json()["list"]
    assert item["version"] == "7"
    assert cm("ls", "cache", "--tags=get").out.strip() == item["path"]
    shown = cm("show", "cache", "--env")
    assert '"PAYLOAD": "7"' in shown.out
    refused = cm("rm", "cache", "--tags=get")
    assert (refused.code, refused.err.count("\n")) == (4, 1)
    assert cm("prune", "cache", "--broken").out.strip() == "nothing to remove"
    assert cm("rm", "cache", "-f").code == 0
    assert cm("rm", "cache", "-f").code == 16
    assert os.listdir(cache.root) == [".index"]
