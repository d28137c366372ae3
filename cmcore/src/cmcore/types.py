"""The records that cross a boundary: between command line, core and plugins.

They are `NamedTuple`s rather than dataclasses: immutable and typed as well, but without the
start-up cost of `dataclasses` (which imports `inspect`) on commands that answer in milliseconds.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    from cmcore.context import Context

#: What JSON can hold. `Any` inside containers because meta files are free-form.
Json = None | bool | int | float | str | list[Any] | dict[str, Any]


class Request(NamedTuple):
    """One call of one action.

    Attributes:
        action: canonical verb, `search`, `run`, ... (aliases such as `ls` are already resolved).
        automation: noun, or `""` for the core's own commands.
        artifacts: the bare words after the noun, in order.
        flags: `--key=value` pairs as nested dictionaries: values are str, bool or list of str
            when they come from a command line, any JSON value when from Python or a file.
        command: words after `--`, or None when there was no `--`.
        console: True when a person reads the output (as opposed to a Python or JSON caller).
    """

    action: str
    automation: str = ""
    artifacts: tuple[str, ...] = ()
    flags: Mapping[str, Any] = {}  # noqa: RUF012 - never changed
    command: tuple[str, ...] | None = None
    console: bool = False


class Table(NamedTuple):
    """Rows for a terminal; printed tab separated and without headings when piped.

    Attributes:
        columns: headings.
        rows: cells as text, one sequence per row, as long as `columns`.
        plain: the column printed alone when output is piped, or None for all columns.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    plain: int | None = None


class Result(NamedTuple):
    """What an action answers.

    Attributes:
        data: the answer as a dictionary; `--out=json` and `cmcore.access` show it with `return`.
        view: the same for a person: text, a table, several of them, or None to print nothing.
        code: exit code; 0 is success.
        warnings: sentences for stderr.
    """

    data: Mapping[str, Any] = {}  # noqa: RUF012 - never changed
    view: str | Table | Sequence[str | Table] | None = None
    code: int = 0
    warnings: tuple[str, ...] = ()


class Collection(NamedTuple):
    """A place artifacts come from.

    Attributes:
        name: alias, unique among the registered ones.
        uid: 16 hexadecimal characters, or "".
        path: absolute folder that holds the collection's own meta file.
        root: folder that holds `<automation>/<artifact>` folders (`path` plus the `prefix`).
        kind: `local`, `folder` or `package`.
        form: dialect of its meta file: `cm`, `mlc` or "" when it has none.
        writable: False for package data.
        distribution: `name version` of the distribution that carries it, else "".
    """

    name: str
    uid: str
    path: str
    root: str
    kind: str
    form: str = ""
    writable: bool = True
    distribution: str = ""


class Artifact(NamedTuple):
    """A folder with a meta file, as the index knows it.

    Attributes:
        automation: noun that owns it.
        alias: its name; may be "".
        uid: 16 hexadecimal characters.
        tags: tags as text, in the order of the meta file.
        path: absolute folder.
        form: `cm` (`_cm.yaml`, `_cm.json`) or `mlc` (`meta.yaml`, `meta.json`).
        collection: where it comes from.
        meta_json: its whole meta as JSON text; `meta` parses it.
    """

    automation: str
    alias: str
    uid: str
    tags: tuple[str, ...]
    path: str
    form: str
    collection: Collection
    meta_json: str

    @property
    def meta(self) -> dict[str, Any]:
        """A fresh copy of the meta dictionary; callers may change it."""
        from cmcore.jsontext import loads

        parsed: dict[str, Any] = loads(self.meta_json)
        return parsed

    @property
    def name(self) -> str:
        """`alias,uid`, or the one that is there."""
        return ",".join(part for part in (self.alias, self.uid) if part)


class Flag(NamedTuple):
    """One `--flag` of an action: for `--help`, completion and the check for unknown flags."""

    name: str
    help: str
    value: str = ""


class Action(NamedTuple):
    """A verb for one noun.

    Attributes:
        name: canonical verb.
        automation: the noun.
        help: one line.
        handler: `(ctx, request) -> Result`; None when hook `cm_<name>` implements it.
        usage: what follows the noun on the command line.
        flags: flags it understands.
        open_flags: True when the action itself judges flags that are not listed.
        examples: command lines that work.
    """

    name: str
    automation: str
    help: str
    handler: Callable[[Context, Request], Result | None] | None = None
    usage: str = ""
    flags: tuple[Flag, ...] = ()
    open_flags: bool = False
    examples: tuple[str, ...] = ()


class Automation(NamedTuple):
    """A noun.

    Attributes:
        name: as on the command line.
        help: one line.
        uid: CM's identifier of the automation, for meta files; may be "".
        artifacts: True when folders `<collection>/<name>/<artifact>` belong to it.
    """

    name: str
    help: str
    uid: str = ""
    artifacts: bool = True


class Setting(NamedTuple):
    """One key of `cm config`: name, one-line help, default as JSON, allowed values (empty: any)."""

    name: str
    help: str
    default: Json = None
    choices: tuple[str, ...] = ()


class HealthCheck(NamedTuple):
    """One line of `cm doctor`: what was looked at, whether it is well, and what to do if not."""

    name: str
    ok: bool
    detail: str = ""
    hint: str = ""


class CacheRequest(NamedTuple):
    """What a run asks a cache for, and what a new entry will be filed under.

    Attributes:
        recipe_uid, recipe_alias, dialect: the recipe; `dialect` is `cm` or `mlc`.
        tags: an entry must carry all of them to be looked at (the request as users write it).
        excluded: an entry must carry none of them.
        entry_tags: the tags a new entry gets.
        key: every field that the outcome depends on, as text; recorded in full with the entry.
            `digest` (recipe content), `variations`, `version`, `inputs`, ...
        name: extra word for people in a listing; may be "".
        unfit: UIDs of entries that were found before and turned down; what else is there, perhaps
            farther away, is asked for.
    """

    recipe_uid: str
    recipe_alias: str
    dialect: str
    tags: tuple[str, ...]
    excluded: tuple[str, ...]
    entry_tags: tuple[str, ...]
    key: Mapping[str, Any]
    name: str = ""
    unfit: tuple[str, ...] = ()


class CacheEntry(NamedTuple):
    """One finished cached outcome.

    Attributes:
        uid: identifier; also the folder's name.
        path: absolute folder, the working directory the recipe ran in.
        tags: as filed, without `tmp`.
        version: version that the recipe reported, or "".
        meta: the entry's whole meta dictionary.
        created: seconds since the epoch.
    """

    uid: str
    path: str
    tags: tuple[str, ...]
    version: str
    meta: Mapping[str, Any]
    created: float


class Reservation(NamedTuple):
    """The right to build one entry, held until it is published or released.

    Attributes:
        uid: identifier of the entry to be.
        path: absolute working directory; may hold files of an earlier interrupted run.
        resumed: True when it does.
        token: the cache plugin's own handle.
    """

    uid: str
    path: str
    resumed: bool
    token: object


class Outcome(NamedTuple):
    """What a run publishes into its reservation.

    Attributes:
        tags: final tags of the entry.
        version: version that the recipe reported, or "".
        state: `new_env`, `new_state`, `deps`, ...: what a later hit gives back. JSON.
        meta: further keys for the entry's meta, for example `dependent_cached_path`.
        once: somebody else may have built the same meanwhile; then that entry is given back, and
            the reservation with all that lies there is given up.
    """

    tags: tuple[str, ...]
    version: str
    state: Mapping[str, Any]
    meta: Mapping[str, Any] = {}  # noqa: RUF012 - never changed
    once: bool = False
