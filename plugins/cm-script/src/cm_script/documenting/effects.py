"""What a variation, a version or a dependency amounts to, in a few words for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from cm_script.documenting.lines import joined
from cm_script.documenting.wording import counted, version_limits
from cm_script.query import variation_tag
from cmcore.hints import Any

#: Variables of a variation that are written out in a summary.
_SHOWN = 3


def details(row: Mapping[str, Any], most: int | None = None) -> list[str]:
    """Everything that a block of meta changes, one fact a text.

    Args:
        row: see `variants.effect`; of a variation also what it implies.
        most: how many variables are written out; None for all.
    """
    facts = []
    if row.get("alias"):
        facts.append(f"the same as {variation_tag(row['alias'])}")
    if row.get("bases"):
        facts.append("switches on " + " ".join(map(variation_tag, row["bases"])))
    if row.get("default_variations"):
        pairs = [f"{variation_tag(v)} of {g}" for g, v in row["default_variations"].items()]
        facts.append("makes default " + ", ".join(pairs))
    if row.get("default_version"):
        facts.append(f"default version {row['default_version']}")
    if row.get("script"):
        facts.append(f"runs {row['script']}")
    if row.get("disk_mb"):
        facts.append(f"needs {row['disk_mb']} MB of disk")
    facts += _variables(row, most)
    for dep in row["deps"]:
        facts.append(joined((f"needs {dep['tags']}", dep["when"]), " "))
    for name, change in row["changes"].items():
        told = ", ".join(f"{key} {text}" for key, text in change.items())
        facts.append(f"changes {name}: {told}" if told else f"changes {name}")
    if row["new_env_keys"]:
        facts.append("gives " + " ".join(row["new_env_keys"]))
    if row["docker"]:
        facts.append("container: " + ", ".join(f"{k} {v}" for k, v in row["docker"].items()))
    facts += [f"other settings {text}" for text in row["conditional"]]
    return facts


def summary(row: Mapping[str, Any]) -> str:
    """The same on a line or two."""
    return "; ".join(details(row, _SHOWN))


def needed(dep: Mapping[str, Any]) -> str:
    """A dependency, without its tags: recipe, conditions, versions, names."""
    recipe = dep["recipe"]
    target = f"-> {recipe['alias'] or recipe['uid']}" if recipe else "(no recipe found)"
    if dep["others"]:
        names = [other["alias"] or other["uid"] for other in dep["others"]]
        if len(names) > 2:
            names = [*names[:2], counted(len(names) - 2, "other")]
        target += " or " + ", ".join(names)
    more = " ".join(dep["tags_from_env"])
    return joined(
        (
            target,
            dep["when"],
            version_limits(dep["version"]),
            f"tags from variables: {more}" if more else "",
            "with the variations of this recipe" if dep["inherits_variations"] else "",
            f"names {', '.join(dep['names'])}" if dep["names"] else "",
        )
    )


def _variables(row: Mapping[str, Any], most: int | None) -> list[str]:
    pairs = [f"{key}={text}" for key, text in row["env"].items()]
    pairs += [f"{key}={text} unless set" for key, text in row["default_env"].items()]
    if most is not None and len(pairs) > most + 1:
        left = counted(len(pairs) - most, "more variable")
        return ["sets " + ", ".join(pairs[:most]) + f" and {left}"]
    return ["sets " + ", ".join(pairs)] if pairs else []
