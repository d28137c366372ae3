"""What a recipe does to the host beyond its own folder, as far as its texts say.

Building ahead is only undone by removing folders of the cache, and only compared by variables. What
changes the host for everybody (system packages, the Python that others use, settings of the user)
must therefore happen in its turn, and so must everything after it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping

from cm_script.jobs import commands
from cm_script.planning.source import Source
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.run import RecipeRun

CODE = "customize.py"
_SHARED = (
    (
        "the system",
        re.compile(
            r"\bsudo\b|\b(?:CM|MLC)_SUDO\b|\b(?:apt|apt-get|yum|dnf|zypper|pacman|apk|brew|snap|choco|winget)"
            r"\s+(?:-\S+\s+)*(?:install|update|upgrade|remove|add)\b|\bmake\s+(?:-\S+\s+)*install\b"
            r"|\b(?:ldconfig|systemctl|modprobe|sysctl\s+-w|update-alternatives|useradd|crontab|dpkg|rpm)\b"
        ),
    ),
    (
        "packages that others use",
        re.compile(
            r"\bpip3?\s+(?:\S+\s+)*?(?:install|uninstall)\b|\bpip3?['\"], *['\"](?:un)?install"
            r"|\b(?:conda|mamba)\s+(?:install|update|create)|\bpython\S*\s+setup\.py|\bnpm\s+(?:ci|i|install)\b"
            r"|\b(?:gem|cargo|go|poetry|uv|pipx)\s+(?:\S+\s+)?install\b|\b(?:PIP_INSTALL|PIP_VERSION)\b"
        ),
    ),
    (
        "settings of the user",
        re.compile(
            r"\bgit\s+config\s+--(?:global|system)|(?:[\s\"'=:]|^)~(?:/|\s|$)|\$\{?HOME\b|\bexpanduser\b"
            r"|['\"]HOME['\"]|\b(?:CM|MLC)_HOME\b",
            re.MULTILINE,
        ),
    ),
    ("containers", re.compile(r"\b(?:docker|podman|apptainer|singularity)\s+[a-z]")),
    (
        "the folder of the user",
        re.compile(r"\bTMP_CURRENT_PATH\b|_TMP_CURRENT_PATH\b|_USER_RUN_DIR\b|\bOLDPWD\b"),
    ),
    (
        "a person",
        re.compile(r"(?:^|[;&])\s*(?:IFS=\S*\s+)?read\s+[-\w][^<\n]*$|\binput\(", re.MULTILINE),
    ),
    (
        "other processes",
        re.compile(r"\b(?:kill|pkill|killall)\s|\bnohup\b|(?<!&)&\s*$", re.MULTILINE),
    ),
    ("what the request has run so far", re.compile(r"['\"](?:run_state|version_info)['\"]")),
)
#: Of these, what only commands do: code that does not start them merely speaks of them.
_BY_COMMAND = ("the system", "packages that others use", "containers", "other processes")
#: What a measurement has to do with: it wants the machine to itself.
MEASURES = "the machine, which it measures"
#: What must happen in its turn, and does not reach the recipes behind it.
_OWN_AFFAIR = ("the folder of the user", "a person", "what the request has run so far")
_TAGS = (
    ("the system", {"sys-utils", "sys-util", "generic-sys-util", "sys-utils-cm", "sys-utils-min"}),
    ("packages that others use", {"generic-python-lib", "python-lib", "pip"}),
    (MEASURES, {"benchmark", "run-mlperf", "run-mlperf-inference"}),
)

#: Lines of a shell script that change files, or go to a folder to do so.
_CHANGES = re.compile(
    r"\b(?:cd|pushd|cp|mv|rm|mkdir|rmdir|ln|touch|tee|rsync|tar|unzip|gunzip|patch|chmod|chown"
    r"|install|dd|truncate|sed\s+-i|git|cmake|make|ninja|wget|curl)\b"
)
_REDIRECTED = re.compile(r">[>|&]?\s*([^\s;|&]+)")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_ASSIGNED = re.compile(r"^\s*(?:export\s+|local\s+)?([A-Za-z_]\w*)=(.*)$", re.MULTILINE)
#: An absolute path that is written out, less the ones where nothing can be spoilt.
_ABSOLUTE = re.compile(r"(?<![\w$}.\"'/:])[\"']?(/(?!dev/|bin/|usr/bin/|proc/)[\w.][\w./-]*)")
_UPWARDS = re.compile(r"(?:^|[\s\"'=])\.\.(?:/|\s|$)", re.MULTILINE)


def shared(run: RecipeRun, source: Source) -> str:
    """What a recipe seems to change for everybody, with the words that say so; "" for nothing."""
    tags = set(run.artifact.tags) | set(run.query.tags)
    for what, words in _TAGS:
        if tags & words:
            return f"{what} (tag {sorted(tags & words)[0]})"
    if run.scope.meta.get("cache_class") == "measured":
        return f"{MEASURES} (cache_class)"
    if run.scope.meta.get("clean_output_files"):
        return "the folder of the user (clean_output_files)"
    texts = {**source.scripts, **({CODE: source.code} if source.code else {})}
    return _in_texts(texts)


def _in_texts(texts: Mapping[str, str]) -> str:
    for what, pattern in _SHARED:
        for name, text in texts.items():
            by_command = name == CODE and what in _BY_COMMAND
            found = pattern.search(commands.in_code(text) if by_command else text)
            if found:
                return f"{what} ({name}: {found.group().strip()})"
    return ""


def in_commands(run: RecipeRun, source: Source) -> str:
    """The same for commands in variables that the native scripts name, with their values now."""
    names = {name for text in source.scripts.values() for name in _VARIABLE.findall(text)}
    values = {name: str(run.env.get(name) or "") for name in sorted(names)}
    return _in_texts({name: value for name, value in values.items() if " " in value.strip()})


def of_command(text: str, own: Collection[str]) -> str:
    """What a command that code starts seems to change outside the folders `own`; "" for nothing."""
    what = _in_texts({"command": text})
    if what:
        return what
    paths = _ABSOLUTE.findall(_changing(text))
    outside = [p for p in paths if not inside(os.path.realpath(p), own)]
    return f"what is in {outside[0]}" if outside else ""


def reaches_others(what: str) -> bool:
    """Whether what `shared` found is a matter for the recipes behind it as well."""
    return bool(what) and not what.startswith(_OWN_AFFAIR)


def written(run: RecipeRun, source: Source) -> set[str]:
    """Absolute paths outside the current folder that the native scripts may write to.

    Judged by the lines that change files and the variables in them, with their values now.
    """
    own = (os.path.realpath(os.getcwd()), os.path.realpath(run.artifact.path))
    found: set[str] = set()
    for text in source.scripts.values():
        lines = [_changing(line) for line in text.split("\n")]
        names, paths = _behind("\n".join(lines), text)
        values = [str(run.env.get(name) or os.environ.get(name) or "") for name in names]
        values += _commands(run, text)
        for value in [*paths, *values]:
            found.update(_paths(value))
        if any(_UPWARDS.search(line) for line in lines):
            found.add(os.path.dirname(os.getcwd()))
    return {path for path in found if not inside(os.path.realpath(path), own)}


def _changing(line: str) -> str:
    """The part of a line that names what it changes."""
    return line if _CHANGES.search(line) else " ".join(_REDIRECTED.findall(line))


def _commands(run: RecipeRun, text: str) -> list[str]:
    """Values of variables that are commands which change files."""
    values = [str(run.env.get(name) or "") for name in set(_VARIABLE.findall(text))]
    return [value for value in values if " " in value.strip() and _changing(value)]


def _behind(lines: str, text: str) -> tuple[set[str], set[str]]:
    """Variables and absolute paths in lines, with those that the script's own names stand for."""
    assigned: dict[str, str] = {}
    for name, value in _ASSIGNED.findall(text):
        assigned[name] = assigned.get(name, "") + "\n" + value
    names: set[str] = set()
    paths = set(_ABSOLUTE.findall(lines))
    left = set(_VARIABLE.findall(lines)) - {"PWD"}
    while left:
        name = left.pop()
        if name not in names:
            names.add(name)
            value = assigned.get(name, "")
            paths.update(_ABSOLUTE.findall(value))
            left |= set(_VARIABLE.findall(value)) - {"PWD"}
    return names, paths


def _paths(value: str) -> Iterable[str]:
    """Absolute paths in a value: it may be one, hold a list of them, or a command with some."""
    for part in re.split(r"[\s:;,='\"]+", value):
        if part.startswith("/") and part.strip("/") and not part.startswith("//"):
            yield part


def named(values: Iterable[object]) -> set[str]:
    """Absolute paths in the values of variables."""
    return {os.path.realpath(path) for value in values for path in _paths(str(value))}


def inside(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of the folders or lies in one."""
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


def meet(one: Collection[str], other: Collection[str]) -> str:
    """A path of the first that is, holds, or lies in one of the second; "" for none."""
    for path in sorted(one):
        if inside(path, other) or any(inside(o, (path,)) for o in other):
            return path
    return ""
