"""When a cached result is the result of this request: what it was made from, then and now.

Tags find entries, as users know it. Whether one of them is served is decided by what it was made
from: the recipe's files, its variations, the version asked for, and the variables that it, and the
recipes that ran below it, look at. An entry records all of that when it is published, as a build
tool's dependency file does, so that a look-up compares and computes nothing.

Three things a later request need not repeat. A place where something was found (`--path`, a
variable that ends with `_PATH` ...) was said once, when the tool or the data was made known. A
request for no version takes any, unless the recipe has a default. And variables that say how to run
rather than what to make (`QUIET`, `SUDO`, temporary ones, facts about the host, credentials) are no
part of any identity.
"""

from __future__ import annotations

import os

from cm_script.records import is_secret
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.reads import Reads
    from cm_script.run import RecipeRun
    from cmcore.types import Artifact, CacheEntry

#: Files of a recipe folder that do not change what it does.
_DESCRIBES = (".md", ".rst", ".pyc", ".png", ".jpg", ".svg")
#: Keys of a meta that do not change what it does.
_DESCRIBES_TEXT = """
    tests docker input_description category category_sort developers uid alias sort
    automation_alias automation_uid sub_category title description tags tags_help name
    readme private gui print_files_if_script_error warnings prehook_comment comment
"""
_DESCRIBING = frozenset(_DESCRIBES_TEXT.split())
#: Variables, without prefix, that say how to run, or that something else of the key stands for.
_ASIDE_BEGIN = (
    *("TMP_", "HOST_", "CURRENT_", "SKIP_", "GIT_AUTH", "GIT_SSH", "GH_", "HF_", "SUDO"),
    *("VERBOSE", "QUIET", "SILENT", "DEBUG", "VERSION", "DETECTED_VERSION", "RUN_STATE"),
    *("RENEW_CACHE_ENTRY", "GET_DEPENDENT_CACHED_PATH", "USER_RUN_DIR", "SEARCH_FOLDER"),
    *("VERIFY_SSL", "ACCEPT_LICENSE"),
)
_ASIDE = ("NAME", "EXTRA_CACHE_TAGS")
#: Ends of the names of variables that say where something is.
_PLACE_ENDS = (
    *("_PATH", "_DIR", "_DIRNAME", "_FILE", "_FILENAME", "_FOLDER", "_LOCATION", "_HOME"),
    *("_ROOT", "_INPUT", "_OUTPUT"),
)
_PLACES = frozenset(("path", "input", "output", "outdirname", "folder"))
#: Longer values are recorded by digest.
_LONGEST = 1000
#: `(recipe folder) -> (what its files look like, digest)`, of this process.
_digests: dict[str, tuple[list[list[object]], str]] = {}


def difference(run: RecipeRun, entry: CacheEntry) -> str:
    """What an entry was made from that this run does not ask for, in words; "" when all is equal.

    Entries that record nothing, because another engine made them, are judged by their tags alone.
    """
    key = entry.meta.get("key")
    if not isinstance(key, Mapping) or run.engine.cache.by_tags:
        return ""
    if entry.meta.get("class") == "measured" and not run.engine.cache.measured:
        return "it is a measurement; --reuse_measured serves it"
    return (
        _variations_differ(run, key)
        or _version_differs(run, entry, key)
        or _flags_differ(run, key)
        or _recipe_differs(run, entry, key)
        or _below_differs(run, entry)
        or _edits_differ(run, entry)
        or _inputs_differ(run, entry)
    )


def _variations_differ(run: RecipeRun, key: Mapping[str, Any]) -> str:
    then, now = key.get("variations"), run.scope.variations
    if not isinstance(then, list) or set(then) == set(now):
        return ""
    there = [f"_{name}" for name in then if name not in now]
    here = [f"_{name}" for name in now if name not in then]
    return f"variations: {against(' '.join(there), ' '.join(here))}"


def _version_differs(run: RecipeRun, entry: CacheEntry, key: Mapping[str, Any]) -> str:
    """Compare the default of a recipe with an entry that was asked for by version."""
    default = str(run.scope.default_version or "")
    then = key.get("version")
    if not default or not isinstance(then, Mapping) or any(run.scope.version_request.values()):
        return ""
    exact = str(then.get("version") or "")
    if exact and exact != default:
        return f"version: {against(exact, default + ' by default')}"
    return ""


