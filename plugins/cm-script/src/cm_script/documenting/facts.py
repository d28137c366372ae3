"""Everything that a recipe's meta and folder say about it, as data of a stable shape.

`cm help`, `cm show` and `cm doc` all tell what stands here; `docs/documenting.md` lists the keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cm_script.conditions import truthy
from cm_script.documenting import variants
from cm_script.documenting.folder import folder
from cm_script.documenting.inputs import inputs
from cm_script.documenting.needs import Needs
from cm_script.documenting.recipes import Recipes
from cm_script.documenting.wording import value
from cm_script.lint.universe import entries, items, mapping
from cm_script.query import variation_tag
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmcore.types import Artifact

#: Version of the shape; keys may join it, none changes its meaning.
SHAPE = 1


def is_private(meta: Mapping[str, Any]) -> bool:
    """Whether a recipe or a collection says that it is not for publication."""
    return truthy(meta.get("private"))


def facts(artifact: Artifact, recipes: Recipes) -> dict[str, Any]:
    """The description of one recipe.

    Args:
        artifact: the recipe.
        recipes: what its dependencies are looked up among.
    """
    meta = recipes.meta(artifact)
    needs = Needs(recipes, artifact.form)
    table = variants.variations(meta, needs)
    found: dict[str, Any] = {
        "description": SHAPE,
        "alias": artifact.alias,
        "uid": artifact.uid,
        "name": " ".join(value(meta.get("name")).split()),
        "collection": artifact.collection.name,
        "path": artifact.path,
        "dialect": artifact.form,
        "tags": list(artifact.tags),
        "words": recipes.words(artifact),
        "category": category(meta),
        "tags_help": value(meta.get("tags_help")),
        "developers": value(meta.get("developers")),
        "private": is_private(meta),
        "warnings": [value(text) for text in items(meta.get("warnings"))],
        "cache": _cache(meta),
        "inputs": inputs(meta),
        "groups": variants.groups(table),
        "variations": table,
        "default_variations": variants.by_default(meta, artifact.form),
        "valid_combinations": _combinations(meta, "valid_variation_combinations"),
        "invalid_combinations": _combinations(meta, "invalid_variation_combinations"),
        "versions": variants.versions(meta, needs),
        "env": {
            "defaults": variants.texts(meta.get("default_env")),
            "set": variants.texts(meta.get("env")),
        },
        "deps": needs.of(meta),
        "outputs": _outputs(meta),
        "docker": _docker(meta),
        **folder(artifact.path, meta),
        "tests": len(list(entries(mapping(meta.get("tests")).get("run_inputs")))),
    }
    found["examples"] = examples(found)
    return found


def category(meta: Mapping[str, Any]) -> str:
    """The recipe's category on one line, or ""."""
    return " ".join(value(meta.get("category")).split())


def examples(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Command lines that work, each with what it shows."""
    words = found["words"]
    run = f"cm run script {quoted(words)}"
    shown = [{"command": run, "shows": "run it"}]
    other = _another_variation(found)
    if other:
        separated = f"{words} {variation_tag(other)}"
        shown.append(
            {
                "command": f"cm run script {quoted(separated)}"
                if " " in words
                else f"{run} {variation_tag(other)}",
                "shows": f"with variation {other}",
            }
        )
    flag = next((row for row in found["inputs"] if row["help"] and not row["only_with"]), None)
    if flag is not None:
        shown.append(
            {"command": f"{run} {_sample(flag)}", "shows": f"with the flag {flag['flag']}"}
        )
    known = [entry["version"] for entry in found["versions"]["known"]]
    others = [v for v in known if v != found["versions"]["default"] and v[-1:].isdigit()]
    if others:
        shown.append({"command": f"{run} --version={others[-1]}", "shows": "another version"})
    shown.append({"command": f"cm plan script {quoted(words)}", "shows": "what that would do"})
    if found["cache"]["cached"]:
        tags = words.replace(" ", ",") if " " in words else ",".join(found["tags"])
        shown.append({"command": f"cm find cache --tags={tags}", "shows": "its cached results"})
    return shown


def flag_text(row: Mapping[str, Any]) -> str:
    """A flag as it is typed: `--name`, `--name=VALUE`, `--name=a|b`."""
    if row["boolean"]:
        return f"--{row['flag']}"
    choices = "|".join(choice for choice in row["choices"] if choice)
    sample = choices if 0 < len(choices) <= 20 and " " not in choices else "VALUE"
    return f"--{row['flag']}={sample}"


def _sample(row: Mapping[str, Any]) -> str:
    values = [*row["choices"], row["default"]]
    sample = next(
        (v for v in values if v and v.replace("-", "").replace("_", "").isalnum()), "VALUE"
    )
    return f"--{row['flag']}" if row["boolean"] else f"--{row['flag']}={sample}"


def quoted(words: str) -> str:
    """Words of a request for a shell."""
    plain = words.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return words if plain else f'"{words}"'


def _another_variation(found: Mapping[str, Any]) -> str:
    """A variation that can stand alone and is not on already."""
    on = set(found["default_variations"])
    free = [
        v["name"]
        for v in found["variations"]
        if not (v["combines"] or v["dynamic"] or v["name"] in on) and " " not in v["name"]
    ]
    grouped = {name for group in found["groups"] if group["default"] for name in group["members"]}
    return next((name for name in free if name in grouped), free[0] if free else "")


def _combinations(meta: Mapping[str, Any], key: str) -> list[list[str]]:
    return [[str(name) for name in items(names)] for names in items(meta.get(key))]


def _cache(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cached": bool(meta.get("cache")),
        "on_request": bool(meta.get("can_force_cache")) and not meta.get("cache"),
        "expires": value(meta.get("cache_expiration")),
        "tags_from_env": [
            f"{value(entry.get('prefix'))}<{value(entry.get('env'))}>"
            for _, entry in entries(meta.get("extra_cache_tags_from_env"))
        ],
    }


def _outputs(meta: Mapping[str, Any]) -> dict[str, Any]:
    def keys(name: str) -> list[str]:
        # `+ NAME` is written with and without the blank.
        return list(dict.fromkeys(str(key).replace("+ ", "+") for key in items(meta.get(name))))

    return {
        "env": keys("new_env_keys"),
        "state": keys("new_state_keys"),
        "printed": variants.texts(meta.get("print_env_at_the_end")),
    }


def _docker(meta: Mapping[str, Any]) -> dict[str, Any]:
    settings = variants.settings(meta)
    return {
        "run": settings.pop("run", True) is not False,
        "real_run": settings.pop("real_run", True) is not False,
        "settings": variants.texts(settings),
    }


def variation_named(found: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of variations by name; a value of a dynamic one finds its row."""
    from cm_script.varnames import key_of

    table = {row["name"]: row for row in found["variations"]}
    return [table[key] for name in names if (key := key_of(name, table))]
