"""What the container suites stand on: a base image made here, storage of their own, people.

Nothing here imports cm_docker: the suites look at it from outside, as a user's shell does. What a
machine lacks for containers becomes the reason of a skip, in words that help.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from kit import SYSTEM_PATH, Answer, Index, must

#: Reference of the base image in the storage of a person: Debian with Python, CA certificates.
BASE = "localhost/cm-test/base:1"
#: The base with the programs that recipes look for, so that "native" and "container" see the same.
TOOLS = "localhost/cm-test/tools:1"
#: What debootstrap puts into the base besides the essential packages.
INSIDE = "ca-certificates,python3,python3-venv"
#: What `TOOLS` has on top.
PROGRAMS = (
    "bzip2 cmake curl file g++ gcc git lsb-release make openssl python3-dev sudo unzip util-linux"
    " wget xz-utils zip"
)
#: Packages of Debian that make containers possible.
ENGINE = ["podman", "runc", "debootstrap", "uidmap"]
#: Tried in this order for what the tests themselves ask of podman: as it is, then with what
#: machines with few rights or a mixed cgroup layout need.
CONFIGURATIONS = ("", '[containers]\ndefault_ulimits = []\n[engine]\nruntime = "runc"\n')


class Lack(RuntimeError):
    """What this machine lacks for containers; the message is the reason of a skip."""


def may_change_the_machine() -> bool:
    """Whether packages and users may be added: on machines of CI, and where somebody says so."""
    return os.geteuid() == 0 and bool(
        os.environ.get("CI") == "true" or os.environ.get("CM_TEST_APT")
    )


@cache
def programs() -> None:
    """Have podman and debootstrap, or raise `Lack`."""
    missing = [name for name in ("podman", "debootstrap") if not which(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise Lack(f"{' and '.join(missing)} not installed, and no apt-get to do it")
    if not may_change_the_machine():
        raise Lack(f"{' and '.join(missing)} not installed: CM_TEST_APT=1 and root would do it")
    for words in (["update"], ["install", "-y", "--no-install-recommends", *ENGINE]):
        block = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = call(["apt-get", "-qq", *words], env=block, timeout=900)
        if done.code:
            raise Lack(f"apt-get {words[0]} fails: {last(done)}")


def which(name: str) -> str:
    """A program, also one that only administrators have on their path; "" when there is none."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}") or ""


def call(
    words: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    who: pwd.struct_passwd | None = None,
    timeout: float = 300,
) -> Answer:
    """Run a command to its end as somebody, never with a terminal."""
    as_whom: dict[str, Any] = {}
    if who and who.pw_uid != os.geteuid():
        as_whom = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [os.fspath(word) for word in words],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        **as_whom,
    )
    return Answer(done.stdout, done.stderr, done.returncode)


def last(answer: Answer) -> str:
    """The last line that a command said."""
    lines = [line.strip() for line in (answer.err + answer.out).splitlines() if line.strip()]
    return lines[-1][-300:] if lines else f"exit code {answer.code} without a word"


@cache
def base_tar() -> Path:
    """The base image's files as a tar, made once on this machine; `CMCORE_TEST_BASE` names one.

    It names the mirror that this machine's apt uses: it is never published.
    """
    given = os.environ.get("CMCORE_TEST_BASE")
    if given:
        path = Path(given)
        path = path / "base.tar" if path.is_dir() else path
        if not path.is_file():
            raise Lack(f"CMCORE_TEST_BASE={given} is not there")
        return path
    folder = Path(tempfile.gettempdir()) / f"cmcore-test-base-{os.geteuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    made = folder / f"{_release()}.tar"
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_file():
            _bootstrap(folder, made)
    return made


def _release() -> str:
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", text, re.MULTILINE)
    if "ID=debian" not in text or not found:
        raise Lack("a base image is made by debootstrap, from Debian: CMCORE_TEST_BASE names a tar")
    return found[1]


