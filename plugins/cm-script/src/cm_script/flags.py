"""The engine's own run flags: what each one means and which variable recipes see it as.

A flag that the chosen recipe maps to a variable (`input_mapping`) is not listed here; `known()`
joins both, so that a misspelt flag is named instead of being ignored.
"""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_script.dialects import Dialect

#: Words that switch a flag off when given as its value; anything else but "" switches it on.
_OFF = frozenset({"no", "off", "false", "0", "none", ""})

#: Flags that name what to run or set up the run tree; never meant for a recipe.
_REQUEST = """
    tags artifact artifacts unparsed_cmd cmd dialect
    env state const const_state ad adr add_deps add_deps_recursive
    version version_min version_max version_max_usable
    run_state force_new_env_keys force_new_state_keys remembered_selections
    recursion recursion_spaces detected_versions
"""
REQUEST_FLAGS = frozenset(_REQUEST.split())

#: Flags that change how the engine runs: name -> one line for `--help`.
ENGINE_FLAGS: dict[str, str] = {
    "quiet": "take the first choice instead of asking",
    "silent": "say nothing but errors and what steps print",
    "verbose": "explain every decision",
    "fake_run": "run dependencies, but neither hooks nor native steps of the recipe itself",
    "prepare": "the same as --fake_run",
    "fake_deps": "resolve dependencies without running them",
    "skip_cache": "neither look into the cache nor write to it",
    "force_cache": "cache a recipe that allows it but does not by default",
    "jobs": "build up to N independent dependencies at once; a number, or auto for one per CPU",
    "new": "make another cache entry even when one fits",
    "renew": "run again inside the cache entry that fits",
    "cache_reuse": "what decides on a hit: key (what it was made from), or tags as in CM",
    "reuse_measured": "serve measurements (benchmark results) from the cache as well",
    "explain": "say for each recipe why the cache answers or does not",
    "only_execute_from_cache": "fail instead of running when nothing is cached",
    "extra_cache_tags": "comma separated tags for the cache entry",
    "cache_expiration": "time after which the cache entry is stale, such as 30m, 12h or 7d",
    "skip_remembered_selections": "ask again for choices made earlier in this run",
    "ignore_script_error": "go on when a native step fails",
    "skip_sys_utils": "do not install system packages",
    "skip_sudo": "do not use sudo",
    "skip_write_test": "do not check that the current folder can be written",
    "print_env": "print the environment before the recipe's native step",
    "print_deps": "list the dependencies that the recipe ran, as commands",
    "print_versions": "list the versions of all recipes that the run used",
    "dump_version_info": "write these versions into the current folder (version_info.json)",
    "print_readme": "write README-cm.md: how to repeat this run, and each of its dependencies",
    "save_env": "write the new environment as a shell script into the current folder",
    "shell": "when the recipe is done, open a shell with its new environment",
    "debug": "the same as --debug_script, for recipes without an input of that name",
    "debug_script": "stop before the recipe's native step, in a shell with its environment",
    "debug_script_tags": "the same for whichever recipe of the run has all of these tags",
    "json": "print the result as JSON, as --out=json does",
    "repro": "record input, output, versions and system, to repeat and compare the run",
    "repro_dir": "folder for the files of --repro (cm-repro)",
    "repro_prefix": "what the names of the files of --repro begin with (cm-run-script)",
    "mlc_output": "write the result to tmp-state.json and tmp-run-env.out",
    "input_file": "JSON or YAML file with more flags; those on the command line win",
    "mlc_input_file": "the same as --input_file",
    "mlc_isolate": "run in an empty temporary folder, with an empty cache",
    "mlc_isolate_dir": "where to make the folder of --mlc_isolate",
    "mlc_isolate_clean": "remove the folder of --mlc_isolate in the end",
    "space": "print how much disk space the run took",
    "pause": "wait for the Enter key in the end",
    "script_call_prefix": "how logs and readmes spell `cm run script`",
    "time": "print how long each recipe took",
    "dirty": "keep temporary files",
    "debug_uid": "identifier handed to recipes for debugging",
    "docker_run_deps": "run the recipe's docker.deps as well",
    "path": "where to look for the tool first",
    "input": "path that the recipe reads",
    "output": "path that the recipe writes",
    "outdirname": "folder to run in and to write to",
    "outbasename": "base name of what the recipe writes",
    "search_folder_path": "folders that are searched for a tool as a last resort",
    "folder": "folder that the recipe works in",
    "name": "name under which the result is cached",
    "skip_compile": "recipes leave out compilation",
    "skip_run": "recipes leave out the run itself",
    "accept_license": "recipes may accept licences",
    "skip_system_deps": "recipes leave out system packages",
    "git_ssh": "clone through SSH",
    "gh_token": "token for private GitHub repositories",
    "hf_token": "token for Hugging Face",
    "verify_ssl": "check certificates",
}

