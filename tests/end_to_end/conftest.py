"""Third-party packages, built once per session as wheels and put on the loopback index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit import Index, Installed, Machine, build_wheel

SOURCES = Path(__file__).with_name("packages")


@pytest.fixture(scope="session")
def third_party(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """Names of the third-party distributions, all of them served by the index."""
    names = sorted(path.name for path in SOURCES.iterdir() if (path / "pyproject.toml").is_file())
    for name in names:
        build_wheel(SOURCES / name, index.folder)
    return names


@pytest.fixture
def installed(workshop: Machine, third_party: Sequence[str]) -> Installed:
    """Install third-party packages with pip, and uninstall them whatever happens."""

    @contextmanager
    def lasting(*distributions: str) -> Iterator[None]:
        assert set(distributions) <= set(third_party)
        workshop.install(*distributions)
        try:
            yield
        finally:
            workshop.uninstall(*distributions)

    return lasting
