"""Everything a developer or CI runs, each in an environment of its own.

`nox` alone runs what must pass before a change lands: lint, types, tests, containers, mlperf;
`nox -l` lists the rest. Needs Python and pip only; nothing is installed outside `.nox/`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "tests", "containers", "mlperf"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).resolve().parent
PACKAGES = ("cmcore", "plugins/cm-script", "plugins/cm-cache")
#: What needs large libraries to run; checks that only read the code do without those.
LARGE = ("plugins/cm-docker", "plugins/cm-mlperf")
GROUPS = nox.project.load_toml("pyproject.toml")


def packages(names: Sequence[str] = PACKAGES) -> list[str]:
    """Arguments for pip: our packages, editable, so that a change needs no new install."""
    return [word for package in names for word in ("-e", f"./{package}")]


def group(name: str) -> list[str]:
    """Requirements of one `[dependency-groups]` entry of pyproject.toml."""
    return list(nox.project.dependency_groups(GROUPS, name))


def sources() -> list[str]:
    """The typed source trees."""
    folders = [ROOT / package / "src" for package in PACKAGES + LARGE]
    return [str(path) for folder in folders for path in sorted(folder.iterdir())]


@nox.session
def tests(session: nox.Session) -> None:
    """All suites but containers and MLPerf; arguments after `--` go to pytest."""
    session.install(*group("test"), *packages())
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def mlperf(session: nox.Session) -> None:
    """The suite of the MLPerf package, with LoadGen and the libraries that it measures with."""
    own = "./plugins/cm-mlperf[detection,images,network]"
    session.install(*group("test"), *packages(), "-e", own)
    session.run("python", "-m", "pytest", *(session.posargs or ["plugins/cm-mlperf/tests"]))


@nox.session(name="mlperf-pytorch")
def mlperf_pytorch(session: nox.Session) -> None:
    """The tests of the PyTorch back end, which needs some gigabytes of libraries."""
    own = "./plugins/cm-mlperf[pytorch]"
    session.install(*group("test"), *packages(), "-e", own)
    suite = ["plugins/cm-mlperf/tests/harness/test_harness_models.py", "-k", "pytorch"]
    session.run("python", "-m", "pytest", *(session.posargs or suite))


@nox.session
def containers(session: nox.Session) -> None:
    """The suite of the container package, with real engines where the machine can run them."""
    session.install(*group("test"), *packages(), *packages(["plugins/cm-docker"]))
    session.run("python", "-m", "pytest", *(session.posargs or ["plugins/cm-docker/tests"]))


@nox.session(name="containers-all")
def containers_all(session: nox.Session) -> None:
    """The same with every recipe of the comparison, and MLPerf's main job (half an hour)."""
    session.install(*group("test"), *packages(), *packages(["plugins/cm-docker"]))
    session.env["CMCORE_TEST_CONTAINERS"] = "all"
    suite = "plugins/cm-docker/tests/real"
    session.run("python", "-m", "pytest", *(session.posargs or [suite]))


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def units(session: nox.Session) -> None:
    """Unit suites of the packages on every supported Python that this machine has."""
    session.install(*group("test"), *packages())
    suites = [f"{package}/tests" for package in PACKAGES if (ROOT / package / "tests").is_dir()]
    session.run("python", "-m", "pytest", *(session.posargs or suites))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting and who may import whom."""
    session.install(*group("lint"), *packages())
    session.install("--no-deps", *packages(LARGE))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict on the source trees."""
    session.install(*group("types"), *packages())
    session.install("--no-deps", *packages(LARGE))
    session.run("mypy", *sources())


@nox.session
def build(session: nox.Session) -> None:
    """Wheel and sdist of each package in dist/, contents checked, each installed alone."""
    session.install(*group("build"))
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for package in PACKAGES + LARGE:
        session.run("python", "-m", "build", "--outdir", str(dist), f"./{package}")
    session.run("python", "tests/house/check_wheels.py", str(dist))


@nox.session
def reference(session: nox.Session) -> None:
    """The same recipes here, in cmind and in mlcflow; every difference is shown (network)."""
    session.install(*group("test"), *packages())
    session.run("python", "tests/corpus/compare_reference.py", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """Published recipes loaded, linted, planned here and in the reference engines (long)."""
    session.install(*group("test"), *packages())
    session.run("python", "tests/golden/conformance.py", *session.posargs)


@nox.session
def runs(session: nox.Session) -> None:
    """Some 200 published recipes really run; what they leave is compared with what is recorded."""
    session.install(*group("test"), *packages())
    session.env["CMCORE_TEST_RUNS"] = "1"
    session.run("python", "-m", "pytest", "tests/corpus/test_runs.py", *session.posargs)


@nox.session(name="reference-runs")
def reference_runs(session: nox.Session) -> None:
    """Published recipes run in the reference engines and here; differences, or a new record."""
    session.install(*group("test"), *[f"./{package}" for package in PACKAGES])
    session.run("python", "tests/corpus/record_runs.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Everything beside cmind, mlcflow, cmeta and the floor; writes docs/reference/speed.*."""
    # click is part of the floor that is measured against.
    session.install(*group("test"), "click", *[f"./{package}" for package in PACKAGES])
    session.run("python", "benchmarks/bench.py", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """1,000 random kills and 200 races on a cache, every kind of damage; the report is written."""
    session.install(*group("test"), *[f"./{package}" for package in PACKAGES])
    page = ROOT / "docs/reference/faults.md"
    size = session.posargs or ["--kills=1000", "--rounds=200", "--jobs=2", "--damage"]
    session.run("python", "tests/faults/cache_storm.py", f"--report={page}", *size)


@nox.session
def mlperf_submission(session: nox.Session) -> None:
    """Three MLPerf runs of ten minutes, a tree, the official checker: `-- --inference_src=PATH`."""
    session.install(*packages(PACKAGES + LARGE))
    page = ROOT / "docs/reference/mlperf-submission.md"
    work = Path(session.create_tmp()).resolve()
    words = ["--work", str(work), "--report", str(page), *session.posargs]
    session.run("python", "benchmarks/mlperf_submission.py", *words)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages of docs/reference anew."""
    session.install(*packages((*PACKAGES, "plugins/cm-docker")))
    session.run("python", "docs/generate_hooks.py")
    session.run("python", "docs/generate_recipes_run.py")
    session.run("python", "docs/generate_container_settings.py")


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """What the README shows first: install from this checkout and run published recipes."""
    session.run("sh", "./demo", env={"PYTHON": os.environ.get("PYTHON", sys.executable)})
