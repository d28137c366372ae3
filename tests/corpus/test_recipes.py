"""Published recipes, both dialects, in one home: the answers are the reference engines'.

`expected.json` has what cmind and mlcflow answered to the same requests; `nox -s reference` makes
it again and compares every value on the machine at hand.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import world as worlds
from cases import DIALECTS, Case
from compare_reference import EXPECTED, differences, our_places
from kit import Machine, User, must, run

ALL = [(name, case) for name, cases in DIALECTS.items() for case in cases]
CACHED = [(name, case) for name, case in ALL if case.cached]
PREFIX = {"cm": "CM", "mlc": "MLC"}
NEEDED = {
    "get-gcc": "gcc",
    "compile-program": "gcc",
    "benchmark-program": "gcc",
    "get-cmake": "cmake",
    "get-git-repo": "git",
    "download-file": "wget",
    "download-file-cached": "curl",
}


def label(value: str | Case) -> str:
    """Dialect or case in the name of a test."""
    return value if isinstance(value, str) else value.name


class Session:
    """One user with both corpora; every case is run once, and what it needs before it."""

    def __init__(self, user: User, world: worlds.World, roots: dict[str, Path]) -> None:
        self.user, self.world, self.roots = user, world, roots
        self.answers: dict[tuple[str, str], dict[str, Any]] = {}

    def work(self, dialect: str) -> Path:
        """The folder that the cases of one dialect run in."""
        folder = self.user.home / f"work-{dialect}"
        folder.mkdir(exist_ok=True)
        return folder

    def run(self, dialect: str, case: Case, *extra: str) -> dict[str, Any]:
        """Run a case now; its whole answer."""
        work = self.work(dialect)
        flags = self.world.fill((f"--tags={case.tags}", *case.flags), work=str(work))
        env = self.world.environment()
        if case.tools:
            env["PATH"] = f"{self.world.tools}:{self.user.machine.environment(work)['PATH']}"
        words = ("run", "script", *flags, "--quiet", f"--dialect={dialect}", *extra)
        answer: dict[str, Any] = self.user.data(*words, cwd=work, env=env, timeout=900)
        return answer

    def answer(self, dialect: str, case: Case) -> dict[str, Any]:
        """The answer of the first run of a case."""
        for name in case.after:
            self.named(dialect, name)
        key = dialect, case.name
        if key not in self.answers:
            self.answers[key] = self.run(dialect, case)
        return self.answers[key]

    def named(self, dialect: str, name: str) -> dict[str, Any]:
        """The answer of the first run of the case with this name."""
        return self.answer(dialect, next(c for c in DIALECTS[dialect] if c.name == name))

    def neutral(self, dialect: str, value: Any) -> Any:
        """`value` with folders replaced by their role, as in `expected.json`."""
        places = our_places(self.user, self.roots[dialect], self.work(dialect), self.world)
        return worlds.neutral(value, places)


@pytest.fixture(scope="module")
def session(
    workshop: Machine, cm_root: Path, mlc_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    """A user of a fresh environment who has registered both corpora."""
    scratch = tmp_path_factory.mktemp("corpus")
    (scratch / "world").mkdir()
    worlds.add_tiny_wheel(workshop.index.folder, scratch)
    user = workshop.user(scratch / "home")
    user.ok("add", "collection", str(cm_root))
    user.ok("add", "collection", str(mlc_root))
    with worlds.make_world(scratch / "world") as world:
        yield Session(user, world, {"cm": cm_root, "mlc": mlc_root})


def skip_without_tool(case: Case) -> None:
    """Recipes that detect a tool need it; what they do without is not the question here."""
    tool = NEEDED.get(case.name, "sh")
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed on this machine")


@pytest.mark.slow
@pytest.mark.parametrize(("dialect", "case"), ALL, ids=label)
def test_answer_is_the_reference_engines(session: Session, dialect: str, case: Case) -> None:
    skip_without_tool(case)
    answer = session.answer(dialect, case)
    got = session.neutral(dialect, {key: answer.get(key) or {} for key in ("new_env", "new_state")})
    expected = json.loads(EXPECTED.read_text())[dialect][case.name]
    if case.name == "detect-cpu":
        # Which facts a processor reports differs between processors; these are always there.
        kept = ("ARCHITECTURE", "TOTAL_CORES", "TOTAL_LOGICAL_CORES", "SOCKETS")
        names = {f"{PREFIX[dialect]}_HOST_CPU_{name}" for name in kept}
        assert names <= set(got["new_env"]), got["new_env"]
        return
    assert differences(expected, got) == []


@pytest.mark.slow
@pytest.mark.parametrize(("dialect", "case"), CACHED, ids=label)
def test_second_run_is_served_from_the_cache(session: Session, dialect: str, case: Case) -> None:
    skip_without_tool(case)
    first = session.answer(dialect, case)
    second = session.run(dialect, case, "--only_execute_from_cache")
    assert second["new_env"] == first["new_env"]


class TestValues:
    """Values, against what the machine itself says."""

    def test_os(self, session: Session) -> None:
        env = session.named("cm", "detect-os")["new_env"]
        assert env["CM_HOST_OS_KERNEL_VERSION"] == os.uname().release
        assert env["CM_HOST_OS_MACHINE"] == os.uname().machine
        assert env["CM_HOST_OS_TYPE"] == "linux"

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_cpu(self, session: Session, dialect: str) -> None:
        env = session.named(dialect, "detect-cpu")["new_env"]
        assert int(env[f"{PREFIX[dialect]}_HOST_CPU_TOTAL_LOGICAL_CORES"]) == os.cpu_count()

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_python(self, session: Session, dialect: str) -> None:
        env = session.named(dialect, "get-python3")["new_env"]
        prefix = PREFIX[dialect]
        python = session.user.machine.python
        version = must(run([python, "-c", "import platform; print(platform.python_version())"])).out
        assert env[f"{prefix}_PYTHON_VERSION"] == version.strip()
        assert Path(env[f"{prefix}_PYTHON_BIN_WITH_PATH"]).parent == session.user.machine.bin

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_pip_really_installed(self, session: Session, dialect: str) -> None:
        session.named(dialect, "get-generic-python-lib")
        code = "import tinysum; print(tinysum.total([40, 2]))"
        assert must(run([session.user.machine.python, "-c", code])).out == "42\n"

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_program_really_ran(self, session: Session, dialect: str) -> None:
        skip_without_tool(Case("get-gcc", ""))
        session.named(dialect, "benchmark-program")
        assert "sum 42" in (session.work(dialect) / "console.out").read_text()

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_file_really_came(self, session: Session, dialect: str) -> None:
        skip_without_tool(Case("download-file", ""))
        env = session.named(dialect, "download-file")["new_env"]
        path = Path(env[f"{PREFIX[dialect]}_DOWNLOAD_DOWNLOADED_PATH"])
        assert path.read_text() == "forty-two\n"

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_archive_really_unpacked(self, session: Session, dialect: str) -> None:
        env = session.named(dialect, "extract-file")["new_env"]
        assert list(Path(env["BUNDLE"]).rglob("inside.txt"))

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_packages_asked_for(self, session: Session, dialect: str) -> None:
        """`apt-get` here is a stand-in that writes down what it was asked."""
        session.named(dialect, "get-sys-utils-cm")
        asked = session.world.log.read_text()
        assert "install -y --no-install-recommends" in asked
        assert "cmake" in asked


BOTH = """
import json, cmcore
for dialect, prefix in (("cm", "CM"), ("mlc", "MLC"), ("cm", "CM")):
    answer = cmcore.access({
        "action": "run", "automation": "script", "tags": "get,python3",
        "dialect": dialect, "quiet": True,
    })
    assert answer["return"] == 0, answer
    assert f"{prefix}_PYTHON_VERSION" in answer["new_env"], answer
