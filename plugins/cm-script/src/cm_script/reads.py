"""Which variables a recipe looks at, read from its meta and its files and never run.

Two questions need that answer: whether a result depends on what another recipe exports, and which
variables belong to the identity of a cached result. Both go wrong when a variable is missed, and
lose only time when one is named in vain, so every doubt ends in a name, a pattern or `everything`.

What counts as looking at a variable:

- meta: conditions, `<<<X>>>` and `$X` in any text, variables that tags are made from, defaults and
  values for a variable (a default gives way to what is there, a list may join it), and
  `new_env_keys`, because a recipe exports by pattern, inherited values included;
- `customize.py`: see `reads_code`;
- native scripts and all other files of the recipe: every word `CM_*` or `MLC_*`, in shell scripts
  also `$X`; commands that list or compute names (`env`, `printenv`, `${!X}`, ...) mean everything.
  Programs also look at variables that no file of the recipe names: a recipe with a native step
  looks at everything that is not `CM_*` or `MLC_*`, such as PATH (`foreign`);
- what the engine itself looks at on behalf of every recipe, such as a requested version.

What is assumed: a program that is not part of the recipe does not look at `CM_*` and `MLC_*`
variables that the recipe's own files do not name.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase

from cmcore.hints import Any, Iterable, Mapping, NamedTuple

#: What variables that are made for recipes begin with.
OWN = ("CM_", "MLC_")

#: References in texts: `<<<X>>>` for the engine, `$X` for a shell.
PLACEHOLDER = re.compile(r"<<<(.*?)>>>")
REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_WORD = re.compile(r"\b(?:CM|MLC)_\w*")
#: Shell commands that show variables without naming them, or names that are computed.
_LISTS = re.compile(
    r"(?:^|[|;&(`{]|\bdo|\bthen|\belse)\s*(?:/usr/bin/)?(?:env\s*(?:$|[|>;)&])|printenv\b|set\s*(?:$|[|>;)]))"
    r"|\b(?:export|declare|typeset) -[a-z]*p|\bcompgen\b|\$\{!|/environ\b|\\\$\{?\w*\$",
    re.MULTILINE,
)
#: A script of somebody else that is run or sourced: it may look at anything.
_OTHERS_SCRIPT = re.compile(
    r"(?:^|[;&|(]|\bdo|\bthen)\s*(?:bash|sh|source|\.)\s+(?:-\w+\s+)*[\"']?\$\{?(\w+)", re.MULTILINE
)
#: Names of folders of the recipe itself, in scripts.
_OWN_FOLDERS = ("TMP_CURRENT_SCRIPT_PATH", "TMP_CURRENT_SCRIPT_WORK_PATH")
#: The same in programs: all variables of the process are gone through.
_WALKS = re.compile(
    r"environ\.(?:items|keys|values)\(|\bin os\.environ\b(?=\s*:)|Object\.\w+\(process\.env\)"
)
_LARGEST = 1 << 20

#: Variables that the engine itself looks at for every recipe, without prefix.
_ENGINE = """
    VERSION VERSION_MIN VERSION_MAX VERSION_MAX_USABLE DETECTED_VERSION NAME EXTRA_CACHE_TAGS
    OUTDIRNAME INPUT SEARCH_FOLDER_PATH GET_DEPENDENT_CACHED_PATH QUIET VERBOSE SKIP_SUDO
    SKIP_SYS_UTILS SKIP_REMEMBERED_SELECTIONS RUN_STATE_DOCKER USER_RUN_DIR
    GIT_AUTH GIT_SSH GIT_URL GH_TOKEN
