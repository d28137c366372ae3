"""What a command may import. Counts are the same on a busy machine, times are not."""

import json
import os
import subprocess
import sys

import pytest

PROBE = """
import sys
before = set(sys.modules)
from cmcore.__main__ import main
sys.stdout = open(sys.argv.pop(1), "w")
main()
added = set(sys.modules) - before
total = len(sys.modules)
import json, sysconfig
places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
third = {
    name.partition(".")[0]
    for name in added
    if any((getattr(sys.modules[name], "__file__", None) or "").startswith(p) for p in places)
}
print(json.dumps([total, sorted(added), sorted(third)]), file=sys.stderr)
"""


#: Modules that help and a search may add, beside those of the standard library. How that one is
#: put together differs from version to version, so what matters of it is named below.
HELP, SEARCH = 37, 38


def own(names):
    """Without the standard library."""
    return sorted(n for n in names if n.partition(".")[0] not in sys.stdlib_module_names)


@pytest.fixture
def modules(environ, tmp_path, plugin):
    """Run `cm` and say which modules it added, and which third-party packages among them."""
    environ.pop("CM_PLUGINS")  # a policy costs a module of its own

    def probe(*words):
        done = subprocess.run(
            [sys.executable, "-c", PROBE, os.devnull, *words],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        _, added, third = json.loads(done.stderr.splitlines()[-1])
        # Our own package counts as third party when it is installed rather than run from sources.
        return set(added), set(third) - {"cmcore"}

    return probe


def test_version_imports_next_to_nothing(modules):
    added, third = modules("--version")
    assert added == {"__future__", "cmcore", "cmcore.__main__"}
    assert third == set()


@pytest.mark.parametrize(
    "line", ["--help", "help", "run --help", "notebook --help", "run notebook --help"]
)
def test_help_imports_no_library_and_no_plugin(modules, line):
    added, third = modules(*line.split())
    assert len(own(added)) <= HELP, own(added)
    heavy = {"tempfile", "shutil", "logging", "dataclasses", "pathlib", "_sqlite3"}
    assert added & heavy == set()
    assert third == set()
    assert not {name for name in added if name.startswith("cm_")}


@pytest.mark.parametrize("line", ["find notebook --tags=a,b", "find notebook x", "print-input a b"])
def test_a_search_imports_no_library_and_no_plugin(modules, line):
    modules(*line.split())  # writes what a first run has to write
    added, third = modules(*line.split())
    assert third == set()
    heavy = {"click", "pluggy", "yaml", "dataclasses", "filelock", "platformdirs", "subprocess"}
    heavy |= {
        "logging",
        "pathlib",
        "importlib.metadata",
        "inspect",
        "tempfile",
        "shutil",
        "typing",
        "datetime",
        "threading",
    }
    assert added & heavy == set()
    assert len(own(added)) <= SEARCH, own(added)
    assert not {name for name in added if name.startswith("cm_")}
