"""`cm show mlperf`: results in folders, or imported ones, as a table or in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cm_mlperf.results import finding, sheets
from cm_mlperf.results.record import stamp_of, to_dict
from cmcore.errors import NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_mlperf.results.finding import Item
    from cmcore.context import Context
    from cmcore.types import Request

_FORMATS = {".csv": "csv", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json"}


def show(ctx: Context, request: Request) -> Result:
    """`cm show mlperf [DIR...]`: the results that are there, by default below this folder.

    Raises:
        NotFoundError: a folder does not exist, or nothing fits.
        UsageError: a flag has an impossible value.
        StorageError: `--output` cannot be written, or what was imported cannot be read.
    """
    wish = finding.wish_of(request.flags)
    output = _text(request, "output")
    form = _format(request, output)
    items, warnings = _items(ctx, request, wish)
    items.sort(key=finding.order)
    limit = _limit(request)
    more = len(items) - limit if limit is not None else 0
    items = items[:limit]
    if more > 0:
        warnings.append(f"{more} more results are not shown (--limit={limit})")
    data: dict[str, Any] = {"count": len(items), "results": [_shown(item) for item in items]}
    if not form:
        return Result(data, view=_view(items), warnings=tuple(warnings))
    text = _text_in(form, items, data)
    if not output:
        return Result(data, view=text, warnings=tuple(warnings))
    from cmcore.storage import write_atomic

    write_atomic(output, text.encode("utf-8", "replace"))
    path = os.path.abspath(output)
    return Result(
        {**data, "output": path},
        view=f"{len(items)} results in {path}",
        warnings=tuple(warnings),
    )


def _items(ctx: Context, request: Request, wish: finding.Wish) -> tuple[list[Item], list[str]]:
    if request.flags.get("imported"):
        if request.artifacts:
            raise UsageError(
                "--imported shows what was imported, not folders", hint="leave out one of them"
            )
        return imported(ctx, wish), []
    folders = [os.path.expanduser(word) for word in request.artifacts] or ["."]
    items, warnings = finding.gather(folders)
    kept = [item for item in items if finding.fits(item.record, wish)]
    if not kept:
        place = " or ".join(folders) if request.artifacts else "this folder"
        raise nothing(len(items), place, warnings)
    return kept, warnings


def imported(ctx: Context, wish: finding.Wish) -> list[Item]:
    """The imported results that are asked for.

    Raises:
        NotFoundError: nothing was imported yet, or nothing fits.
    """
    from cm_mlperf.results import store

    found = store.select(ctx.paths.home, wish)
    total = 0 if found else store.count(ctx.paths.home)
    if total:
        raise NotFoundError(
            f"none of {total} imported results fits",
            hint="--valid=accepted shows results of published tables, which carry no logs"
            if True in wish.verdicts
            else "leave out some of the filters",
        )
    if not found:
        raise NotFoundError("nothing was imported yet", hint="cm import mlperf PATH")
    return found


def nothing(total: int, place: str, warnings: Sequence[str]) -> NotFoundError:
    """The error for folders without a result that fits."""
    if total:
        return NotFoundError(
            f"none of {total} results in {place} fits", hint="leave out some of the filters"
        )
    return NotFoundError(
        f"no results in {place}",
        where=warnings[0] if warnings else "",
        hint="'cm run mlperf' makes results, 'cm show mlperf --imported' shows imported ones",
    )


def _view(items: Sequence[Item]) -> Any:
    if not items:
        return None
    lines = []
    stamped = sum(bool(stamp_of(item.record)) for item in items)
    if stamped:
        lines.append(f"{stamped} of {len(items)} are test or fast runs: not results")
    return [sheets.table(items), *lines]


def _shown(item: Item) -> dict[str, Any]:
    shown = to_dict(item.record)
    shown["stamp"] = stamp_of(item.record)
    return {**shown, "folder": item.folder} if item.folder else shown


def _text_in(form: str, items: Sequence[Item], data: dict[str, Any]) -> str:
    if form == "csv":
        return sheets.csv_text(items)
    if form == "markdown":
        return sheets.markdown(items)
    if form == "json":
        import json

        return json.dumps(data, indent=2) + "\n"
    from cm_mlperf.results.web.page import page

    return page(items)


def _format(request: Request, output: str) -> str:
    form = _text(request, "format").lower()
    form = {"md": "markdown", "htm": "html"}.get(form, form)
    known = sorted(set(_FORMATS.values()))
    if form and form not in known:
        raise UsageError(f"--format={form}: no such format", hint=f"one of {', '.join(known)}")
    if output and not form:
        form = _FORMATS.get(os.path.splitext(output)[1].lower(), "")
        if not form:
            raise UsageError(
                f"--output={output}: its ending names no format",
                hint=f"add --format={'|'.join(known)}",
            )
    return form


def _text(request: Request, key: str) -> str:
    value = request.flags.get(key, "")
    if not isinstance(value, str) or (key in request.flags and not value):
        raise UsageError(f"--{key} needs a value")
    return os.path.expanduser(value) if key == "output" else value


def _limit(request: Request) -> int | None:
    value = request.flags.get("limit")
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isdigit() or int(text) < 1:
        raise UsageError("--limit needs a number of at least 1")
    return int(text)
