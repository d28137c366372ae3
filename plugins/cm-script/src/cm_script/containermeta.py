"""What a composed recipe says about containers: its `docker` settings and what belongs to them."""

from __future__ import annotations

from cm_script.merge import copied, merge
from cm_script.records import is_secret
from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cm_script.run import RecipeRun

#: Ends of names of variables and flags that hold secrets, beside what `is_secret` knows.
_SECRET_ENDS = ("API_KEY", "_PAT", "PASSWD", "PASSPHRASE", "CREDENTIALS", "PRIVATE_KEY")


def settings(run: RecipeRun) -> dict[str, Any]:
    """The recipe's `docker` block, with what its variations, version and conditions add to it.

    A CM recipe's conditional blocks at the top of its meta are for containers only, so they are
    no part of how it is composed and count here. Placeholders are resolved as far as they can be.
    """
    from cm_script import conditions

    docker = copied(run.scope.docker)
    if not run.dialect.base_is_block:
        for entry in run.artifact.meta.get("update_meta_if_env") or ():
            if not isinstance(entry, Mapping) or not isinstance(entry.get("docker"), Mapping):
                continue
            if not conditions.skip_reason(entry, run.env, run.dialect):
                merge(docker, entry["docker"], run.dialect)
    return {
        key: value if key in ("deps", "build_deps") else _resolved(value, run.env)
        for key, value in docker.items()
    }


def _resolved(value: Any, env: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, env) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, env) for item in value]
    if isinstance(value, str) and "<<<" in value:
        from cm_script.placeholders import resolved

        return resolved(value, env)
    return value


def take_defaults(run: RecipeRun, docker: Mapping[str, Any]) -> None:
    """Set the variables of `docker.default_env` that are not set."""
    defaults = docker.get("default_env")
    for name, value in defaults.items() if isinstance(defaults, Mapping) else ():
        run.env.setdefault(str(name), copied(value))


def blocks(run: RecipeRun) -> list[Mapping[str, Any]]:
    """The blocks of the meta that this run is composed from: base, variations, version."""
    from cm_script.blocks import with_suffix
    from cm_script.varnames import application_order

    meta = run.artifact.meta
    variations, versions = meta.get("variations"), meta.get("versions")
    found: list[Any] = [meta]
    if isinstance(variations, dict):
        for key, suffix in application_order(run.scope.variations, variations, run.dialect):
            block = variations.get(key)
            found.append(with_suffix(block, suffix) if suffix else block)
    if isinstance(versions, dict):
        found.append(versions.get(run.scope.version_request.get("version", "")))
    return [block for block in found if isinstance(block, Mapping)]


def input_mapping(run: RecipeRun, docker: Mapping[str, Any]) -> dict[str, str]:
    """Flag -> variable, with those flags that only the `docker` settings map."""
    found: dict[str, str] = {}
    for block in (*blocks(run), docker):
        for key in ("docker_input_mapping", "input_mapping"):
            mapping = block.get(key)
            for flag, name in mapping.items() if isinstance(mapping, Mapping) else ():
                found.setdefault(str(flag), str(name))
    return found


def path_keys(run: RecipeRun) -> dict[str, list[str]]:
    """What is declared to hold a path: `file` and `folder` variables, and `inputs` (flags)."""
    files: list[str] = []
    folders: list[str] = []
    inputs: list[str] = []
    for block in blocks(run):
        for key, names in (("file_path_env_keys", files), ("folder_path_env_keys", folders)):
            given = block.get(key)
            names += [str(name) for name in given] if isinstance(given, list) else []
        described = block.get("input_description")
        for flag, about in described.items() if isinstance(described, Mapping) else ():
            if isinstance(about, Mapping) and about.get("is_path"):
                inputs.append(str(flag))
    return {
        "file": list(dict.fromkeys(files)),
        "folder": list(dict.fromkeys(folders)),
        "inputs": list(dict.fromkeys(inputs)),
    }


def holds_secret(name: str, value: object, variable: str | None = None) -> bool:
    """Whether a variable or flag looks like one that holds a secret, by its name or its text.

    Args:
        name: its name.
        value: what it holds.
        variable: of a flag, the variable that it is mapped to.
    """
    if not value or value is True:
        return False
    for one in (name, variable or ""):
        upper = one.upper().replace("-", "_")
        if is_secret(upper) or upper.endswith(_SECRET_ENDS) or upper == "PAT":
            return True
    text = str(value)
    authority = text.partition("://")[2].partition("/")[0]
    return "@" in authority and "://" in text and authority[0] != "@"


def without_secrets(
    values: Mapping[str, Any], mapping: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """`values` without those that look like secrets, and the dotted names of the latter.

    Args:
        values: variables or flags.
        mapping: of flags, the variables that they are mapped to.
    """
    kept: dict[str, Any] = {}
    secret: list[str] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            inner, names = without_secrets(value)
            secret += [f"{name}.{one}" for one in names]
            if inner or not names:
                kept[name] = inner
        elif holds_secret(name, value, (mapping or {}).get(name)):
            secret.append(name)
        else:
            kept[name] = value
    return kept, secret
