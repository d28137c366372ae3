"""Runs `cm` and counts what it does: `probe.py REPORT PYTHON-FOLDER... -- WORD ...`.

Only counts, which are the same on a busy machine. Everything is seen from inside the process:
audit events for files, folders and processes, SQLite's own trace for statements. Files below the
named folders are those of the Python environment; which of them are read depends on what else is
installed there.
"""

import sys

_REPORT = sys.argv[1]
_SPLIT = sys.argv.index("--")
_ENVIRONMENT = tuple(sys.argv[2:_SPLIT])
_STARTS = {"os.posix_spawn", "os.fork", "os.forkpty", "subprocess.Popen", "os.system"}
_counts = {"files": [], "folders": [], "processes": [], "statements": []}


def _seen(event, args):
    if event == "open" and isinstance(args[0], str):
        if not args[0].startswith(_ENVIRONMENT):
            _counts["files"].append(args[0])
    elif event in ("os.listdir", "os.scandir"):
        if not str(args[0]).startswith(_ENVIRONMENT):
            _counts["folders"].append(str(args[0]))
    elif event in _STARTS:
        _counts["processes"].append(f"{event} {args[0]} {args[1] if len(args) > 1 else ''}")


class _Tracing:
    """Lets the C module behind `sqlite3` load as always, then makes its connections tell."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "_sqlite3":
            return None
        sys.meta_path.remove(cls)
        import _sqlite3

        plain = _sqlite3.connect

        def connect(*args, **kwargs):
            made = plain(*args, **kwargs)
            made.set_trace_callback(_counts["statements"].append)
            return made

        _sqlite3.connect = connect
        # The import under way takes what we give it only while the module is not there yet.
        cls.module = sys.modules.pop(name)
        return type(sys.__spec__)(name, cls)

    @classmethod
    def create_module(cls, spec):
        return cls.module

    @staticmethod
    def exec_module(module):
        pass


def _kind(name):
    top = name.partition(".")[0]
    if top in ("cmcore", "cm_script", "cm_cache"):
        return "ours"
    # What an editable installation adds is none of the command's business.
    return "stdlib" if top in sys.stdlib_module_names or "editable" in top else "library"


before = set(sys.modules)
sys.meta_path.insert(0, _Tracing)
sys.addaudithook(_seen)
sys.argv[1:] = sys.argv[_SPLIT + 1 :]
from cmcore.__main__ import main  # noqa: E402 - what is counted begins here

try:
    code = main()
except SystemExit as error:
    code = error.code
modules = sorted(set(sys.modules) - before)
found = {key: list(value) for key, value in _counts.items()}
for kind in ("ours", "library", "stdlib"):
    found[kind] = [name for name in modules if _kind(name) == kind]

import json  # noqa: E402 - after the count

with open(_REPORT, "w") as file:
    json.dump({"code": code or 0, "counts": found}, file)
