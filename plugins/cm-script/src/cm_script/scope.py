"""What one recipe's run works on.

`env`, `state`, `const`, `const_state` and `adr` are shared by every recipe of one run tree:
they are changed in place and never replaced, because recipe code holds references to them.
Everything else belongs to this one run.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Iterable

if TYPE_CHECKING:
    from cm_script.provenance import Provenance

#: The four dependency lists of a recipe, in the order in which they run.
DEP_KINDS = ("deps", "prehook_deps", "posthook_deps", "post_deps")

Env = dict[str, Any]
Dep = dict[str, Any]
Adr = dict[str, Any]


class Scope:
    """The mutable data of one run of one recipe.

    Attributes:
        env, state, const, const_state: the shared dictionaries of the run tree.
        adr: shared edits of dependencies by name (`add_deps_recursive`).
        meta: this run's own copy of the recipe's meta. Its four dependency lists are the lists
            that will run, so a hook that edits `meta["prehook_deps"]` changes what runs.
        new_env_keys, new_state_keys: patterns of what the run gives back.
        conditionals: accumulated `update_meta_if_env` entries, in the order of application.
        data: knows which values are data; None where nothing is run.
        conditional_defaults: defaults of variation groups that such entries brought.
        docker: accumulated container settings.
        cache: whether the outcome is cached, as the meta says; any truthy value counts.
        cache_expiration: how long a cached outcome is good, for example `30m`, or None.
        default_version: the version taken when none is requested, or "".
        warnings: sentences that the recipe wants shown before it runs.
        script_name: base name of the native script, or "" for the usual one.
        disk_mb: disk space that the chosen variations ask for, in megabytes.
        path_env_keys: `file_path_env_keys` and `folder_path_env_keys`, for containers.
        explicit_variations: as asked for; `-x` excludes `x`.
        variations: all that were applied, in order, in the same notation.
        groups: names of the variations in each group.
        version_request: `version`, `version_min`, `version_max`, `version_max_usable`, as far
            as something was requested.
    """

    __slots__ = (
        "adr",
        "cache",
        "cache_expiration",
        "conditional_defaults",
        "conditionals",
        "const",
        "const_state",
        "data",
        "default_version",
        "disk_mb",
        "docker",
        "env",
        "explicit_variations",
        "groups",
        "meta",
        "new_env_keys",
        "new_state_keys",
        "path_env_keys",
        "script_name",
        "state",
        "variations",
        "version_request",
        "warnings",
    )

    def __init__(
        self,
        *,
        env: Env | None = None,
        state: dict[str, Any] | None = None,
        const: Env | None = None,
        const_state: dict[str, Any] | None = None,
        adr: Adr | None = None,
        meta: dict[str, Any] | None = None,
        conditionals: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.env: Env = {} if env is None else env
        self.state: dict[str, Any] = {} if state is None else state
        self.const: Env = {} if const is None else const
        self.const_state: dict[str, Any] = {} if const_state is None else const_state
        self.adr: Adr = {} if adr is None else adr
        self.meta: dict[str, Any] = {} if meta is None else meta
        self.new_env_keys: list[str] = _texts(self.meta.get("new_env_keys"))
        self.new_state_keys: list[str] = _texts(self.meta.get("new_state_keys"))
        self.conditionals: list[dict[str, Any]] = list(conditionals)
        self.data: Provenance | None = None
        self.conditional_defaults: dict[str, str] = {}
        self.docker: dict[str, Any] = {}
        self.cache: object = self.meta.get("cache", False)
        self.cache_expiration: object = self.meta.get("cache_expiration")
        self.default_version: str = ""
        self.warnings: list[str] = _texts(self.meta.get("warnings"))
        self.script_name: str = str(self.meta.get("script_name") or "")
        self.disk_mb: float = 0
        self.path_env_keys: dict[str, list[str]] = {}
        self.explicit_variations: list[str] = []
        self.variations: list[str] = []
        self.groups: dict[str, list[str]] = {}
        self.version_request: dict[str, str] = {}

    def deps(self, kind: str) -> list[Dep]:
        """The live dependency list `kind` (one of `DEP_KINDS`); made when the meta has none."""
        found = self.meta.get(kind)
        if not isinstance(found, list):
            found = []
            self.meta[kind] = found
        return found


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value] if isinstance(value, list) else []