"""
#: The same when there are native scripts for several systems.
_HOST = "HOST_OS_FLAVOR HOST_OS_VERSION HOST_PLATFORM_FLAVOR HOST_OS_FLAVOR_LIKE HOST_OS_TYPE"


class Reads(NamedTuple):
    """Variables that something looks at.

    Attributes:
        names: by name. The key `+NAME` of a list that joins NAME is met by either spelling.
        patterns: by pattern, as `fnmatch.fnmatchcase` takes them.
        everything: it may look at any variable.
        foreign: it looks at every variable that is not made for recipes (`CM_*`, `MLC_*`).
        indirect: by the text of these variables, which names another one (`<<<X>>>` as a key of
            `new_env_keys`). Until `resolved` tells which, that may be any.
    """

    names: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    everything: bool = False
    foreign: bool = False
    indirect: frozenset[str] = frozenset()

    def looks_at(self, key: str) -> bool:
        """Whether a change of this variable may be noticed."""
        name = bare(key)
        if self.everything or self.indirect or key in self.names or name in self.names:
            return True
        if self.foreign and not name.startswith(OWN):
            return True
        return any(fnmatchcase(key, p) or fnmatchcase(name, p) for p in self.patterns)

    def meets(self, pattern: str) -> bool:
        """Whether a change of some variable that fits `pattern` may be noticed."""
        if not is_glob(pattern):
            return self.looks_at(pattern)
        if self.everything or self.indirect:
            return True
        if any(fnmatchcase(name, pattern) for name in self.names):
            return True
        name = bare(pattern)
        start = name[: len(_head(name))]
        if self.foreign and not start.startswith(OWN):
            return True
        return any(overlap(pattern, other) for other in self.patterns)

    def joined(self, other: Reads) -> Reads:
        """What either of the two looks at."""
        return Reads(
            self.names | other.names,
            tuple(dict.fromkeys(self.patterns + other.patterns)),
            self.everything or other.everything,
            self.foreign or other.foreign,
            self.indirect | other.indirect,
        )

    def resolved(self, env: Mapping[str, Any]) -> Reads:
        """The same with the variables that are named by others in `env`."""
        named = {str(env[key]) for key in self.indirect if env.get(key)}
        patterns = tuple(name for name in sorted(named) if is_glob(name))
        names = self.names | (named - set(patterns))
        return self._replace(names=names, patterns=self.patterns + patterns, indirect=frozenset())


class RecipeReads(NamedTuple):
    """What one recipe looks at, without its dependencies.

    Attributes:
        env: variables.
        state: keys of the state; `foreign` says nothing there.
    """

    env: Reads = Reads()
    state: Reads = Reads()

    def joined(self, other: RecipeReads) -> RecipeReads:
        """What either of the two looks at."""
        return RecipeReads(self.env.joined(other.env), self.state.joined(other.state))


def bare(key: str) -> str:
    """`+NAME` and `+,NAME` -> NAME, as a native step sees it."""
    if not key.startswith("+"):
        return key
    name = key[1:]
    return name[1:] if name and not (name[0].isalnum() or name[0] == "_") else name


def is_glob(pattern: str) -> bool:
    """Whether a key of `new_env_keys` is a pattern rather than a name."""
    return "*" in pattern or "?" in pattern


def overlap(one: str, other: str) -> bool:
    """Whether some name may fit both patterns; True when in doubt."""
    head, head2 = _head(one), _head(other)
    tail, tail2 = _head(one[::-1]), _head(other[::-1])
    return (head.startswith(head2) or head2.startswith(head)) and (
        tail.startswith(tail2) or tail2.startswith(tail)
    )


def _head(pattern: str) -> str:
    """The part before the first wildcard."""
    found = re.search(r"[*?\[]", pattern)
    return pattern[: found.start()] if found else pattern


def of_recipe(folder: str, meta: Mapping[str, Any]) -> RecipeReads:
    """What a recipe looks at.

    Args:
        folder: its folder; a file there that cannot be read counts as looking at everything.
        meta: its meta, with all variations and versions: which of them apply is decided later.
    """
    from cm_script.reads_code import of_code
    from cm_script.reads_meta import of_block

    found = of_block(meta)
    names = {prefix + name for prefix in OWN for name in _ENGINE.split()}
    code = _text(os.path.join(folder, "customize.py"))
    if code is None:
        return RecipeReads(Reads(everything=True), Reads(everything=True))
    if code:
        found = found.joined(of_code(code))
    native = False
    for path in _files(folder):
        base = os.path.basename(path)
        text = _text(path)
        if text is None:
            return RecipeReads(Reads(everything=True), Reads(everything=True))
        if base.endswith((".sh", ".bat")):
            native = True
            if "-" in base:
                names.update(prefix + name for prefix in OWN for name in _HOST.split())
        found = found.joined(_of_file(base, text))
    patterns = tuple(prefix + "TMP_*" for prefix in OWN)
    env = Reads(frozenset(names), patterns, foreign=native)
    # The lines that a native script begins with are the engine's own use of the state.
    return found.joined(RecipeReads(env, Reads(frozenset({"script_prefix"} if native else ()))))


def _of_file(name: str, text: str) -> RecipeReads:
    """What a file that may be part of a native step looks at."""
    words = {*_WORD.findall(text), *PLACEHOLDER.findall(text)}
    everything = False
    if name.endswith((".sh", ".bat")):
        words.update(REFERENCE.findall(text))
        others = [
            v for v in _OTHERS_SCRIPT.findall(text) if not v.endswith(_OWN_FOLDERS) and v != "PWD"
        ]
        everything = bool(others) or bool(_LISTS.search(_without_comments(text)))
    else:
        everything = bool(_WALKS.search(text))
    # A word that ends with an underscore is the beginning of a computed one.
    patterns = tuple(sorted(word + "*" for word in words if word.endswith("_")))
    names = frozenset(word for word in words if not word.endswith("_"))
    state = "tmp-state" in text or "tmp-run-state" in text
    return RecipeReads(Reads(names, patterns, everything), Reads(everything=state))


def _without_comments(text: str) -> str:
    return "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in text.split("\n"))


def _files(folder: str) -> Iterable[str]:
    """Files that a native step may use: all but the meta, `customize.py` and documents."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f not in ("__pycache__", ".git")]
        for name in names:
            top = parent == folder
            if top and (name == "customize.py" or name.startswith(("_cm.", "meta."))):
                continue
            if not name.endswith((".md", ".pyc", ".png", ".jpg", ".gz", ".zip")):
                yield os.path.join(parent, name)


def _text(path: str) -> str | None:
    """The text of a file, "" when there is none; None when it cannot be read or is too large."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return ""
    except OSError:
        return None
    return text if len(text) <= _LARGEST or "\0" in text[:1024] else None
