"""The two dialects of recipes, and every rule in which they differ.

A recipe with `_cm.yaml` or `_cm.json` is written for CM, one with `meta.yaml` or `meta.json` for
MLCFlow. The engine asks the fields of this one table; no other module compares dialect names.
"""

from __future__ import annotations

from cmcore.hints import NamedTuple

_PROXIES = (
    "GH_TOKEN",
    "ftp_proxy",
    "FTP_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "socks_proxy",
    "SOCKS_PROXY",
)
_FLAGS = (
    "input",
    "output",
    "outdirname",
    "outbasename",
    "name",
    "extra_cache_tags",
    "skip_compile",
    "skip_run",
    "accept_license",
    "skip_system_deps",
    "git_ssh",
    "gh_token",
)
_LOCAL = (
    "VERSION",
    "VERSION_MIN",
    "VERSION_MAX",
    "VERSION_MAX_USABLE",
    "DETECTED_VERSION",
    "INPUT",
    "OUTPUT",
    "OUTBASENAME",
    "OUTDIRNAME",
    "NAME",
    "EXTRA_CACHE_TAGS",
    "TMP_*",
    "GIT_*",
    "RENEW_CACHE_ENTRY",
)


class Dialect(NamedTuple):
    """One row per dialect, one column per difference.

    Attributes:
        name: `cm` or `mlc`.
        prefix: what the names of engine variables begin with, `CM_` or `MLC_`.

        append_env_lists: a list in a block's `env` extends the list that is there instead of
            replacing it.
        unique_nested_lists: merging dictionaries keeps nested lists free of duplicates, too.

        mapped_flags_are_const: flags of `input_mapping` beat variations and versions.
        base_is_block: the recipe's own meta is applied like a variation, after the flags, with
            its placeholders resolved at once and its conditional blocks honoured.
        versions_first: the requested version's block is applied before the variations.
        version_variation: a requested version V also switches on variation `version.V`.

        bases_first: bases of variations are applied before the variations that need them.
        dynamic_base_once: a dynamic base is not added when its prefix was chosen already.
        bases_of_combined: combined variations may have bases.
        dynamic_combined: `a,x.#` matches `a` with any `x.value`.
        combined_after_each: combined variations are applied after every single one rather than
            once at the end.
        recipe_default_variations: `default_variations` also counts at the top of the meta, in
            versions and in conditional blocks.

        newest_condition_first: of several conditional blocks, older ones are applied last.
        conditional_keys: what a conditional block may change.
        docker_in_state: container settings are visible to recipes as `state["docker"]`.
        placeholder_is_false: in conditions, a value with an unresolved placeholder is not set.

        local_keys: names and patterns of variables that dependencies do not see.
        dep_tag_placeholders: placeholders in the tags of a dependency are resolved.

        host_facts: variables, without prefix, and the facts about the host that they hold.
        host_env: variables taken from the process environment when they are not set.
        flag_env: flags that become `<prefix><FLAG>`.
        tmp_flag_env: flags that become `<prefix>TMP_<FLAG>`.
        skip_sudo_key: variable behind the flag `skip_sudo`.
        run_dir_key: variable with the directory that the whole run started in, or "".
        absolute_outdir: `outdirname` is made absolute.

        version_suffix_counts: in versions, what follows the digits of a part counts.
        version_prefix_fits: a detected `3.9.1` satisfies a requested `3.9`.
        version_tag_base: `1.2-git-abc` is also filed as `1.2`.

        predeps_hook: the hook `predeps` is called before the dependencies run.
        dep_may_fail: a dependency that says `continue_on_error` may fail.
        resolved_variations_in_hooks: hooks, and the tags of a cache entry, show all variations
            rather than those asked for.
        const_merges_lists: lists of constants extend variables at the native step.
        native_names: name parts, in order of preference, of platform specific native scripts;
            `flavor`, `version`, `platform`, `like`, `type`.
        lone_output_key_is_empty: a line without `=` in `tmp-run-env.out` sets an empty variable.
        missing_file_code: what `parse_version` answers when its file is not there.
        plain_list_joiner: joins a plain list when it is exported; "" exports Python's notation.
        script_link_key: key in a cache entry's meta that names its recipe.
        script_link_tag: prefix of the tag that does the same.
    """

    name: str
    prefix: str

    append_env_lists: bool
    unique_nested_lists: bool

    mapped_flags_are_const: bool
    base_is_block: bool
    versions_first: bool
    version_variation: bool

    bases_first: bool
    dynamic_base_once: bool
    bases_of_combined: bool
    dynamic_combined: bool
    combined_after_each: bool
    recipe_default_variations: bool

    newest_condition_first: bool
    conditional_keys: frozenset[str]
    docker_in_state: bool
    placeholder_is_false: bool

    local_keys: tuple[str, ...]
    dep_tag_placeholders: bool

    host_facts: tuple[tuple[str, str], ...]
    host_env: tuple[str, ...]
    flag_env: tuple[str, ...]
    tmp_flag_env: tuple[str, ...]
    skip_sudo_key: str
    run_dir_key: str
    absolute_outdir: bool

    version_suffix_counts: bool
    version_prefix_fits: bool
    version_tag_base: bool

    predeps_hook: bool
    dep_may_fail: bool
    resolved_variations_in_hooks: bool
    const_merges_lists: bool
    native_names: tuple[tuple[str, ...], ...]
    lone_output_key_is_empty: bool
    missing_file_code: int
    plain_list_joiner: str
    script_link_key: str
    script_link_tag: str

    def key(self, name: str) -> str:
        """The engine variable `name`, for example `key("VERSION")` is `CM_VERSION`."""
        return self.prefix + name


