"""What a plan knows about variables, and which ones only a run can tell.

A recipe that runs may set whatever its `new_env_keys` let out. Until then a condition that looks
at such a variable is judged by what is known, and the judgement is marked as unsure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from cm_script import conditions
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.dialects import Dialect


class Knowledge:
    """Which variables may still change, and by whom.

    Attributes:
        open: pattern of variables -> the recipe that may set them when it runs.
        known: variables that match a pattern and are known all the same.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.open: dict[str, str] = {}
        self.known: set[str] = set(known)
        #: The open patterns that are more than the name of one variable.
        self._unnamed: dict[str, None] = {}

    def copy(self) -> Knowledge:
        """The same, untouched by what is learned later."""
        twin = Knowledge(self.known)
        twin.open, twin._unnamed = dict(self.open), dict(self._unnamed)
        return twin

    def learn(self, keys: Iterable[str]) -> None:
        """These variables have their final value, whoever might have set them."""
        self.known.update(keys)

    def forget(self, patterns: Iterable[str], who: str) -> None:
        """`who` may set these variables when it runs."""
        for pattern in patterns:
            self.open[pattern] = who
            if not pattern.isidentifier():
                self._unnamed[pattern] = None
            if _is_glob(pattern):
                self.known = {key for key in self.known if not fits(key, pattern)}
            else:
                self.known.discard(pattern)

    def who_sets(self, key: str) -> str:
        """The recipe that may still set a variable, or ""."""
        if key in self.known:
            return ""
        if key in self.open:
            return self.open[key]
        if "*" in self._unnamed:
            return self.open["*"]
        return next((self.open[p] for p in self._unnamed if fits(key, p)), "")

    def let_out(self, patterns: Iterable[str]) -> dict[str, str]:
        """Of the open patterns, the part that a recipe exporting `patterns` hands on."""
        exported = list(patterns)
        names = [pattern for pattern in exported if pattern.isidentifier()]
        # A name fits only itself, so that where a recipe exports names alone what is open need
        # not be gone through: in a long list of dependencies that is much.
        found = {name: self.open[name] for name in names if name in self.open}
        globs = [pattern for pattern in exported if not pattern.isidentifier()]
        for pattern in self.open if globs else self._unnamed:
            who = self.open[pattern]
            if pattern.isidentifier():
                if any(fits(pattern, glob) for glob in globs):
                    found[pattern] = who
                continue
            for other in exported:
                if fits(pattern, other):
                    found[pattern] = who
                elif fits(other, pattern) and (_is_glob(other) or other not in self.known):
                    found[other] = who
        return found


def _is_glob(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def fits(name: str, pattern: str) -> bool:
    """What `fnmatch.fnmatchcase` says, quickly for the patterns that recipes write most."""
    if name == pattern:
        return True
    at = pattern.find("*")
    if at < 0 and "?" not in pattern and "[" not in pattern:
        return False
    if at == len(pattern) - 1 and "?" not in pattern and "[" not in pattern:
        return name.startswith(pattern[:-1])
    return fnmatchcase(name, pattern)


def undecided(
    entry: Mapping[str, Any], env: Mapping[str, Any], dialect: Dialect, knowledge: Knowledge
) -> list[str]:
    """Variables that must be known before the conditions of an entry can be judged for good.

    Empty when what is known decides already: one condition that surely fails is enough.
    """
    if not knowledge.open:
        return []
    open_keys: list[str] = []
    for kind, needs_all, skips in (
        ("enable_if_env", True, False),
        ("enable_if_any_env", False, False),
        ("skip_if_env", True, True),
        ("skip_if_any_env", False, True),
    ):
        spec = entry.get(kind)
        if not isinstance(spec, Mapping):
            continue
        test = "enable_if_env" if needs_all else "enable_if_any_env"
        unsure = [key for key in map(str, spec) if _is_open(key, env, knowledge)]
        sure = [
            not conditions.skip_reason({test: {key: values}}, env, dialect)
            for key, values in spec.items()
            if str(key) not in unsure
        ]
        holds: bool | None
        if needs_all:
            holds = False if False in sure else None if unsure else True
        else:
            holds = True if True in sure else None if unsure else False
        if holds is skips:
            return []  # This one alone leaves the entry out, whatever the others say.
        if holds is None:
            open_keys += unsure
    return list(dict.fromkeys(open_keys))


def _is_open(key: str, env: Mapping[str, Any], knowledge: Knowledge) -> bool:
    """Whether a variable may have another value in the run, or one that is still to be filled."""
    return bool(knowledge.who_sets(key)) or "<<<" in str(env.get(key) or "")


def undecided_tags(dep: Mapping[str, Any], dialect: Dialect, knowledge: Knowledge) -> list[str]:
    """Variables that the tags of a dependency are made from and that may still change."""
    keys: list[str] = [str(key) for key in dep.get("update_tags_from_env") or ()]
    for names in (dep.get("update_tags_from_env_with_prefix") or {}).values():
        keys += [names] if isinstance(names, str) else [str(name) for name in names or ()]
    for condition in (dep.get("update_tags_if_env") or {}).values():
        for spec in condition.values() if isinstance(condition, Mapping) else ():
            keys += [str(key) for key in spec] if isinstance(spec, Mapping) else []
    if dialect.dep_tag_placeholders:
        from cm_script.placeholders import names as placeholder_names

        keys += placeholder_names(dep.get("tags"))
    own = dep.get("env") or {}
    return [key for key in dict.fromkeys(keys) if not own.get(key) and knowledge.who_sets(key)]
