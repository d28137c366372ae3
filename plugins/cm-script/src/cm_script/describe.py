"""What a recipe does and takes, from its meta: `cm help script` and shell completion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cm_script.engine import Engine
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Request, Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Artifact


def describe(ctx: Context, request: Request) -> Result:
    """Inputs, variations, dependencies and outputs of the recipe that a request names.

    Raises:
        CmError: no recipe fits, or several do.
    """
    from cm_script.choose import choose_recipe

    inputs: dict[str, Any] = dict(request.flags)
    if request.artifacts:
        inputs["artifact"] = request.artifacts[0]
        inputs["artifacts"] = list(request.artifacts[1:])
    artifact, _ = choose_recipe(Engine(ctx), inputs)
    meta = artifact.meta
    data = {
        "alias": artifact.alias,
        "uid": artifact.uid,
        "path": artifact.path,
        "dialect": artifact.form,
        "tags": list(artifact.tags),
        "cache": bool(meta.get("cache")),
        "inputs": inputs_table(meta),
        "variations": variations_by_group(meta),
        "versions": [str(v) for v in _mapping(meta.get("versions"))],
        "default_version": str(meta.get("default_version") or ""),
        "deps": _tags(meta, "deps") + _tags(meta, "prehook_deps"),
        "new_env_keys": [str(k) for k in meta.get("new_env_keys") or []],
    }
    return Result(data, view=_view(artifact, meta, data))


def inputs_table(meta: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per flag of the recipe: name, variable, description, default."""
    described = _mapping(meta.get("input_description"))
    mapped = _mapping(meta.get("input_mapping"))
    rows = []
    for name in [*mapped, *(n for n in described if n not in mapped)]:
        info = described.get(name)
        text = _mapping(info) if isinstance(info, Mapping) else {"desc": info or ""}
        rows.append(
            {
                "flag": str(name),
                "variable": str(mapped.get(name, "")),
                "help": str(text.get("desc", "")),
                "default": str(text.get("default", "")),
            }
        )
    return rows


def variations_by_group(meta: Mapping[str, Any]) -> dict[str, list[str]]:
    """Variation names by group; `""` holds those without one. The default bears a `*`."""
    groups: dict[str, list[str]] = {}
    for name, block in _mapping(meta.get("variations")).items():
        info = block if isinstance(block, Mapping) else {}
        mark = "*" if "default" in info else ""
        groups.setdefault(str(info.get("group", "")), []).append(f"{name}{mark}")
    return groups


def complete(ctx: Context, request: Request, incomplete: str) -> Iterable[str]:
    """Tags of recipes, or `_variations` of those that the words so far leave."""
    head, comma, last = incomplete.rpartition(",")
    tags = ",".join(w for w in head.split(",") if w and not w.startswith("_"))
    found = ctx.search("script", tags=tags)
    if last.startswith("_"):
        words = sorted({f"_{v}" for a in found for v in _mapping(a.meta.get("variations"))})
    else:
        words = sorted({t for a in found for t in a.tags})
    return [f"{head}{comma}{w}" for w in words if w.startswith(last)]


def _view(artifact: Artifact, meta: Mapping[str, Any], data: Mapping[str, Any]) -> list[Any]:
    collection = artifact.collection.name
    lines = [
        f"{artifact.name} ({artifact.form}, collection {collection})",
        f"  tags: {' '.join(artifact.tags)}",
        f"  path: {artifact.path}",
    ]
    if meta.get("cache"):
        lines.append("  its result is cached")
    if data["default_version"] or data["versions"]:
        default = data["default_version"] or "none"
        lines.append(f"  versions: {' '.join(data['versions'])} (default {default})")
    if data["deps"]:
        lines.append("  depends on: " + "; ".join(data["deps"]))
    if data["new_env_keys"]:
        lines.append("  gives: " + " ".join(data["new_env_keys"]))
    view: list[Any] = ["\n".join(lines)]
    if data["inputs"]:
        rows = [[f"--{r['flag']}", r["variable"], r["default"], r["help"]] for r in data["inputs"]]
        view.append(Table(["flag", "variable", "default", "help"], rows))
    groups = data["variations"]
    if groups:
        rows = [[g or "(any)", " ".join("_" + v for v in names)] for g, names in groups.items()]
        view.append(Table(["group", "variations (* is the default)"], rows))
    return view


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _tags(meta: Mapping[str, Any], kind: str) -> list[str]:
    deps = meta.get(kind)
    if not isinstance(deps, list):
        return []
    return [str(d["tags"]) for d in deps if isinstance(d, dict) and d.get("tags")]
