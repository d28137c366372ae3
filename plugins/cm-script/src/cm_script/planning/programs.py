"""Programs and system packages that the recipes of a plan seem to need.

Read from the texts of native scripts and `customize.py`, as `needs` does: an indication.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cm_script.planning.inside import InsidePlanner

#: Names that are no words of other languages: any mention in a script counts.
_PLAIN = """
    wget curl rsync unzip bzip2 p7zip 7z gunzip autoconf automake libtool pkg-config cmake ninja
    meson gfortran nvcc conda docker podman apptainer singularity aria2c rclone gdown svn
    numactl lscpu lspci dmidecode ipmitool xxd jq gawk ffmpeg lsb_release ldconfig mpirun mpicc
    clang clang++ g++ gcc python3 pip3 git-lfs java javac mvn bazel npm cargo rustc
    md5sum sha256sum sudo sshpass
"""
#: Names that are also plain words: they count where a command stands.
_WORDS = """
    git make tar zip gzip xz patch file bc perl ruby go node python pip ssh scp aws cc ld
    objdump readelf strings free top ps killall cpio
"""
PLAIN: tuple[str, ...] = tuple(_PLAIN.split())
WORDS: tuple[str, ...] = tuple(_WORDS.split())

_EDGE = r"(?![\w.+/-])"
_MENTIONED = re.compile(r"(?<![\w./$-])(" + "|".join(map(re.escape, PLAIN)) + ")" + _EDGE)
#: What stands before a command: the begin of a line, of a part of a pipeline, of a text in quotes.
_BEFORE = r"""(?:^|[|;&(`\n'"]|#!|\b(?:sudo|then|do|else|exec|time|env|test|nohup)\s)\s*"""
_CALLED = re.compile(
    rf"""{_BEFORE}(?:\w+=\S*\s+)*(?:/usr)?(?:/bin/)?({"|".join(WORDS)})(?=\s+[\w.$"'/{{-])""",
    re.MULTILINE,
)
#: A whole text of code that is nothing but a name: what a recipe looks for.
_NAMED = re.compile(rf"""['"]({"|".join(map(re.escape, (*PLAIN, "git", "make", "python")))})['"]""")


def in_texts(scripts: Iterable[str], code: str) -> set[str]:
    """Programs that native scripts call, and that `customize.py` calls or looks for."""
    found: set[str] = set()
    for text in (*scripts, code):
        found.update(_MENTIONED.findall(text))
        found.update(_CALLED.findall(text))
    found.update(_NAMED.findall(code))
    return found


def of_plan(planner: InsidePlanner) -> list[str]:
    """The same for all steps of a plan that would run."""
    from cm_script.planning.source import without_comments

    found: set[str] = set()
    for one in planner.root.walk() if planner.root is not None else ():
        if one.run is not None:
            source = planner.source(one.run)
            found |= in_texts(source.scripts.values(), without_comments(source.code))
    return sorted(found)


def system_packages(planner: InsidePlanner) -> list[dict[str, Any]]:
    """What recipes ask the system's package manager for.

    One per name, in order: `util`, `packages` (package manager -> packages, separated by blanks),
    `sure`.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in planner.root.walk() if planner.root is not None else ():
        noted = planner.notes.get(one.step)
        if noted is None or one.run is None:
            continue
        util = str(noted.env.get(one.run.key("SYS_UTIL_NAME")) or "")
        packages = noted.state.get(util)
        if not util or not isinstance(packages, Mapping) or "generic-sys-util" not in one.asked:
            continue
        names = {str(k): str(v) for k, v in packages.items() if isinstance(v, str) and v}
        row = found.setdefault(util, {"util": util, "packages": names, "sure": False})
        row["sure"] = row["sure"] or one.sure
    return list(found.values())
