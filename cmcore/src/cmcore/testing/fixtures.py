"""Fixtures for pytest; a `conftest.py` asks for them by `pytest_plugins`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cmcore.context import Context
from cmcore.policy import Policy
from cmcore.registry import Registry
from cmcore.testing.dists import fake_dist as make_dist
from cmcore.testing.dists import fake_plugin as make_plugin
from cmcore.testing.processes import Outcome, run_cm


@pytest.fixture
def cm_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home; CM_* of the caller are gone, pip cannot reach an index, and a test that
    leaves variables or `sys.path` changed fails."""
    for key in [key for key in os.environ if key.startswith("CM_")]:
        monkeypatch.delenv(key)
    home = tmp_path / "cm-home"
    monkeypatch.setenv("CM_HOME", str(home))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    variables, places = dict(os.environ), list(sys.path)
    yield home
    changed = {k for k in variables.keys() | os.environ.keys() if _differs(k, variables)}
    assert not changed - {"PYTEST_CURRENT_TEST"}, f"the test changed {sorted(changed)}"
    assert sys.path == places, "the test changed sys.path"


@pytest.fixture
def cm_site(tmp_path: Path) -> Iterator[Path]:
    """An empty `site-packages`; modules imported from it are forgotten afterwards."""
    site = tmp_path / "site"
    site.mkdir()
    sys.path.insert(0, str(site))
    yield site
    sys.path.remove(str(site))
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        places = [file, *map(str, getattr(module, "__path__", ()))]
        if any(place.startswith(str(site) + os.sep) for place in places):
            del sys.modules[name]
    sys.path_importer_cache.pop(str(site), None)


@pytest.fixture
def fake_dist(cm_site: Path) -> Callable[..., str]:
    """`fake_dist(name, version, entry_points=..., files=...)` into `cm_site`."""
    return functools.partial(make_dist, cm_site)


@pytest.fixture
def fake_plugin(cm_site: Path) -> Callable[..., str]:
    """`fake_plugin(noun, code=..., manifest=...)` into `cm_site`."""
    return functools.partial(make_plugin, cm_site)


@pytest.fixture
def cm_context(cm_home: Path, cm_site: Path) -> Callable[..., Context]:
    """`cm_context()`: services that see the plugins of `cm_site` and no others.

    Keyword arguments: `environ` (more variables) and `policy`.
    """

    def make(environ: dict[str, str] | None = None, policy: Policy | None = None) -> Context:
        variables = {**os.environ, **(environ or {})}
        ctx = Context(environ=variables)
        search_path = [str(cm_site)]
        found = Registry.build(ctx.paths, variables, search_path=search_path, policy=policy)
        return Context(environ=variables, registry=found)

    return make


@pytest.fixture
def cm_cli(cm_home: Path, cm_site: Path) -> Callable[..., Outcome]:
    """`cm_cli("find", "script")` -> (out, err, code): `cm` in a process that sees `cm_site`."""

    def run(*words: str, **options: Any) -> Outcome:
        return run_cm(*words, home=cm_home, path=[cm_site], **options)

    return run


def _differs(key: str, before: dict[str, str]) -> bool:
    return before.get(key) != os.environ.get(key)