def _flags_differ(run: RecipeRun, key: Mapping[str, Any]) -> str:
    then = key.get("inputs")
    if not isinstance(then, Mapping):
        return ""
    now, mapping = mapped_inputs(run), run.scope.meta.get("input_mapping") or {}
    for name in {**then, **now}:
        one, two = then.get(name), now.get(name)
        place = name in _PLACES or str(mapping.get(name)).endswith(_PLACE_ENDS)
        if one != two and not (two is None and place):
            return f"--{name}: {against(one, two)}"
    return ""


def _recipe_differs(run: RecipeRun, entry: CacheEntry, key: Mapping[str, Any]) -> str:
    then = key.get("digest")
    if not isinstance(then, str) or not then:
        return ""
    folder = run.artifact.path
    files = entry.meta.get("recipe_files")
    if isinstance(files, list) and files == look(folder):
        return ""
    return "" if digest(run) == then else "the recipe's files: changed since"


def _below_differs(run: RecipeRun, entry: CacheEntry) -> str:
    if not entry.meta.get("below"):
        return ""
    from cm_script.below import difference

    return difference(run.engine, entry)


def _edits_differ(run: RecipeRun, entry: CacheEntry) -> str:
    if not entry.meta.get("named"):
        return ""
    from cm_script.edited import difference

    return difference(run, entry)


def _inputs_differ(run: RecipeRun, entry: CacheEntry) -> str:
    then = entry.meta.get("inputs")
    if not isinstance(then, Mapping):
        return ""
    env, prefix = run.env, run.dialect.prefix
    for name, one in then.items():
        now = env.get(name)
        if now is None:
            if one is None or _is_place(name, prefix):
                continue
        elif one == now or one == as_recorded(now):
            continue
        return f"{name}: {against(one, None if now is None else as_recorded(now))}"
    return ""


def _is_place(name: str, prefix: str) -> bool:
    return name.endswith(_PLACE_ENDS) or name in (prefix + "INPUT", prefix + "OUTPUT")


def against(then: object, now: object) -> str:
    """What was and what is asked for, beside each other in words."""
    return f"{_shown(then)} there, {_shown(now)} here"


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, Mapping):
        return "another text"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def as_recorded(value: object) -> object:
    """A variable's value as an entry records it: a text, or the digest of a long one."""
    text = value if isinstance(value, str) else _text(value)
    if len(text) <= _LONGEST:
        return text
    import hashlib

    return {"sha256": hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()}


def _text(value: object) -> str:
    if isinstance(value, (list, dict)):
        from cmcore.jsontext import dumps

        return dumps(value, sort_keys=True, default=str)
    return str(value)


def mapped_inputs(run: RecipeRun) -> dict[str, Any]:
    """Flags of this run that the recipe maps to variables, without those that hold secrets."""
    mapping = run.scope.meta.get("input_mapping") or {}
    return {
        name: run.inputs[name]
        for name in mapping
        if isinstance(name, str) and name in run.inputs and not is_secret(name)
    }


# -- what is recorded -------------------------------------------------------------------------


def own_inputs(run: RecipeRun, env: Mapping[str, Any]) -> dict[str, Any]:
    """Variables that the recipe itself looks at, with their values in `env` (None: unset)."""
    return _values(_names(run), env, run.dialect.prefix)


