"""From what the database knows of a folder to artifacts, with what they inherit."""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Callable
from cmcore.index.source import Source
from cmcore.naming import Name, matches, parse_name, split
from cmcore.types import Artifact, Collection

if TYPE_CHECKING:
    from cmcore.index.database import Database, Scope
    from cmcore.index.queries import Row


class Selector:
    """Selects artifacts of single folders.

    Whether one with `_base` fits can only be said with the meta of its base, which may change on
    its own; so those are looked at one by one, every time. There are few of them.

    Args:
        source: the database.
        places: collections that a name means.
        nouns: automations that a name means.
    """

    def __init__(
        self,
        source: Source,
        places: Callable[[Name], list[Collection]],
        nouns: Callable[[str], list[str]],
    ) -> None:
        self._source = source
        self._places = places
        self._nouns = nouns

    def select(
        self,
        where: Collection,
        noun: str,
        name: Name,
        wanted: tuple[str, ...],
        excluded: tuple[str, ...],
    ) -> list[Artifact]:
        """Artifacts of one folder that fit, by path; hidden ones become warnings."""

        def ask(database: Database, scope: Scope) -> list[Artifact]:
            from cmcore.index.queries import inheriting, problems, select

            found = self.artifacts(where, noun, select(database, scope.id, name, wanted, excluded))
            if scope.plain:
                return found
            hidden = problems(database, scope.id)
            for problem in hidden:
                self._source.warn(problem)
            heirs = inheriting(database, scope.id)
            scope.plain = not hidden and not heirs
            more = self.artifacts(where, noun, heirs)
            fitting = [
                a
                for a in more
                if matches(name, a.alias, a.uid)
                and set(wanted) <= set(a.tags)
                and not set(excluded) & set(a.tags)
            ]
            return sorted(found + fitting, key=lambda a: a.path) if fitting else found

        return self._source.ask(where.root, noun, ask, [])

    def artifacts(self, where: Collection, noun: str, rows: list[Row]) -> list[Artifact]:
        """Records of one folder as artifacts, with what they inherit."""
        start = os.path.join(where.root, noun) + os.sep
        found = []
        for row in rows:
            path = start + row.folder
            artifact = Artifact(noun, row.alias, row.uid, row.tags, path, row.form, where, row.meta)
            if row.base:
                try:
                    artifact = self._inherit(artifact)
                except CmError as error:
                    self._source.warn(f"{path}: {error}; the artifact is left out")
                    continue
            found.append(artifact)
        return found

    def _inherit(self, artifact: Artifact) -> Artifact:
        from cmcore.artifacts import identity
        from cmcore.index.inheritance import effective
        from cmcore.jsontext import dumps

        def find(noun: str, base: str) -> tuple[str, dict[str, Any]]:
            found = self._own_metas(noun, base)
            near = [pair for pair in found if pair[0] == artifact.collection] or found
            if len(near) != 1:
                how_many = "there is no" if not near else "there are several"
                raise CmError(f"{how_many} '{noun}::{base}', which '_base' names")
            return parse_name(noun).alias, near[0][1]

        meta = effective(artifact.automation, artifact.meta, find)
        alias, uid, tags, _ = identity(artifact.path, meta)
        return artifact._replace(alias=alias, uid=uid, tags=tags, meta_json=dumps(meta))

    def _own_metas(self, automation: str, name: str) -> list[tuple[Collection, dict[str, Any]]]:
        """Metas of the artifacts of a name, as their own files say."""
        from cmcore.jsontext import loads

        place, wanted = split(name)
        found: list[tuple[Collection, dict[str, Any]]] = []

        def ask(database: Database, scope: Scope) -> list[str]:
            from cmcore.index.queries import inheriting, select

            rows = select(database, scope.id, wanted, (), ())
            heirs = inheriting(database, scope.id)
            rows += [row for row in heirs if matches(wanted, row.alias, row.uid)]
            return [row.meta for row in rows]

        for noun in self._nouns(automation):
            for where in self._places(place or Name()):
                metas = self._source.ask(where.root, noun, ask, list[str]())
                found += [(where, loads(meta)) for meta in metas]
        return found
