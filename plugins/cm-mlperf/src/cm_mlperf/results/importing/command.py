"""`cm import mlperf PATH...`: which kind of thing each path is, and what came of it."""

from __future__ import annotations

import os

from cm_mlperf.results import store
from cm_mlperf.results.importing import experiments, tables, tree
from cm_mlperf.results.importing.harvest import Harvest
from cmcore.errors import NotFoundError, StorageError, UsageError
from cmcore.hints import TYPE_CHECKING
from cmcore.types import Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request

_NAMED = 5


def import_results(ctx: Context, request: Request) -> Result:
    """Take over submission trees, `summary.csv` tables and published results repositories.

    Importing the same again adds nothing. Rows that are no results are counted, and the first few
    named with file and line.

    Raises:
        NotFoundError: a path does not exist.
        StorageError: nothing at a path is a result, or the results cannot be stored.
    """
    if not request.artifacts:
        raise UsageError("nothing to import", hint="name a folder or file")
    round_ = request.flags.get("round", "")
    if not isinstance(round_, str) or ("round" in request.flags and not round_):
        raise UsageError("--round needs a value, as v5.1")
    harvest = Harvest()
    for word in request.artifacts:
        path = os.path.expanduser(word)
        if not os.path.exists(path):
            raise NotFoundError(f"no file or folder {word!r}")
        before = (len(harvest.records), len(harvest.bad))
        with ctx.console.progress(f"reading {word}"):
            _read(os.path.abspath(path), round_, harvest)
        if (len(harvest.records), len(harvest.bad)) == before and not harvest.rows:
            raise StorageError(
                "no results there",
                where=path,
                hint="expected is a submission tree, a summary.csv or a results repository",
            )
    dry = bool(request.flags.get("dry_run"))
    counts = store.Counts() if dry else store.save(ctx.paths.home, harvest.records.values())
    return _result(harvest, counts, dry)


def _read(path: str, round_: str, harvest: Harvest) -> None:
    if os.path.isfile(path):
        read = tables.read if path.lower().endswith(".csv") else experiments.read
        read(path, harvest)
        return
    roots = tree.roots(path)
    for root in roots:
        tree.read(root, round_, harvest)
    # A tree of own runs has a cm-result.json beside each log; the logs are the better source.
    found = [] if roots else list(experiments.files(path))
    for file in found:
        try:
            experiments.read(file, harvest)
        except StorageError as error:
            harvest.reject(file, 0, error.message)
    table = os.path.join(path, "summary.csv")
    if not roots and not found and os.path.isfile(table):
        tables.read(table, harvest)


def _result(harvest: Harvest, counts: store.Counts, dry: bool) -> Result:
    bad = [str(problem) for problem in harvest.bad]
    told = f"{len(harvest.records)} results"
    if harvest.files:
        told += f" from {harvest.rows} rows in {harvest.files} files"
    if dry:
        told += " would come in"
    else:
        told += f": {counts.new} new, {counts.changed} changed, {counts.same} there already"
    warnings = []
    if bad:
        shown = "".join(f"\n  {problem}" for problem in bad[:_NAMED])
        more = f"\n  and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        warnings.append(f"{len(bad)} rows or files are no results:{shown}{more}")
    data = {
        "results": len(harvest.records),
        "files": harvest.files,
        "rows": harvest.rows,
        "bad": len(bad),
        "problems": bad[:100],
        "new": counts.new,
        "changed": counts.changed,
        "same": counts.same,
        "dry_run": dry,
    }
    return Result(data, view=told, warnings=tuple(warnings))
