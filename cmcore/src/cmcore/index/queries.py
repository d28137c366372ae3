"""Questions to the index database; each looks at one scope (a collection's automation).

They cost what their answer costs: tags are looked up in a table of their own, beginning with the
rarest, whether anything fits or not. Nothing is sorted by SQLite, which might then walk along the
order instead of looking up.
"""

from __future__ import annotations

from cmcore.hints import Any, NamedTuple
from cmcore.index.database import Database
from cmcore.naming import Name

_COLUMNS = "a.folder, a.alias, a.uid, a.tags, a.form, a.base, a.meta"
#: Tags with more artifacts than this are equally common.
_COMMON = 200


class Row(NamedTuple):
    """An artifact as stored; `tags` are split."""

    folder: str
    alias: str
    uid: str
    tags: tuple[str, ...]
    form: str
    base: str
    meta: str


def select(
    database: Database,
    scope: int,
    name: Name,
    wanted: tuple[str, ...],
    excluded: tuple[str, ...],
) -> list[Row]:
    """Artifacts without `_base` that fit a name and tags, by folder name."""
    source = "artifact a"
    tests = ["a.scope = ?", "a.base = ''", "a.problem = ''"]
    values: list[Any] = [scope]
    if wanted:
        ordered = _rarest_first(database, scope, wanted)
        if not ordered:
            return []
        # CROSS JOIN is SQLite's way to say that the order of the tables is meant.
        source = "tag t CROSS JOIN artifact a ON a.id = t.artifact"
        tests.insert(0, "t.scope = ? AND t.tag = ?")
        values[:0] = [scope, ordered[0]]
        for tag in ordered[1:]:
            tests.append(f"EXISTS ({_HAS_TAG})")
            values += [scope, tag]
    for tag in excluded:
        tests.append(f"NOT EXISTS ({_HAS_TAG})")
        values += [scope, tag]
    test, more = _name_test(name)
    if test:
        tests.append(test)
        values += more
    sql = f"SELECT {_COLUMNS} FROM {source} WHERE {' AND '.join(tests)}"
    return sorted(_row(row) for row in database.rows(sql, values))


def inheriting(database: Database, scope: int) -> list[Row]:
    """Artifacts with `_base`, by folder name."""
    sql = f"SELECT {_COLUMNS} FROM artifact a WHERE a.scope = ? AND a.base <> '' AND a.problem = ''"
    return sorted(_row(row) for row in database.rows(sql, (scope,)))


def by_folder(database: Database, scope: int, folder: str) -> Row | None:
    """The artifact in a folder, or None."""
    sql = f"SELECT {_COLUMNS} FROM artifact a WHERE a.scope = ? AND a.folder = ? AND a.problem = ''"
    for row in database.rows(sql, (scope, folder)):
        return _row(row)
    return None


def problems(database: Database, scope: int) -> list[str]:
    """Why artifacts are hidden."""
    sql = "SELECT problem FROM artifact WHERE scope = ? AND problem <> ''"
    return sorted(problem for (problem,) in database.rows(sql, (scope,)))


def remarks(database: Database, scope: int, folder: str = "") -> list[str]:
    """What is odd about artifacts that can be used, of one folder or of all."""
    found: list[str] = []
    for name, text in database.rows(
        "SELECT folder, remarks FROM artifact WHERE scope = ? AND remarks <> '' ORDER BY folder",
        (scope,),
    ):
        if not folder or name == folder:
            found += text.split("\n")
    return found


def shared_uids(database: Database, scope: int) -> list[tuple[str, list[str]]]:
    """UIDs that several artifacts of the scope have, with their folders."""
    found: dict[str, list[str]] = {}
    for uid, folder in database.rows(
        "SELECT uid, folder FROM artifact WHERE scope = ? AND uid IN (SELECT uid FROM artifact"
        " WHERE scope = ? AND uid <> '' GROUP BY uid HAVING count(*) > 1) ORDER BY uid, folder",
        (scope, scope),
    ):
        found.setdefault(uid, []).append(folder)
    return list(found.items())


def count(database: Database, scope: int) -> int:
    """How many artifacts can be found."""
    sql = "SELECT count(*) FROM artifact WHERE scope = ? AND problem = ''"
    for (number,) in database.rows(sql, (scope,)):
        return int(number)
    return 0


def tags(database: Database, scope: int) -> list[str]:
    """All tags, sorted."""
    sql = "SELECT DISTINCT tag FROM tag WHERE scope = ? ORDER BY tag"
    return [tag for (tag,) in database.rows(sql, (scope,))]


def aliases(database: Database, scope: int, prefix: str = "") -> list[str]:
    """Aliases that begin with `prefix`, in any case, sorted."""
    sql = (
        "SELECT alias FROM artifact WHERE scope = ? AND lower GLOB ? AND problem = ''"
        " AND alias <> '' ORDER BY alias"
    )
    pattern = _glob(prefix) + "*"
    return [alias for (alias,) in database.rows(sql, (scope, pattern))]


def has_automation_uid(database: Database, scope: int, uid: str) -> bool:
    """Whether an artifact says that its automation has this UID."""
    sql = "SELECT 1 FROM artifact WHERE scope = ? AND automation_uid = ? LIMIT 1"
    return any(True for _ in database.rows(sql, (scope, uid)))


_HAS_TAG = "SELECT 1 FROM tag x WHERE x.scope = ? AND x.tag = ? AND x.artifact = a.id"


def _rarest_first(database: Database, scope: int, wanted: tuple[str, ...]) -> list[str]:
    """The tags in order of rarity; empty when one of them is on nothing."""
    some = f"SELECT 1 FROM tag WHERE scope = ? AND tag = ? LIMIT {_COMMON}"
    ordered = list(wanted)
    # In one statement: each takes and gives back the database's lock.
    sql = f"SELECT {', '.join([f'(SELECT count(*) FROM ({some}))'] * len(wanted))}"
    for counts in database.rows(sql, [value for tag in wanted for value in (scope, tag)]):
        number = dict(zip(wanted, counts, strict=True))
        ordered.sort(key=lambda tag: number[tag])
        if not number[ordered[0]]:
            return []
    return ordered


def _name_test(name: Name) -> tuple[str, list[str]]:
    """The same rule as `naming.matches`, in SQL."""
    alias = name.alias.lower()
    if not alias:
        by_alias, values = ("", []) if not name.uid else ("0", [])
    elif name.wild:
        by_alias, values = "a.lower GLOB ?", [_glob(alias, wild=True)]
    else:
        by_alias, values = "a.lower = ?", [alias]
    if not name.uid:
        return by_alias, values
    return f"(a.uid = ? OR (a.uid = '' AND {by_alias}))", [name.uid.lower(), *values]


def _glob(text: str, *, wild: bool = False) -> str:
    """A GLOB pattern; of its special characters only `*` and `?` keep their meaning, if `wild`."""
    special = "[" if wild else "[*?"
    return "".join(f"[{char}]" if char in special else char for char in text.lower())


def _row(row: tuple[Any, ...]) -> Row:
    folder, alias, uid, tags, form, base, meta = row
    return Row(folder, alias, uid, tuple(tags.split("\n")) if tags else (), form, base, meta)