def inputs(run: RecipeRun, env: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the recipe and all that ran below it, less what they told each other.

    Args:
        env: the environment when the cache was asked.
    """
    return _values(_names_below(run), env, run.dialect.prefix)


def looked_at(run: RecipeRun, env: Mapping[str, Any]) -> set[str]:
    """Variables that the recipe or one that ran below it looks at, whoever has set them."""
    return set(_values(names_of(run), env, run.dialect.prefix))


def names_of(run: RecipeRun) -> set[str]:
    """All variables that the recipe or one that ran below it names, secrets included."""
    names = {name for name in _reads(run).names if name.isupper() and len(name) > 2}
    for child in run.children:
        names |= names_of(child)
    return names


def _names_below(run: RecipeRun) -> set[str]:
    """Names that the outcome of a run depends on, as far as they come from outside it."""
    exported: set[str] = set()
    names: set[str] = set()
    for child in run.children:
        recorded = child.entry.meta.get("inputs") if child.entry is not None else None
        below = set(recorded) if isinstance(recorded, Mapping) else _names_below(child)
        names |= below - exported
        exported |= child.exports
    names |= _names(run) - exported
    return names - run.exports


def _names(run: RecipeRun) -> set[str]:
    literal = {name for name in _reads(run).names if name.isupper() and len(name) > 2}
    return literal - run.exports


def _reads(run: RecipeRun) -> Reads:
    from cm_script import reads

    memo, meta, chosen = run.engine.reads, run.artifact.meta, run.scope.variations
    which = run.artifact.path, frozenset(chosen)
    if which not in memo:
        described = meta.get("variations")
        if isinstance(described, Mapping):
            # What only a variation that was not chosen looks at has no part in the result.
            kept = {n: block for n, block in described.items() if _is_chosen(str(n), chosen)}
            meta = {**meta, "variations": kept}
        # A variable that is only passed on is passed on by a hit as well.
        memo[which] = reads.of_recipe(run.artifact.path, _without_exports(meta)).env
    return memo[which]


def _without_exports(meta: Any) -> Any:
    if isinstance(meta, Mapping):
        return {k: _without_exports(v) for k, v in meta.items() if k != "new_env_keys"}
    return [_without_exports(item) for item in meta] if isinstance(meta, list) else meta


def _is_chosen(name: str, chosen: Iterable[str]) -> bool:
    if name.endswith(".#"):
        return any(one.startswith(name[:-1]) for one in chosen)
    return name in chosen


def _values(names: Iterable[str], env: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(names):
        own = name.startswith(prefix)
        if is_secret(name) or is_aside(name, prefix):
            continue
        if not own and (name not in env or name.startswith(("CM_", "MLC_"))):
            continue  # a variable of the shell, or of the other dialect
        value = env.get(name)
        found[name] = None if value is None else as_recorded(value)
    return found


def is_aside(name: str, prefix: str) -> bool:
    """Whether a variable of this name says how to run or tells of the host, not what to make."""
    own = name[len(prefix) :]
    aside = own.startswith(_ASIDE_BEGIN) and own != "TMP_PATH"
    return name.startswith(prefix) and (aside or own in _ASIDE)


def look(folder: str) -> list[list[object]]:
    """What the files that make a recipe look like: name, size, time of the last change (ns)."""
    found: list[list[object]] = []
    try:
        with os.scandir(folder) as listing:
            for one in listing:
                if one.is_dir(follow_symlinks=False):
                    if one.name not in ("__pycache__", ".git"):
                        found += [[f"{one.name}/{n}", *rest] for n, *rest in look(one.path)]
                elif not one.name.endswith(_DESCRIBES):
                    status = one.stat()
                    found.append([one.name, status.st_size, status.st_mtime_ns])
    except OSError:
        found.append(["", 0, 0])
    found.sort(key=lambda row: str(row[0]))
    return found


def digest(run: RecipeRun) -> str:
    """SHA-256 over what makes a recipe: its meta less what only describes, and its files."""
    return digest_of(run.artifact)


def digest_of(artifact: Artifact) -> str:
    """The same for a recipe that is not run."""
    folder = artifact.path
    seen = look(folder)
    known = _digests.get(folder)
    if known is None or known[0] != seen:
        known = (seen, _digest(folder, seen, artifact.meta))
        _digests[folder] = known
    return known[1]


def _digest(folder: str, files: Iterable[list[object]], meta: Mapping[str, Any]) -> str:
    import hashlib
    import json

    from cmcore.artifacts import META_FILES

    kept = {key: value for key, value in meta.items() if key not in _DESCRIBING}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), default=str)
    whole = hashlib.sha256(text.encode(errors="surrogateescape"))
    for name, *_ in files:
        if name in META_FILES:
            continue
        whole.update(str(name).encode(errors="surrogateescape") + b"\0")
        try:
            with open(os.path.join(folder, str(name)), "rb") as file:
                whole.update(hashlib.sha256(file.read()).digest())
        except OSError:
            whole.update(b"unreadable")
    return whole.hexdigest()


def uses(run: RecipeRun) -> list[str]:
    """UIDs of the cached entries that went into a result, directly or through uncached recipes."""
    found: list[str] = []
    for child in run.children:
        found += [child.entry.uid] if child.entry is not None else uses(child)
    return list(dict.fromkeys(found))
