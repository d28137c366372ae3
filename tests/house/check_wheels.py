"""Each wheel in a folder has what it must have, nothing else, and installs alone.

    python tests/house/check_wheels.py dist

Used by `nox -s build`. The one wheel beside which a plugin may be installed is the core's.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kit import must, run

PACKAGES = {
    "cmcore": "cmcore",
    "cm_plugin_script": "cm_script",
    "cm_plugin_cache": "cm_cache",
    "cm_plugin_docker": "cm_docker",
    "cm_plugin_mlperf": "cm_mlperf",
}
#: Wheels that need others of ours beside the core.
COMPOSED = ("cm_plugin_docker", "cm_plugin_mlperf")


def contents(wheel: Path, package: str) -> None:
    """Check the files of one wheel."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2, f"{wheel.name}: {tops}"
    assert package in tops, f"{wheel.name}: {tops}"
    for needed in ("py.typed", "cm-plugin.json", "__init__.py"):
        assert f"{package}/{needed}" in names, f"{wheel.name} lacks {package}/{needed}"
    assert any(name.endswith("/licenses/LICENSE") for name in names), f"{wheel.name}: no LICENSE"
    assert not [name for name in names if "test" in name.split("/")[-1]], f"{wheel.name}: tests"


def alone(wheel: Path, core: Path, package: str, beside: Sequence[Path] = ()) -> None:
    """Install the wheel with nothing of ours but the core and what it builds on, and use it."""
    with tempfile.TemporaryDirectory() as scratch:
        must(run([sys.executable, "-m", "venv", f"{scratch}/venv"]))
        python = f"{scratch}/venv/bin/python"
        wheels = [core] if wheel == core else [core, *beside, wheel]
        must(run([python, "-m", "pip", "install", "-q", *wheels]))
        environment = {"HOME": scratch, "CM_HOME": f"{scratch}/cm", "PATH": "/usr/bin:/bin"}
        listed = must(run([f"{scratch}/venv/bin/cm", "plugins", "list"], env=environment))
        must(run([python, "-c", f"import {package}"], env=environment))
        if wheel != core:
            name = wheel.name.split("-")[0].replace("_", "-")
            assert name in listed.out, listed.text
            must(run([f"{scratch}/venv/bin/cm", "plugins", "verify"], env=environment))


def main() -> None:
    """Check every wheel of the folder."""
    dist = Path(sys.argv[1])
    found = {wheel.name.split("-")[0]: wheel for wheel in sorted(dist.glob("*.whl"))}
    assert set(found) == set(PACKAGES), f"wheels in {dist}: {sorted(found)}"
    for name, wheel in found.items():
        contents(wheel, PACKAGES[name])
        others = [found[one] for one in ("cm_plugin_script", "cm_plugin_cache")]
        alone(wheel, found["cmcore"], PACKAGES[name], others if name in COMPOSED else ())
        print(f"{wheel.name}: as it should be")


if __name__ == "__main__":
    main()