print("both")
"""


def test_both_dialects_in_one_process(session: Session) -> None:
    answer = session.user.run(str(session.user.machine.python), "-c", BOTH)
    assert must(answer).out.splitlines()[-1] == "both"


@pytest.mark.network
@pytest.mark.slow
def test_system_packages_for_real(session: Session) -> None:
    """The recipes' own apt-get, on a machine that is there to be changed."""
    if os.environ.get("CI") != "true" and not os.environ.get("CM_TEST_APT"):
        pytest.skip("installs Debian packages: set CM_TEST_APT=1 to allow it on this machine")
    if os.geteuid() or shutil.which("apt-get") is None:
        pytest.skip("needs root on Debian")
    path = f"{session.user.machine.bin}:/usr/sbin:/usr/bin:/sbin:/bin"
    if shutil.which("sudo", path=path) is None:
        must(run(["apt-get", "update"]))
        must(run(["apt-get", "install", "-y", "--no-install-recommends", "sudo"], timeout=600))
    how = {"env": {"PATH": path}, "timeout": 1200}
    flags = ("--quiet", "--new", "--dialect=cm")
    recipe = "--tags=get,sys-utils-cm,_skip_python_deps"
    answer = must(session.user.cm("run", "script", recipe, *flags, **how))
    # Its list names a package that Debian 12 lacks, and its script goes on all the same.
    assert "Reading package lists" in answer.out + answer.err, answer.text
    must(session.user.cm("run", "script", "--tags=get,generic-sys-util,_screen", *flags, **how))
    assert shutil.which("screen", path=path)
