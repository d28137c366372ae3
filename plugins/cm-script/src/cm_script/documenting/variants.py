"""Facts about the variations and versions of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cm_script.dialects import for_form
from cm_script.documenting.needs import Needs
from cm_script.documenting.wording import value, when
from cm_script.lint.universe import entries, items, mapping
from cm_script.variations import resolve
from cmcore.errors import CmError
from cmcore.hints import Any

_TOLD_ELSEWHERE = ("deps", "build_deps", "input_mapping", "docker_input_mapping")


def variations(meta: Mapping[str, Any], needs: Needs) -> list[dict[str, Any]]:
    """Every variation with what it does, in the order of the meta."""
    return [
        _variation(str(name), mapping(block), needs)
        for name, block in mapping(meta.get("variations")).items()
    ]


def groups(table: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Groups in the order of the meta; of each at most one variation is on."""
    found: dict[str, dict[str, Any]] = {}
    for variation in table:
        name = variation["group"]
        if not name:
            continue
        group = found.setdefault(name, {"name": name, "default": "", "members": []})
        group["members"].append(variation["name"])
        if variation["default"]:
            group["default"] = variation["name"]
    return list(found.values())


def chosen(meta: Mapping[str, Any], form: str, asked: Sequence[str] = ()) -> list[str]:
    """The variations that a request switches on, those of defaults and bases included.

    Raises:
        CmError: they do not go together.
    """
    dialect = for_form(form)
    outer = [mapping(meta.get("default_variations"))] if dialect.recipe_default_variations else []
    try:
        resolved = resolve(list(asked), meta, dialect, outer)
    except (TypeError, AttributeError):  # a value of the wrong shape somewhere in the meta
        raise CmError(
            "the meta's variations cannot be read", hint="'cm lint script' tells what is wrong"
        ) from None
    return [name for name in resolved.variations if not name.startswith(("-", "~"))]


def by_default(meta: Mapping[str, Any], form: str) -> list[str]:
    """The variations that are on when nothing is asked for; none when the meta is at odds."""
    try:
        return chosen(meta, form)
    except CmError:
        return []


def versions(meta: Mapping[str, Any], needs: Needs) -> dict[str, Any]:
    """The default version, limits, and the versions that the meta knows with what they do."""
    return {
        "default": value(meta.get("default_version")),
        "limits": {
            key: value(meta[key])
            for key in ("version", "version_min", "version_max", "version_max_usable")
            if meta.get(key)
        },
        "known": [
            {"version": str(name), **effect(mapping(block), needs)}
            for name, block in mapping(meta.get("versions")).items()
        ],
    }


def effect(block: Mapping[str, Any], needs: Needs) -> dict[str, Any]:
    """What a block of meta changes when it is applied."""
    changes: dict[str, Any] = {}
    for key in ("ad", "add_deps", "adr", "add_deps_recursive"):
        for name, change in mapping(block.get(key)).items():
            known = changes.setdefault(str(name), {})
            known.update({str(k): value(v) for k, v in mapping(change).items()})
    return {
        "env": texts(block.get("env")),
        "default_env": texts(block.get("default_env")),
        "deps": needs.of(block),
        "changes": changes,
        "new_env_keys": [str(key) for key in items(block.get("new_env_keys"))],
        "docker": texts(settings(block)),
        "conditional": [
            text for _, e in entries(block.get("update_meta_if_env")) if (text := when(e))
        ],
    }


def settings(block: Mapping[str, Any]) -> dict[str, Any]:
    """Container settings of a block, without what is told elsewhere."""
    table = mapping(block.get("docker"))
    return {key: v for key, v in table.items() if key not in _TOLD_ELSEWHERE}


def texts(table: object) -> dict[str, str]:
    """A mapping with its values as text."""
    return {str(key): value(v) for key, v in mapping(table).items()}


def _variation(name: str, block: Mapping[str, Any], needs: Needs) -> dict[str, Any]:
    base = block.get("base")
    return {
        "name": name,
        "group": value(block.get("group")),
        # Presence is what counts, even of `default: false`.
        "default": "default" in block and "group" in block,
        "dynamic": name.endswith(".#"),
        "combines": name.split(",") if "," in name else [],
        "alias": value(block.get("alias")),
        "bases": [str(b) for b in base] if isinstance(base, list) else [str(base)] if base else [],
        "default_variations": texts(block.get("default_variations")),
        "default_version": value(block.get("default_version")),
        "script": value(block.get("script_name")),
        "disk_mb": value(block.get("required_disk_space")),
        **effect(block, needs),
    }
