"""The two published recipe packages that the suites read, kept outside the checkout.

They are test data of other projects: downloaded by version and hash, unpacked, never imported,
never committed. `CM_TEST_CORPUS_CM` and `CM_TEST_CORPUS_MLC` name folders to use instead.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Pin(NamedTuple):
    """One published package: what pip fetches, what must come, what it holds."""

    variable: str
    requirement: str
    wheel: str
    sha256: str
    folder: str
    meta: str


CM = Pin(
    "CM_TEST_CORPUS_CM",
    "cmx4mlops==1.0.1",
    "cmx4mlops-1.0.1-py3-none-any.whl",
    "196838685cb5226070b1f31138b3bbb3626fe1db759b1219906bc57f26ffd7a6",
    "cmx4mlops",
    "cmr.yaml",
)
MLC = Pin(
    "CM_TEST_CORPUS_MLC",
    "mlc-scripts==1.2.0a8",
    "mlc_scripts-1.2.0a8-py3-none-any.whl",
    "492021b0dddbe69ec4793a3628cd28246db9fc1185564761ac4005f4238691a7",
    "mlc_scripts",
    "meta.yaml",
)


class CorpusError(RuntimeError):
    """A corpus is not there and could not be fetched; the message says what would help."""


def cm_root() -> Path:
    """Folder with `cmr.yaml` of cmx4mlops: about 300 recipes in the CM dialect under `repo/`."""
    return _root(CM)


def mlc_root() -> Path:
    """Folder with `meta.yaml` of mlc-scripts: about 490 recipes in the MLCFlow dialect."""
    return _root(MLC)


def cache_folder() -> Path:
    """Where downloads are kept between sessions."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "cmcore-tests"


@cache
def _root(pin: Pin) -> Path:
    given = os.environ.get(pin.variable)
    if given:
        root = Path(given)
        if not (root / pin.meta).is_file():
            raise CorpusError(f"{pin.variable}={given} holds no {pin.meta}")
        return root
    # The hash is part of the name: another pin never meets an older unpacked copy.
    target = cache_folder() / f"{pin.wheel.removesuffix('.whl')}-{pin.sha256[:12]}"
    if not (target / pin.folder / pin.meta).is_file():
        _fetch(pin, target)
    return target / pin.folder


def _fetch(pin: Pin, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
        wheel = _download(pin, scratch)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest != pin.sha256:
            raise CorpusError(f"{pin.wheel} has SHA-256 {digest}, expected {pin.sha256}")
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
        # mkdtemp made the parent private; recipes are also read by less privileged users.
        unpacked.chmod(0o755)
        try:
            unpacked.rename(target)
        except OSError:
            if not (target / pin.folder / pin.meta).is_file():
                shutil.rmtree(target, ignore_errors=True)
                unpacked.rename(target)


def _download(pin: Pin, folder: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", folder]
    done = subprocess.run([*command, pin.requirement], capture_output=True, text=True, check=False)
    wheel = Path(folder) / pin.wheel
    if done.returncode or not wheel.is_file():
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise CorpusError(
            f"these tests read the recipes of {pin.requirement}, and pip could not download them: "
            f"{last}; unpack that wheel yourself and set {pin.variable} to the folder "
            f"that holds {pin.meta}"
        )
    return wheel


if __name__ == "__main__":
    print(cm_root(), mlc_root(), sep="\n")