CM = Dialect(
    name="cm",
    prefix="CM_",
    append_env_lists=False,
    unique_nested_lists=False,
    mapped_flags_are_const=True,
    base_is_block=False,
    versions_first=False,
    version_variation=False,
    bases_first=False,
    dynamic_base_once=True,
    bases_of_combined=False,
    dynamic_combined=False,
    combined_after_each=True,
    recipe_default_variations=False,
    newest_condition_first=True,
    conditional_keys=frozenset({"env", "state", "docker"}),
    docker_in_state=True,
    placeholder_is_false=False,
    local_keys=tuple("CM_" + name for name in _LOCAL),
    dep_tag_placeholders=False,
    host_facts=(),
    host_env=_PROXIES,
    flag_env=_FLAGS,
    tmp_flag_env=("path",),
    skip_sudo_key="CM_TMP_SKIP_SUDO",
    run_dir_key="",
    absolute_outdir=False,
    version_suffix_counts=True,
    version_prefix_fits=False,
    version_tag_base=False,
    predeps_hook=False,
    dep_may_fail=False,
    resolved_variations_in_hooks=False,
    const_merges_lists=True,
    native_names=(
        ("flavor", "version", "platform"),
        ("flavor", "platform"),
        ("flavor", "version"),
        ("flavor",),
        ("platform",),
        (),
    ),
    lone_output_key_is_empty=True,
    missing_file_code=16,
    plain_list_joiner="",
    script_link_key="associated_script_artifact",
    script_link_tag="script-artifact-",
)

MLC = Dialect(
    name="mlc",
    prefix="MLC_",
    append_env_lists=True,
    unique_nested_lists=True,
    mapped_flags_are_const=False,
    base_is_block=True,
    versions_first=True,
    version_variation=True,
    bases_first=True,
    dynamic_base_once=False,
    bases_of_combined=True,
    dynamic_combined=True,
    combined_after_each=False,
    recipe_default_variations=True,
    newest_condition_first=False,
    conditional_keys=frozenset(
        {
            "default_env",
            "env",
            "const",
            "state",
            "const_state",
            "docker",
            "apptainer",
            "ad",
            "add_deps",
            "adr",
            "add_deps_recursive",
            "default_variations",
        }
    ),
    docker_in_state=False,
    placeholder_is_false=True,
    local_keys=(*("MLC_" + name for name in _LOCAL), "MLC_SEARCH_FOLDER_PATH"),
    dep_tag_placeholders=True,
    host_facts=(("HOST_PLATFORM_FLAVOR", "machine"), ("HOST_OS_TYPE", "platform")),
    host_env=("USER", "HOME", *_PROXIES),
    flag_env=(*_FLAGS, "search_folder_path", "skip_sudo", "hf_token", "verify_ssl"),
    tmp_flag_env=("path", "folder"),
    skip_sudo_key="MLC_SKIP_SUDO",
    run_dir_key="MLC_USER_RUN_DIR",
    absolute_outdir=True,
    version_suffix_counts=False,
    version_prefix_fits=True,
    version_tag_base=True,
    predeps_hook=True,
    dep_may_fail=True,
    resolved_variations_in_hooks=True,
    const_merges_lists=False,
    native_names=(
        ("flavor", "version", "platform"),
        ("flavor", "version"),
        ("flavor", "platform"),
        ("flavor",),
        ("like", "platform"),
        ("like",),
        ("type", "platform"),
        ("type",),
        ("platform",),
        (),
    ),
    lone_output_key_is_empty=False,
    missing_file_code=1,
    plain_list_joiner=":",
    script_link_key="associated_script_item",
    script_link_tag="script-item-",
)


def for_form(form: str) -> Dialect:
    """The dialect of a meta file form (`cm` or `mlc`), as `Artifact.form` names it."""
    return MLC if form == "mlc" else CM