def _mirror(release: str) -> str:
    listed = call(["apt-get", "indextargets", "--format", "$(SUITE) $(REPO_URI)"])
    for line in listed.out.splitlines():
        suite, _, address = line.partition(" ")
        if suite == release and address:
            return address.strip()
    for path in Path("/etc/apt/sources.list.d").glob("*.sources"):
        found = re.search(r"^URIs:\s*(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1]
    return "http://deb.debian.org/debian"


def _bootstrap(folder: Path, made: Path) -> None:
    if os.geteuid():
        raise Lack("debootstrap needs root to make a base image: CMCORE_TEST_BASE names a tar")
    release = _release()
    root = Path(tempfile.mkdtemp(dir=folder, prefix=".root-"))
    try:
        words = ["debootstrap", "--variant=minbase", f"--include={INSIDE}", release]
        done = call(
            [which("debootstrap"), *words[1:], root, _mirror(release)],
            env={**os.environ, "PATH": SYSTEM_PATH},
            timeout=900,
        )
        if done.code:
            raise Lack(f"debootstrap fails here: {last(done)}")
        skipped = ["./dev/*", "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*"]
        part = made.with_suffix(".part")
        without = [f"--exclude={pattern}" for pattern in skipped]
        must(call(["tar", "-C", root, *without, "-cf", part, "."]))
        part.chmod(0o644)
        part.rename(made)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def somebody(named: str = "") -> Iterator[pwd.struct_passwd]:
    """An ordinary user of this machine: `CMCORE_TEST_USER`, or one made for as long as it lasts."""
    if os.geteuid():
        yield pwd.getpwuid(os.geteuid())
        return
    named = named or os.environ.get("CMCORE_TEST_USER", "")
    if named:
        yield pwd.getpwnam(named)
        return
    if not may_change_the_machine():
        raise Lack("an ordinary user is needed: CMCORE_TEST_USER names one, CM_TEST_APT=1 adds one")
    if not which("newuidmap"):
        raise Lack("no newuidmap: containers of an ordinary user need Debian's uidmap")
    name = f"cmtest{secrets.token_hex(3)}"
    done = call([which("useradd"), "--no-create-home", "--home-dir", f"/nonexistent/{name}", name])
    if done.code:
        raise Lack(f"useradd fails here: {last(done)}")
    try:
        yield pwd.getpwnam(name)
    finally:
        # An account with a process cannot go: podman keeps one that holds the user's namespace.
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and entry.stat().st_uid == pwd.getpwnam(name).pw_uid:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue  # it has ended
        done = call([which("userdel"), "--force", name])
        assert done.code == 0, done.text


def readable_python() -> str:
    """A Python that every user can start, with the module venv."""
    for path in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        parts = [Path(path), *Path(path).parents]
        if all(part.exists() and part.stat().st_mode & 0o001 for part in parts):
            return path
    raise Lack("no Python on this machine that every user may start")


class Station:
    """An environment with our packages from the index, outside the checkout, for all users.

    Args:
        folder: where it is made.
        index: the only place that pip sees.
        packages: what is installed, with all that it asks for.
    """

    def __init__(self, folder: Path, index: Index, *packages: str) -> None:
        self.folder, self.index = folder, index
        self.bin = folder / "venv" / "bin"
        block = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PYTHONPATH", "VIRTUAL_ENV"):
            block.pop(name, None)
        must(call([readable_python(), "-m", "venv", folder / "venv"], env=block))
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wanted = packages or ("cm-plugin-docker",)
        must(call([self.bin / "python", *words, *wanted], env=block, timeout=600))


class Person:
    """A user at a shell, with a home, a CM_HOME and a container storage of their own.

    Args:
        station: whose `cm` they run.
        folder: becomes theirs; absolute, and readable for them up to the root.
        who: the account.
    """

    def __init__(self, station: Station, folder: Path, who: pwd.struct_passwd) -> None:
        self.station, self.folder, self.who = station, folder, who
        self.home, self.work, self.runtime = folder / "home", folder / "work", folder / "runtime"
        self.cm_home = self.home / "cm"
        self.env: dict[str, str] = {}
        for path, mode in ((folder, 0o755), (self.home, 0o755), (self.work, 0o755)):
            self.own(path, mode)
        self.own(self.runtime, 0o700)
        self.own(folder / "tmp", 0o700)
        self.storage = folder / "storage.conf"
        self.storage.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\n'
            f'runroot = "{folder}/running"\n',
            encoding="utf-8",
        )
        self.private = folder / "containers.conf"
        self.configuration = ""

    def own(self, path: Path, mode: int) -> None:
        """Make a folder of theirs."""
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        if self.who.pw_uid != os.geteuid():
            os.chown(path, self.who.pw_uid, self.who.pw_gid)

    def block(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A complete environment: nothing comes from the process that runs the tests."""
        return {
            "PATH": f"{self.station.bin}:{SYSTEM_PATH}",
            "HOME": str(self.home),
            "USER": self.who.pw_name,
            "CM_HOME": str(self.cm_home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "CONTAINERS_STORAGE_CONF": str(self.storage),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.station.index.url,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **self.env,
            **(extra or {}),
        }

    def run(self, *words: str | os.PathLike[str], **how: Any) -> Answer:
        """Run any command as this person."""
        extra = how.pop("env", None)
        how.setdefault("cwd", self.work)
        how.setdefault("timeout", 600)
        return call(words, env=self.block(extra), who=self.who, **how)

    def cm(self, *words: str, **how: Any) -> Answer:
        """Run `cm WORDS`; anything may come of it, but never a traceback."""
        answer = self.run(self.station.bin / "cm", *words, **how)
        assert "Traceback (most recent call last)" not in answer.out + answer.err, answer.text
        return answer

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `cm WORDS` as the leader of a process group, its output readable."""
        as_whom: dict[str, Any] = {}
        if self.who.pw_uid != os.geteuid():
            as_whom = {"user": self.who.pw_uid, "group": self.who.pw_gid, "extra_groups": []}
        return subprocess.Popen(
            [str(self.station.bin / "cm"), *words],
            env=self.block(env),
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            **as_whom,
        )

    def ok(self, *words: str, **how: Any) -> str:
        """Run `cm WORDS`, which must succeed; standard output."""
        return must(self.cm(*words, **how)).out

    def docker(self, *words: str, **how: Any) -> dict[str, Any]:
        """`cm docker script WORDS --out=json`, which must succeed; the data of its answer."""
        answer = must(self.cm("docker", "script", *words, "--out=json", **how))
        found = answer.json()
        assert isinstance(found, dict), answer.text
        return found

    def refused(self, *words: str, **how: Any) -> str:
        """Run `cm WORDS`, which must fail; the one sentence on stderr that begins with `cm: `."""
        answer = self.cm(*words, **how)
        assert answer.code != 0, answer.text
        assert "(internal error)" not in answer.err, answer.text
        said = [line for line in answer.err.splitlines() if line.startswith("cm: ")]
        assert said, answer.text
        return "\n".join(answer.err.splitlines()[answer.err.splitlines().index(said[-1]) :])

    def waits_for(self, *words: str | os.PathLike[str], says: str, seconds: float = 120) -> None:
        """Ask podman again and again until its answer holds `says`."""
        end = time.monotonic() + seconds
        while says not in (answer := self.podman(*words)).out:
            assert time.monotonic() < end, f"{says!r} never came\n{answer.text}"
            time.sleep(0.2)

    # What follows asks podman itself, to look behind the product's back.

    def podman(self, *words: str | os.PathLike[str], **how: Any) -> Answer:
        """podman on this person's storage, with the configuration that works here."""
        extra = {"CONTAINERS_CONF": str(self.private)} if self.configuration else {}
        return self.run("podman", *words, env={**extra, **how.pop("env", {})}, **how)

    def containers(self) -> list[str]:
        """Names of all containers there are, also those that only a build has made."""
        return must(self.podman("ps", "-a", "--external", "--format", "{{.Names}}")).out.split()

    def images(self) -> dict[str, list[str]]:
        """All images, also those without a name: `{identifier: names}`."""
        listed = json.loads(must(self.podman("images", "--all", "--format", "json")).out)
        return {image["Id"]: list(image.get("Names") or []) for image in listed}

    def prepare(self) -> None:
        """Import the base and find the configuration under which podman can run it, or `Lack`."""
        programs()
        done = self.podman("import", base_tar(), BASE)
        if done.code:
            raise Lack(f"podman cannot keep an image here: {last(done)}")
        said = ""
        for text in CONFIGURATIONS:
            self.configuration = text
            self.private.write_text(text, encoding="utf-8")
            done = self.podman("run", "--rm", "--network=host", BASE, "true")
            if done.code == 0:
                return
            said = said or last(done)
        raise Lack(f"podman cannot run a container here: {said}")

    def with_tools(self) -> None:
        """Make `TOOLS` from the base; Debian's packages come from its mirror."""
        folder = self.folder / "tools"
        self.own(folder, 0o755)
        install = "apt-get install -y -qq --no-install-recommends"
        (folder / "Containerfile").write_text(
            f"FROM {BASE}\nENV DEBIAN_FRONTEND=noninteractive\n"
            f"RUN apt-get update -qq && {install} {PROGRAMS}\n",
            encoding="utf-8",
        )
        done = self.podman("build", "--network=host", "-t", TOOLS, folder, timeout=900)
        if done.code:
            raise Lack(f"Debian's packages cannot be had in a container: {last(done)}")

    def close(self) -> None:
        """Take all of it away."""
        self.podman("rm", "--all", "--force", "--time=0")
        self.podman("rmi", "--all", "--force")
        if self.who.pw_uid != os.geteuid() or os.geteuid():
            self.podman("unshare", "rm", "-rf", self.folder / "images", self.folder / "running")
        mounted = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        for line in reversed(mounted):
            place = line.split()[1]
            if place.startswith(f"{self.folder}/"):
                call(["umount", "--lazy", place])
        shutil.rmtree(self.folder, ignore_errors=True)
