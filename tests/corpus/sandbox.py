"""A copy of this machine that a recipe may change: an overlay on `/`, thrown away afterwards.

Published recipes add users, edit sudoers, call apt and write to `/`; as root nothing stops them.
So root runs every recipe in here, and none at all where there can be no sandbox. Needs root and a
kernel that lets it mount an overlay; `why_not` says what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

#: Arguments: overlay folder, shared folder, working folder, command. Its processes end with it.
SCRIPT = """set -e
base=$1 shared=$2 work=$3; shift 3
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=/,upperdir=$base/up,workdir=$base/wk $base/root
mount --rbind /dev $base/root/dev
mount -t proc proc $base/root/proc
mount --bind $base/root/proc/sys $base/root/proc/sys
mount -o remount,bind,ro $base/root/proc/sys
mount -t sysfs -o ro sys $base/root/sys
mkdir -p $base/root$shared
mount --rbind $shared $base/root$shared
exec setpriv --bounding-set -sys_time,-sys_boot,-sys_module \
    chroot $base/root env -C $work "$@"
"""


class Sandbox:
    """One overlay; what one command changes, the next one sees.

    Args:
        base: empty folder for the changes.
        shared: folder that is the real one, inside as outside.
    """

    def __init__(self, base: Path, shared: Path) -> None:
        self.base, self.shared = base, shared
        for name in ("up", "wk", "root"):
            (base / name).mkdir(parents=True, exist_ok=True)

    def argv(self, command: Sequence[str], work: Path) -> list[str]:
        """The words that run `command` in this copy of the machine."""
        inside = [
            "unshare",
            "-m",
            "-p",
            "-i",
            "-u",
            "-f",
            "--kill-child",
            "bash",
            "-c",
            SCRIPT,
            "sandbox",
        ]
        return [*inside, str(self.base), str(self.shared), str(work), *command]


@cache
def why_not() -> str:
    """Why there can be no sandbox here; empty when there can."""
    if os.geteuid():
        return "needs root"
    if shutil.which("unshare") is None:
        return "needs unshare of util-linux"
    with tempfile.TemporaryDirectory() as name:
        box = Sandbox(Path(name, "base"), Path(name))
        done = subprocess.run(box.argv(["true"], Path(name)), capture_output=True, text=True)
    return f"no overlay of / here: {done.stderr.strip()[-200:]}" if done.returncode else ""


@cache
def unsafe() -> str:
    """Why no recipe may run here at all: it could change this machine. Empty when none can."""
    return "" if os.geteuid() else why_not()


@cache
def why_no_packages() -> str:
    """Why Debian packages cannot be installed in a sandbox here; empty when they can."""
    missing = why_not()
    if missing or shutil.which("apt-get") is None:
        return missing or "needs Debian's apt-get"
    with tempfile.TemporaryDirectory() as name:
        box = Sandbox(Path(name, "base"), Path(name))
        update = ["apt-get", "update", "-qq", "-o", "Acquire::Retries=0"]
        done = subprocess.run(box.argv(update, Path(name)), capture_output=True, text=True)
    return f"Debian's packages cannot be reached: {done.stderr[-200:]}" if done.returncode else ""
