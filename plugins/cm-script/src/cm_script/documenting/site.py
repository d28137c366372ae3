"""Where pages stand and how they refer to each other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from cm_script.documenting import catalogue
from cm_script.documenting.catalogue import Entry
from cm_script.documenting.facts import category, facts
from cm_script.documenting.formats import Format, Surroundings
from cm_script.documenting.markdown import path as quoted
from cm_script.documenting.recipes import Recipes
from cm_script.documenting.wording import value
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore.types import Artifact


class Site:
    """The pages of one collection.

    Args:
        title: heading of its catalogue.
        root: folder that the catalogue stands in.
        pages: folder of a recipe -> file of its page, for every recipe that can be linked to,
            those of other collections included.
        own: recipes that the catalogue lists.
        recipes: what dependencies are looked up among.
        style: how pages are written.
        catalogued: whether there is a catalogue.
        anchored: whether it is one of ours, whose anchors are known.
    """

    def __init__(
        self,
        title: str,
        root: str,
        pages: Mapping[str, str],
        own: Sequence[Artifact],
        recipes: Recipes,
        style: Format,
        *,
        catalogued: bool = True,
        anchored: bool = True,
    ) -> None:
        self.title = title
        self.root = root
        self.pages = pages
        self.own = own
        self.recipes = recipes
        self._style = style
        self._catalogued = catalogued
        self.catalogue_file = os.path.join(root, style.file)
        entries = self._entries() if catalogued and anchored else []
        self._anchors = catalogue.anchors(title, catalogue.by_category(entries))

    def page(self, artifact: Artifact, file: str) -> str:
        """The page of a recipe, as it stands in a file."""
        folder = os.path.dirname(file)
        at_home = os.path.realpath(folder) == os.path.realpath(artifact.path)

        def href(recipe: str) -> str:
            target = self.pages.get(recipe, "")
            return _relative(target, folder) if target else ""

        def in_catalogue(category: str) -> str:
            if not self._catalogued:
                return ""
            address = _relative(self.catalogue_file, folder)
            anchor = self._anchors.get(category or catalogue.UNSORTED, "")
            return f"{address}#{anchor}" if anchor else address

        return self._style.page(
            facts(artifact, self.recipes), Surroundings(href, in_catalogue, at_home)
        )

    def catalogue(self) -> str:
        """The catalogue's page."""
        return self._style.catalogue(self.title, self._entries())

    def _entries(self) -> list[Entry]:
        found = []
        for artifact in self.own:
            meta = self.recipes.meta(artifact)
            sort = meta.get("category_sort")
            found.append(
                Entry(
                    artifact.alias or artifact.uid,
                    " ".join(value(meta.get("name")).split()),
                    category(meta),
                    sort if isinstance(sort, (int, float)) else 0,
                    artifact.tags,
                    _relative(self.pages[artifact.path], self.root),
                )
            )
        return found


def _relative(target: str, folder: str) -> str:
    return quoted(os.path.relpath(target, folder).replace(os.sep, "/"))
