"""The pages of one request: which ones, where they go, and what they may speak of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cm_script.documenting import publish
from cm_script.documenting.facts import is_private
from cm_script.documenting.formats import Format
from cm_script.documenting.publish import FOREIGN, Page
from cm_script.documenting.recipes import Recipes
from cm_script.documenting.site import Site
from cm_script.documenting.targets import Target, is_private_collection
from cm_script.flags import is_on
from cmcore.errors import NotFoundError, StorageError, UsageError
from cmcore.hints import TYPE_CHECKING
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Artifact

_LISTED = 10


class Work:
    """The pages of one request.

    Attributes:
        warnings: sentences about what was left out.
    """

    def __init__(
        self, ctx: Context, request: Request, style: Format, wanted: Sequence[Target]
    ) -> None:
        self._ctx = ctx
        self._style = style
        self._force = is_on(request.flags.get("force"))
        self._private = is_on(request.flags.get("private"))
        self.warnings: list[str] = []
        self._targets = self._publishable(wanted)

    def printed(self) -> Result:
        """The one page, as it would stand in its recipe's folder."""
        target, artifact = self._only("--output=- prints one recipe")
        site = self._home(target)
        text = site.page(artifact, os.path.join(artifact.path, self._style.file))
        return Result({"text": text}, text)

    def in_place(self) -> list[Page]:
        """Pages in the recipes' own folders, catalogues beside these."""
        pages = []
        for target in self._targets:
            if not target.collection.writable:
                carrier = target.collection.distribution
                raise StorageError(
                    f"collection '{target.collection.name}' is read-only"
                    + (f": it belongs to the package {carrier}" if carrier else ""),
                    hint="say where to write: --output=FOLDER, or --output=- to print one recipe",
                )
            site = self._home(target)
            for artifact in target.artifacts:
                file = os.path.join(artifact.path, self._style.file)
                pages.append(self._compared(artifact, file, site))
            if target.whole:
                pages.append(self._catalogue(site))
            self._warn_of_dead_links(site, pages)
        return pages

    def elsewhere(self, output: str) -> tuple[list[Page], list[str]]:
        """Pages in a file or folder, and the folders that hold nothing but such pages."""
        path = os.path.abspath(os.path.expanduser(output))
        single = len(self._targets) == 1 and not self._targets[0].whole
        is_file = os.path.isfile(path) or path.endswith(os.path.splitext(self._style.file)[1])
        if single and len(self._targets[0].artifacts) == 1:
            file = path if is_file and not os.path.isdir(path) else self._in(path)
            return [self._alone(file)], []
        if is_file and not os.path.isdir(path):
            raise UsageError("several pages need a folder", hint=f"not --output={output}")
        several = len(self._targets) > 1
        roots = [
            os.path.join(path, _folder(t.collection.name)) if several else path
            for t in self._targets
        ]
        places = {
            artifact.path: os.path.join(root, os.path.basename(artifact.path), self._style.file)
            for target, root in zip(self._targets, roots, strict=True)
            for artifact in target.artifacts
        }
        pages, rows = [], []
        for target, root in zip(self._targets, roots, strict=True):
            title = target.collection.name
            recipes = self._recipes(target)
            site = Site(title, root, places, target.artifacts, recipes, self._style)
            pages += [self._compared(a, places[a.path], site) for a in target.artifacts]
            pages.append(self._catalogue(site))
            href = f"{os.path.basename(root)}/{self._style.file}"
            rows.append((title, href, len(target.artifacts)))
        if several:
            pages.append(self._page("", self._in(path), self._style.overview("Collections", rows)))
        whole = all(target.whole for target in self._targets)
        return pages, roots if whole else []

    def _alone(self, file: str) -> Page:
        target, artifact = self._only("--output=FILE takes one recipe")
        if os.path.realpath(file) == os.path.realpath(self._in(artifact.path)):
            return self._compared(artifact, file, self._home(target))
        # Beside it stands nothing that it could point to.
        site = Site(
            "", os.path.dirname(file), {}, [], self._recipes(target), self._style, catalogued=False
        )
        return self._compared(artifact, file, site)

    def _only(self, message: str) -> tuple[Target, Artifact]:
        found = [(target, a) for target in self._targets for a in target.artifacts]
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{t.collection.name}:{a.alias or a.uid}" for t, a in found[:_LISTED]) + (
            " ..." if len(found) > _LISTED else ""
        )
        raise UsageError(f"{message}, and {len(found)} fit: {names}", hint="name one of them")

    def _home(self, target: Target) -> Site:
        """The collection as it would be documented in place, whatever is wanted of it now."""
        recipes = self._recipes(target)
        hidden = recipes.hidden
        own = [a for a in recipes.artifacts if a.path not in hidden]
        shown = [*own, *(a for a in target.artifacts if a.path in hidden)]
        places = {artifact.path: self._in(artifact.path) for artifact in shown}
        root = os.path.join(target.collection.root, "script")
        catalogue = self._in(root)
        ours = self._page("", catalogue, "").state != FOREIGN
        return Site(target.collection.name, root, places, own, recipes, self._style, anchored=ours)

    def _recipes(self, target: Target) -> Recipes:
        """What the dependencies of a collection are looked up among: itself first.

        Other collections count only when they are documented in the same run, so that what is
        registered on a machine makes no difference to the pages.
        """
        names = [target.collection.name]
        artifacts = self._all(target)
        for other in self._targets:
            if other is not target:
                names.append(other.collection.name)
                artifacts += self._all(other)
        hidden = set() if self._private else {a.path for a in artifacts if is_private(a.meta)}
        return Recipes(artifacts, names, hidden)

    def _all(self, target: Target) -> list[Artifact]:
        found = self._ctx.search("script")
        return [a for a in found if a.collection.path == target.collection.path]

    def _compared(self, artifact: Artifact, file: str, site: Site) -> Page:
        return self._page(artifact.alias or artifact.uid, file, site.page(artifact, file))

    def _catalogue(self, site: Site) -> Page:
        return self._page("", site.catalogue_file, site.catalogue())

    def _page(self, recipe: str, file: str, text: str) -> Page:
        return publish.compared(recipe, file, text, self._style, force=self._force)

    def _in(self, folder: str) -> str:
        return os.path.join(folder, self._style.file)

    def _publishable(self, wanted: Sequence[Target]) -> list[Target]:
        """Without what is private; a recipe that is asked for by itself is documented."""
        found = []
        for target in wanted:
            if not target.whole or self._private:
                found.append(target)
                continue
            if is_private_collection(target.collection):
                self.warnings.append(
                    f"collection '{target.collection.name}' is private; --private documents it"
                )
                continue
            artifacts = [a for a in target.artifacts if not is_private(a.meta)]
            found.append(target._replace(artifacts=artifacts))
        if not any(target.artifacts for target in found):
            raise NotFoundError(
                self.warnings[0] if self.warnings else "there is no recipe to document",
                hint="" if self.warnings else "--private includes those that are private",
            )
        return found

    def _warn_of_dead_links(self, site: Site, pages: Sequence[Page]) -> None:
        written = {page.file for page in pages}
        missing = [
            file
            for file in {*site.pages.values(), site.catalogue_file}
            if file not in written and not os.path.exists(file)
        ]
        if missing:
            self.warnings.append(
                f"links lead to pages of the collection that are not there yet;"
                f" 'cm doc script {site.title}' writes all of them"
            )


def _folder(name: str) -> str:
    """A collection's name as that of a folder."""
    return (
        "".join(c if c.isalnum() or c in "-_.@" else "-" for c in name).lstrip(".") or "collection"
    )