#: Short spellings -> flag.
SHORT = {"s": "silent", "v": "verbose", "q": "quiet", "j": "json"}

_EXTRAS = """
    print_deps print_versions dump_version_info print_readme shell debug debug_script
    debug_script_tags json j repro mlc_output space pause
"""
#: Flags about what happens around a run; `extras` is imported when one of them is given.
EXTRAS = frozenset(_EXTRAS.split())

_CHECKED = """
    version version_min version_max version_max_usable cache_expiration adr ad add_deps
    add_deps_recursive path outdirname outbasename name extra_cache_tags repro_dir repro_prefix
    debug_script_tags script_call_prefix input_file mlc_input_file mlc_isolate_dir json j
"""
#: Flags whose value `typed` looks at before anything else is done.
CHECKED = frozenset(_CHECKED.split())


class Options(NamedTuple):
    """The engine flags of one recipe's run, as booleans."""

    quiet: bool
    silent: bool
    verbose: bool
    fake_run: bool
    fake_deps: bool
    skip_cache: bool
    force_cache: bool
    new: bool
    renew: bool
    only_from_cache: bool
    ignore_script_error: bool
    skip_remembered: bool
    save_env: bool
    print_env: bool
    print_deps: bool
    time: bool
    dirty: bool


_NONE = Options(*[False] * len(Options._fields))
#: Those of a run without options of its own, by what it inherits.
_AS_INHERITED: dict[tuple[bool, ...], Options] = {}
#: Flags that `Options` is made from, and those that recipes below inherit by a variable.
_OPTIONS = frozenset(
    {*Options._fields, "prepare", "only_execute_from_cache", "skip_remembered_selections"}
)
_INHERITED = {
    "quiet": "QUIET",
    "verbose": "VERBOSE",
    "skip_remembered_selections": "SKIP_REMEMBERED_SELECTIONS",
}


class CacheWishes(NamedTuple):
    """What a request says about the use of the cache, for all of its recipes."""

    by_tags: bool = False
    measured: bool = False
    explain: bool = False


def is_on(value: object) -> bool:
    """Whether a flag's value switches it on: `--x`, `--x=yes`, True; not `--x=no`, `--x-`, ""."""
    if isinstance(value, str):
        return value.strip().lower() not in _OFF
    return bool(value)


def read(inputs: dict[str, Any], env: Mapping[str, Any], dialect: Dialect) -> Options:
    """The options of one run; long spellings are added to the short ones in `inputs`."""
    for short, name in SHORT.items():
        if short in inputs:
            inputs.setdefault(name, inputs[short])

    inherited = tuple(is_on(env.get(dialect.prefix + n, "")) for n in _INHERITED.values())
    if _OPTIONS.isdisjoint(inputs):  # as for most dependencies
        if inherited not in _AS_INHERITED:
            quiet, verbose, remembered = inherited
            _AS_INHERITED[inherited] = _NONE._replace(
                quiet=quiet, verbose=verbose, skip_remembered=remembered
            )
        return _AS_INHERITED[inherited]
    by_env = dict(zip(_INHERITED, inherited, strict=True))

    def on(name: str) -> bool:
        return is_on(inputs[name]) if name in inputs else by_env.get(name, False)

    silent, verbose = on("silent"), on("verbose")
    return Options(
        quiet=on("quiet"),
        silent=silent and not verbose,
        verbose=verbose,
        fake_run=on("fake_run") or on("prepare"),
        fake_deps=on("fake_deps"),
        skip_cache=on("skip_cache"),
        force_cache=on("force_cache"),
        new=on("new"),
        renew=on("renew"),
        only_from_cache=on("only_execute_from_cache"),
        ignore_script_error=on("ignore_script_error"),
        skip_remembered=on("skip_remembered_selections"),
        save_env=on("save_env"),
        print_env=on("print_env"),
        print_deps=on("print_deps"),
        time=on("time"),
        dirty=on("dirty"),
    )


