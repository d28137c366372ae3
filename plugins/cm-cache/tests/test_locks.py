"""A file system where locks do not work: refused with a clear word, nothing left behind."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

from cm_cache import schema
from cm_cache.shelf import Shelf

#: Makes all locks fail as a network file system without a lock service does.
SHIM = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int flock(int handle, int how) { errno = ERROR; return -1; }

static int without(int handle, int command, long more) {
  if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) {
    errno = ERROR;
    return -1;
  }
  return syscall(SYS_fcntl, handle, command, more);
}

int fcntl(int handle, int command, ...) {
  va_list rest;
  va_start(rest, command);
  long more = va_arg(rest, long);
  va_end(rest);
  return without(handle, command, more);
}

int fcntl64(int handle, int command, ...) {
  va_list rest;
  va_start(rest, command);
  long more = va_arg(rest, long);
  va_end(rest);
  return without(handle, command, more);
}
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
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 2  # without its index, and not at all
    assert "the file system does not support locks" in done.stderr
    assert "local disk" in done.stderr
    cache = tmp_path / "home" / "cache"
    left = [name for name in os.listdir(cache) if name != ".index"] if cache.exists() else []
    assert left == []
    assert reserve(tmp_path / "home", how).stdout == "reserved\n"


LOOK = """
import sys
sys.path[:0] = {path!r}
from conftest import Cache
from cm_cache import lookup
cache = Cache({home!r})
(entry,) = cache.find("a")
print(lookup.state(entry, cache.ctx)["new_env"])
for action in ("find", "show", "verify"):
    print(len(cache.ctx.access({{"action": action, "automation": "cache"}})["list"]))
answer = cache.ctx.access({{"action": "rm", "automation": "cache", "force": True}})
print(answer["return"], "|".join(cache.said))
"""


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "ENOTSUP"])
def test_what_is_there_is_served_without_locks_and_nothing_goes(cache, shim, error):
    entry = cache.build("a")
    path = [os.path.dirname(__file__), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(path=path, home=os.path.dirname(cache.root))],
        env={**os.environ, "LD_PRELOAD": str(shim(error))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "{'PAYLOAD': '1'}"
    assert lines[1:4] == ["1", "1", "1"]
    assert lines[4].startswith("1 ")
    assert "the cache works without its index, only slower" in done.stdout
    assert os.path.isdir(entry.path)
    if error == "ENOLCK":
        assert "the file system does not support locks" in done.stdout


def test_a_busy_index_is_waited_for(cache, monkeypatch):
    entry = cache.build("a")
    cache.restart()
    monkeypatch.setattr(schema, "patience", 0.1)
    path = schema.index_path(cache.root, schema.generation(cache.root))
    other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(1.0, other.rollback)
    timer.start()
    assert Shelf(cache.ctx).put(entry.uid).uid == entry.uid
    timer.join()
    other.close()
    assert schema.patience == schema.PATIENCE
    assert cache.said == []
