"""A file system where locks do not work: refused with a clear word, nothing left behind."""

import os
import shutil
import subprocess
import sys

import pytest

#: Makes flock fail as a network file system without a lock service does.
SHIM = """
#include <errno.h>
int flock(int handle, int how) { errno = ERROR; return -1; }
"""

RUN = """
import sys
from cm_cache import building
from cmcore.console import Console
from cmcore.context import Context
from cmcore.errors import CmError
from cmcore.paths import Paths
from cmcore.types import CacheRequest
ctx = Context(paths=Paths(sys.argv[1]), console=Console(interactive=False))
ask = CacheRequest("00000000000000aa", "thing", "cm", ("a",), (), ("a",), {"n": 1})
try:
    building.reserve(ctx, ask, fresh=sys.argv[2] == "fresh")
except CmError as error:
    sys.exit(f"{error.message} | {error.hint}")
print("reserved")
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """By errno: a library to preload."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")

    def make(error):
        folder = tmp_path_factory.mktemp("shim")
        (folder / "shim.c").write_text(SHIM.replace("ERROR", error))
        library = folder / "shim.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "shim.c"], check=True)
        return library

    return make


def reserve(home, how, preload=""):
    paths = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-c", RUN, str(home), how],
        env={**os.environ, "PYTHONPATH": paths, "LD_PRELOAD": str(preload)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "ENOTSUP"])
@pytest.mark.parametrize("how", ["shared", "fresh"])
def test_file_system_without_locks_is_refused(shim, tmp_path, error, how):
    done = reserve(tmp_path / "home", how, shim(error))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the file system does not support locks" in done.stderr
    assert "local disk" in done.stderr
    cache = tmp_path / "home" / "cache"
    left = [name for name in os.listdir(cache) if name != ".index"] if cache.exists() else []
    assert left == []
    assert reserve(tmp_path / "home", how).stdout == "reserved\n"
