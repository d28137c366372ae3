"""What the machine and the user's rights mean for containers."""

from __future__ import annotations

import os

from cmcore.hints import Mapping

#: What podman sets as limit of open files and processes for containers when it runs as root.
_PODMAN_LIMIT = 1048576
_CAP_SYS_RESOURCE = 24


def low_limits() -> list[str]:
    """`nofile=N:N` and `nproc=N:N` where podman's own would be refused; empty when they are fine.

    As root podman asks for 1048576 of each whatever the hard limit is, which needs the right
    CAP_SYS_RESOURCE; virtual machines and containers often come without.
    """
    import resource

    if _has_right(_CAP_SYS_RESOURCE):
        return []
    words, low = [], False
    for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(number)[1]
        if hard == resource.RLIM_INFINITY:
            continue
        low = low or hard < _PODMAN_LIMIT
        if name == "nproc":
            # podman lowers its own limit to this before it starts anything.
            hard = min(hard, _number("/proc/sys/kernel/pid_max") or hard)
        words.append(f"{name}={hard}:{hard}")
    return words if low else []


def limits_chosen(environ: Mapping[str, str]) -> bool:
    """Whether a configuration of podman sets limits: then they are not for us to replace."""
    import re

    for path in configurations(environ):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                if re.search(r"^\s*default_ulimits\s*=", file.read(), re.M):
                    return True
        except OSError:
            continue
    return False


def configurations(environ: Mapping[str, str]) -> list[str]:
    """Files podman reads its settings from; source: containers.conf(5)."""
    import glob

    if named := environ.get("CONTAINERS_CONF"):
        return [named, *filter(None, [environ.get("CONTAINERS_CONF_OVERRIDE")])]
    own = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
    found = []
    for folder in ("/usr/share/containers", "/etc/containers", os.path.join(own, "containers")):
        found.append(os.path.join(folder, "containers.conf"))
        found += sorted(glob.glob(os.path.join(folder, "containers.conf.d", "*.conf")))
    return [*found, *filter(None, [environ.get("CONTAINERS_CONF_OVERRIDE")])]


def mixed_cgroups(root: str = "/sys/fs/cgroup") -> bool:
    """Whether version 2 of cgroups owns controllers beside version 1, which crun refuses."""
    try:
        with open(os.path.join(root, "unified", "cgroup.controllers"), encoding="ascii") as file:
            return bool(file.read().split())
    except OSError:
        return False


def can_tunnel() -> bool:
    """Whether this user may make the network device that rootless networks need."""
    return os.access("/dev/net/tun", os.R_OK | os.W_OK)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for an engine's program.

    Without a run folder of somebody else, which `su` and `sudo` leave behind and at which
    engines fail.
    """
    own = dict(environ)
    folder = own.get("XDG_RUNTIME_DIR", "")
    if folder and hasattr(os, "geteuid") and not _owned(folder):
        del own["XDG_RUNTIME_DIR"]
    return own


def installation(package: str) -> str:
    """The command that installs a package here."""
    import sys
    from shutil import which

    if sys.platform == "darwin":
        return f"brew install {package}"
    for program, words in (
        ("apt-get", "sudo apt-get install"),
        ("dnf", "sudo dnf install"),
        ("zypper", "sudo zypper install"),
        ("apk", "sudo apk add"),
        ("pacman", "sudo pacman -S"),
    ):
        if which(program):
            return f"{words} {package}"
    return f"install {package}"


def _number(path: str) -> int:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _owned(folder: str) -> bool:
    try:
        return os.stat(folder).st_uid == os.geteuid()
    except OSError:
        return False


def _has_right(number: int) -> bool:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            line = next(line for line in file if line.startswith("CapEff:"))
        return bool(int(line.split()[1], 16) >> number & 1)
    except (OSError, StopIteration, ValueError, IndexError):
        return True
