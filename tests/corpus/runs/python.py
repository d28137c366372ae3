"""Python: packages, environments, programs."""

from __future__ import annotations

from runs import Run

RUNS = (
    Run("get-generic-python-lib", "get,generic-python-lib,_package.tinysum", cached=True),
    Run("get-generic-python-lib+numpy", "get,generic-python-lib,_numpy", cached=True),
    Run(
        "get-generic-python-lib+version",
        "get,generic-python-lib,_package.tqdm",
        ("--version_min=4.0",),
        cached=True,
    ),
    Run(
        "get-generic-python-lib+setuptools",
        "get,generic-python-lib,_package.setuptools",
        ("--version_min=70.1",),
        cached=True,
    ),
    Run("get-generic-python-lib+wheel", "get,generic-python-lib,_package.wheel", cached=True),
    Run("get-generic-python-lib+cmind", "get,generic-python-lib,_package.cmind", only="cm"),
    Run("get-generic-python-lib+psutil", "get,generic-python-lib,_psutil", cached=True),
    Run("get-generic-python-lib+requests", "get,generic-python-lib,_requests", cached=True),
    Run("get-generic-python-lib+onnxruntime", "get,generic-python-lib,_onnxruntime", cached=True),
    Run("set-venv", "set,venv", ("--env.{p}_NAME=there",), files=("there/bin/activate",)),
    Run("dump-pip-freeze", "dump,pip,freeze"),
    Run("run-python", "run,python", ("--command={files}/print.py",), says=("forty two",)),
    Run("upgrade-python-pip", "upgrade,python,pip"),
    Run("print-python-version", "print,python,version", says=("Python 3",), only="cm"),
    Run(
        "print-hello-world-py",
        "print,hello-world,python",
        says=("HELLO WORLD",),
        only="cm",
        after=("get-generic-python-lib+cmind",),
    ),
    Run("draw-graph-from-json-data", "draw,graph,from-json", ("--input={files}/deps.json",)),
    Run(
        "process-ae-users",
        "process,ae,users",
        ("--file={files}/users.csv",),
        only="cm",
        after=("get-generic-python-lib+cmind",),
    ),
    Run("copy-to-clipboard", "copy,to,clipboard", ("--text=here",)),
)
