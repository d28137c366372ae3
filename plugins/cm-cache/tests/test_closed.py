"""Entries that permissions forbid to read are named as such, and nobody's to remove."""

import os
import shutil
import subprocess
import sys

import pytest

from cm_cache import layout

CODE = """
import sys
sys.path[:0] = {path!r}
from conftest import Cache
cache = Cache({home!r})
from cm_cache import lookup
from cmcore.errors import StorageError
served = []
for entry in cache.find("a"):
    try:
        lookup.state(entry, cache.ctx)
        served.append(entry.uid)
    except StorageError as error:
        cache.said.append(str(error))
print("FOUND", served, len(cache.find("a")))
for call in {calls!r}:
    answer = cache.ctx.access({{"automation": "cache", "force": True, **call}})
    print("ANSWER", answer["return"], answer.get("removed"), answer.get("broken"))
got = cache.reserve(cache.ask("a"))
print("GOT", got.uid)
cache.release(got)
print("\\n".join(cache.said))
"""


def without_rights(cache, *calls):
    """What a process without root's rights says of the cache."""
    path = [os.path.dirname(__file__), *sys.path]
    home = os.path.dirname(cache.root)
    code = CODE.format(path=path, home=home, calls=calls)
    argv = [sys.executable, "-c", code]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything here")
        argv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *argv]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


CALLS = (
    {"action": "verify", "repair": True},
    {"action": "prune", "broken": True},
    {"action": "prune", "older_than": "0d"},
    {"action": "gc", "keep_size": "0"},
)


@pytest.mark.parametrize("name", [layout.META, layout.STATE, ""])
def test_closed_entry_is_named_and_stays(cache, name):
    entry = cache.build("a")
    path = os.path.join(entry.path, name)
    mode = os.stat(path).st_mode
    os.chmod(path, 0)
    if name == layout.META:  # which the index knows by heart
        shutil.rmtree(os.path.join(cache.root, layout.INDEX))
    text = without_rights(cache, *CALLS)
    assert "FOUND [] 0" in text
    assert f"cache entry {entry.uid} cannot be read" in text
    assert "Permission denied" in text
    assert f"{entry.uid} is damaged" not in text
    assert f"GOT {entry.uid}" not in text
    assert os.path.isdir(entry.path)
    os.chmod(path, mode)
    cache.restart()
    assert entry.uid in without_rights(cache).splitlines()[0]


def test_known_to_the_index_or_not(cache):
    entry = cache.build("a")
    os.chmod(os.path.join(entry.path, layout.META), 0)
    shutil.rmtree(os.path.join(cache.root, layout.INDEX))
    cache.restart()
    for _ in range(2):
        assert "FOUND []" in without_rights(cache)
    os.chmod(os.path.join(entry.path, layout.META), 0o644)
    assert f"FOUND ['{entry.uid}']" in without_rights(cache)