def cache_wishes(inputs: Mapping[str, Any], default: object) -> CacheWishes:
    """How a request uses the cache; `default` is the setting `script.cache_reuse`.

    Raises:
        UsageError: `--cache_reuse` is neither `key` nor `tags`.
    """
    chosen = str(inputs.get("cache_reuse") or default or "key")
    if chosen not in ("key", "tags"):
        from cmcore.errors import UsageError

        raise UsageError(
            f"--cache_reuse is key or tags, not '{chosen}'",
            hint="key compares what a result was made from, tags only what it is called",
        )
    return CacheWishes(
        chosen == "tags", is_on(inputs.get("reuse_measured")), is_on(inputs.get("explain"))
    )


#: Options -> the variables by which recipes see that they are on.
_MARKS = {
    "fake_run": ("TMP_FAKE_RUN",),
    "fake_deps": ("TMP_FAKE_DEPS",),
    "silent": ("TMP_SILENT",),
    "verbose": ("VERBOSE", "TMP_VERBOSE"),
    "quiet": ("QUIET",),
    "skip_remembered": ("SKIP_REMEMBERED_SELECTIONS",),
}


def to_environment(
    inputs: Mapping[str, Any],
    options: Options,
    env: dict[str, Any],
    dialect: Dialect,
    host: Mapping[str, str],
) -> None:
    """Write the variables by which recipes see engine flags, host settings and named inputs.

    `host` has those of `dialect.host_env` that the process environment sets.
    """
    prefix = dialect.prefix

    for option, names in _MARKS.items():
        if getattr(options, option):
            for name in names:
                env[prefix + name] = "yes"
    if is_on(inputs.get("skip_sys_utils")):
        env[prefix + "SKIP_SYS_UTILS"] = "yes"
    if is_on(inputs.get("skip_sudo")):
        env[dialect.skip_sudo_key] = "yes"
    if inputs.get("debug_uid"):
        env[prefix + "TMP_DEBUG_UID"] = inputs["debug_uid"]
    env[prefix + "TMP_CURRENT_PATH"] = os.path.abspath(os.getcwd())
    for key, value in host.items():
        if not env.get(key):
            env[key] = value
    for name in dialect.flag_env:
        if inputs.get(name):
            env[prefix + name.upper()] = inputs[name]
    for name in dialect.tmp_flag_env:
        if inputs.get(name):
            env[f"{prefix}TMP_{name.upper()}"] = inputs[name]
    out = prefix + "OUTDIRNAME"
    if dialect.absolute_outdir and env.get(out):
        env[out] = os.path.abspath(str(env[out]))


def known(meta: Mapping[str, Any]) -> set[str]:
    """Every flag that means something to the engine or to the recipe with this meta."""
    names = set(REQUEST_FLAGS) | set(ENGINE_FLAGS) | set(SHORT)
    docker = meta.get("docker")
    blocks: list[object] = [meta, docker]
    blocks += list(_dicts(meta.get("variations"))) + list(_dicts(meta.get("versions")))
    for block in blocks:
        if not isinstance(block, dict):
            continue
        for key in ("input_mapping", "docker_input_mapping", "input_description"):
            mapping = block.get(key)
            if isinstance(mapping, dict):
                # A command line makes underscores of dashes; `map_inputs` takes both.
                names.update(form for n in map(str, mapping) for form in (n, n.replace("-", "_")))
    return names


def _dicts(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else ()


def unknown(
    inputs: Mapping[str, Any], meta: Mapping[str, Any], recipe_path: str
) -> tuple[list[str], set[str]]:
    """Flags that nobody will read, and the flags that somebody would.

    A flag that the recipe's `customize.py` mentions as a quoted word counts as known: hooks may
    read any key of their input.
    """
    names = known(meta)
    strange = [name for name in inputs if name not in names and not name.startswith("docker_")]
    if not strange:
        return [], names
    try:
        with open(
            os.path.join(recipe_path, "customize.py"), encoding="utf-8", errors="replace"
        ) as f:
            text = f.read()
    except OSError:
        text = ""
    return [n for n in strange if f"'{n}'" not in text and f'"{n}"' not in text], names
