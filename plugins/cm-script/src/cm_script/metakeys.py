"""Keys of recipe meta that nothing reads: a run says so, once, with what may have been meant.

The lists are those of the JSON Schema that `cm lint script` uses; a test compares them. They stand
here again because a run must not read the schema.
"""

from __future__ import annotations

from cm_script import flags
from cm_script.varnames import key_of
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.scope import Scope
    from cmcore.types import Artifact

_RECIPE = """
    _base ad add_deps add_deps_recursive adr alias apptainer automation_alias automation_uid
    cache cache_class cache_expiration can_force_cache category category_sort
    clean_env_keys_post_deps clean_files clean_output_files const const_state customize
    default_env default_variation default_variations default_version deps developers docker
    docker_input_mapping env env_key_mappings extra_cache_tags_from_env file_path_env_keys
    folder_path_env_keys gui input_description input_mapping invalid_variation_combinations
    local_env_keys min_cm_version min_mlc_version mlc_compat name new_env_keys new_state_keys
    post_deps posthook_deps predeps prehook_deps print_env_at_the_end
    print_files_if_script_error private remote_run repo_to_report_errors script_name sort state
    sudo_install tags tags_help tests uid update_meta_if_env valid_variation_combinations
    variation_groups_order variation_tags_alias variations version version_max
    version_max_usable version_min versions warnings
"""
_VARIATION = """
    ad add_deps add_deps_recursive add_deps_tags adr alias apptainer base cache cache_expiration
    const const_state default default_env default_gui default_variation default_variations
    default_version deps docker env exclude-in-test file_path_env_keys folder_path_env_keys
    force_cache group input_description input_mapping names new_env_keys new_state_keys
    post_deps posthook_deps prehook_deps remote_run required_disk_space script_name state
    update_meta_if_env warning warnings
"""
_DEPENDENCY = """
    ad add_deps add_deps_recursive adr clean_env_keys const const_state continue_on_error
    dynamic enable_if_any_env enable_if_env env extra_cache_rm_tags extra_cache_tags force_cache
    force_env_keys force_new_env_keys force_new_state_keys ignore_script_error
    inherit_cache_expiration inherit_variation_tags names new_env_keys reuse_version
    skip_if_any_env skip_if_env skip_if_fake_run skip_inherit_variation_groups
    skip_inside_docker state tags update_meta_if_env update_tags_from_env
    update_tags_from_env_with_prefix update_tags_if_env version version_max version_max_usable
    version_min
"""
#: What the engine adds to an entry when it runs the dependency.
_ADDED = """
    artifact automation action cache_expiration const const_state env local_const
    local_const_state local_env local_state run_state state
"""
RECIPE = frozenset(_RECIPE.split())
VARIATION = frozenset(_VARIATION.split())
DEPENDENCY = frozenset(_DEPENDENCY.split())
_ENTRY = DEPENDENCY.union(_ADDED.split())
_OFF = ("_off", "_disabled", "-off", "-disabled")


def warn(engine: Engine, recipe: Artifact, scope: Scope, inputs: Mapping[str, Any]) -> None:
    """Name the keys without effect of a recipe that is about to run.

    Those of variations that were not chosen are nobody's business now.

    Args:
        engine: its console is told.
        recipe: the recipe.
        scope: its meta, and the variations that were chosen.
        inputs: what it was called with: for a dependency, its entry in the caller's meta.
    """
    meta = scope.meta
    if not RECIPE.issuperset(meta):
        _tell(engine, recipe.name, "a recipe", meta.keys() - RECIPE, RECIPE)
    table = meta.get("variations")
    if isinstance(table, dict):
        for key, block in table.items():
            if isinstance(block, dict) and not VARIATION.issuperset(block):
                chosen = scope.variations
                keys = {key_of(name, table) for name in chosen if name[:1] != "-"}
                if keys.union(chosen).issuperset(key.split(",")):
                    what = f"variation '{key}'"
                    _tell(engine, recipe.name, what, block.keys() - VARIATION, VARIATION)
    if engine.chain and "local_env" in inputs and not _ENTRY.issuperset(inputs):
        # An entry may also hold flags for the recipe that it asks for.
        asked = {key: inputs[key] for key in inputs.keys() - _ENTRY}
        strange, known = flags.unknown(asked, meta, recipe.path)
        what = f"its dependency on {recipe.alias or recipe.uid}"
        _tell(engine, engine.chain[-1], what, strange, DEPENDENCY | known)


def _tell(
    engine: Engine, recipe: str, what: str, strange: Iterable[str], known: Iterable[str]
) -> None:
    from cmcore.naming import did_you_mean, suggestion

    for key in sorted(strange):
        if key.endswith(_OFF) or key[-1:].isdigit():
            continue  # put out of action on purpose
        near = suggestion(did_you_mean(key.replace("-", "_").strip(" \"'"), known, n=1))
        engine.console.warn(
            f"recipe {recipe}: '{key}' is no key of {what} and has no effect"
            + (f"; {near}" if near else "")
        )
