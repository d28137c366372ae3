"""The recipes that a description may speak of, held in memory.

A description of a collection looks thousands of dependencies up; the index would be asked, and the
same metas parsed, again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from cm_script import select
from cm_script.query import Query
from cm_script.varnames import key_of
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Artifact

#: Tags among which a short request is looked for.
_FEW = 8


class Recipes:
    """Recipes by tags, chosen among as a run chooses.

    Args:
        artifacts: the recipes.
        collections: names of collections in search order.
        hidden: folders of recipes that must not be named.
    """

    def __init__(
        self,
        artifacts: Iterable[Artifact],
        collections: Sequence[str],
        hidden: Collection[str] = (),
    ) -> None:
        self.artifacts = list(artifacts)
        self.hidden = hidden
        self._collections = collections
        self._metas: dict[str, dict[str, Any]] = {}
        self._by_tag: dict[str, set[str]] = {}
        self._by_path = {artifact.path: artifact for artifact in self.artifacts}
        for artifact in self.artifacts:
            for tag in artifact.tags:
                self._by_tag.setdefault(tag, set()).add(artifact.path)

    @classmethod
    def all(cls, ctx: Context) -> Recipes:
        """Those of every registered collection."""
        names = [collection.name for collection in ctx.collections.all()]
        return cls(ctx.search("script"), names)

    def meta(self, artifact: Artifact) -> dict[str, Any]:
        """A recipe's meta, parsed once; callers leave it as it is."""
        known = self._metas.get(artifact.path)
        if known is None:
            known = self._metas[artifact.path] = artifact.meta
        return known

    def with_tags(self, wanted: Iterable[str], excluded: Iterable[str] = ()) -> list[Artifact]:
        """Recipes with all tags and none of those excluded, by path."""
        sets = [self._by_tag.get(tag, set[str]()) for tag in wanted]
        found = set.intersection(*sets) if sets else set(self._by_path)
        for tag in excluded:
            found = found - self._by_tag.get(tag, set())
        return [self._by_path[path] for path in sorted(found)]

    def select(self, query: Query, form: str = "") -> list[Artifact]:
        """What a query selects, the recipe that a run would take first, then its rivals.

        Args:
            query: tags and variations.
            form: dialect of the recipe that asks.
        """
        asked = (*query.variations, *query.excluded_variations)
        fitting = [
            artifact
            for artifact in self.with_tags(query.tags, query.excluded)
            if not asked or all(key_of(name, self._variations(artifact)) for name in asked)
        ]
        if not fitting:
            return []
        if len(fitting) > 1:
            fitting.sort(key=lambda a: (_priority(self.meta(a)), a.path))
        left = select.rivals(fitting, self._collections, form)
        return [] if left[0].path in self.hidden else [a for a in left if a.path not in self.hidden]

    def words(self, artifact: Artifact) -> str:
        """A short request that selects a recipe: those of its tags that its name holds, in that
        order, with one or two others where these are not enough, else its name."""
        usable = [tag for tag in artifact.tags if _is_word(tag)]
        named = _in_order(artifact.alias, usable)
        requests = [named[:count] for count in range(2, len(named) + 1)]
        if requests and not any(self._means(tags, artifact) for tags in requests):
            others = [tag for tag in usable if tag not in named][:_FEW]
            sets = [{*named, *some} for n in (1, 2) for some in combinations(others, n)]
            requests = [[tag for tag in usable if tag in wanted] for wanted in sets]
            requests.append(usable)
        for tags in requests:
            if self._means(tags, artifact):
                return " ".join(tags)
        return artifact.alias or artifact.uid

    def _means(self, tags: Sequence[str], artifact: Artifact) -> bool:
        if len(tags) < 2:  # one word alone would be read as a name
            return False
        left = select.rivals(self.with_tags(tags), self._collections, artifact.form)
        return [a.path for a in left] == [artifact.path]

    def _variations(self, artifact: Artifact) -> Mapping[str, Any]:
        table = self.meta(artifact).get("variations")
        return table if isinstance(table, dict) else {}


def _is_word(tag: str) -> bool:
    """Whether a tag can be typed as one of several words."""
    return tag.isprintable() and not set(tag) & set(" ,'\"$`\\!") and tag[0] not in "_-"


def _in_order(alias: str, tags: Sequence[str]) -> list[str]:
    """The tags that a name is made of, in its order: `get ml-model bert-large`."""
    parts = alias.split("-")
    found: list[str] = []
    at = 0
    while at < len(parts):
        for end in range(len(parts), at, -1):
            word = "-".join(parts[at:end])
            if word in tags and word != alias:
                found.append(word)
                at = end
                break
        else:
            at += 1
    return list(dict.fromkeys(found))


def _priority(meta: Mapping[str, Any]) -> float:
    sort = meta.get("sort", 0)
    return sort if isinstance(sort, (int, float)) else 0
