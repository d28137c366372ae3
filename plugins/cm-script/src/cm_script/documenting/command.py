"""`cm doc script`: from a request to pages in files, or to what is out of date among them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cm_script.documenting import formats, publish
from cm_script.documenting.formats import Format
from cm_script.documenting.publish import CHANGED, FOREIGN, NEW, SAME, Page
from cm_script.documenting.targets import Target, targets
from cm_script.documenting.wording import counted
from cm_script.documenting.work import Work
from cm_script.flags import is_on
from cmcore.errors import ExistsError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context

#: `--output` of those who want to read the page at once.
STDOUT = "-"
_LISTED = 10
#: Flags that every action takes.
GENERAL = ("quiet", "q", "silent", "s", "verbose", "v")


def doc(ctx: Context, request: Request) -> Result:
    """Document recipes, or whole collections with a catalogue.

    Without `--output` each page goes into its recipe's folder.

    Returns:
        `pages` with recipe, file and state (`new`, `changed`, `same`, `foreign`: written by a
        person and left alone), `counts` by state, `leftovers`; with `--check` the exit code is 1
        when a page is new, changed or left over, and nothing is written.

    Raises:
        CmError: nothing fits, there is nowhere to write, or the only page was written by a person.
    """
    if request.flags.get("format") in formats.OF_RUNS:
        from cm_script.documenting import reproduce

        return reproduce.doc(ctx, request)
    _refuse_flags_of_runs(ctx, request)
    style = formats.named(request.flags.get("format", "markdown"))
    output = request.flags.get("output")
    if output is True or output == "":
        raise UsageError("--output needs a folder or a file", hint="--output=- prints the page")
    with ctx.index.hold():
        wanted = [_of_dialect(target, request) for target in targets(ctx, request)]
        work = Work(ctx, request, style, wanted)
        if output == STDOUT:
            return work.printed()
        pages, roots = work.elsewhere(str(output)) if output else (work.in_place(), [])
    return _finish(request, style, pages, roots, work.warnings)


def _refuse_flags_of_runs(ctx: Context, request: Request) -> None:
    """Only a document about a run takes flags of that run."""
    known = [flag.name for flag in ctx.registry.resolve("script", "doc").action.flags]
    for name in request.flags:
        if name not in known and name not in GENERAL:
            from cmcore.naming import did_you_mean, suggestion

            raise UsageError(
                f"unknown flag '--{name}' of 'doc script'",
                hint=suggestion(did_you_mean(name, known))
                or "--format=readme and --format=notebook take the flags of a run",
            )


def _of_dialect(target: Target, request: Request) -> Target:
    form = request.flags.get("dialect")
    if not form:
        return target
    left = [artifact for artifact in target.artifacts if artifact.form == form]
    return target._replace(artifacts=left)


def _finish(
    request: Request,
    style: Format,
    pages: Sequence[Page],
    roots: Sequence[str],
    warnings: Sequence[str],
) -> Result:
    check = is_on(request.flags.get("check"))
    foreign = [page.file for page in pages if page.state == FOREIGN]
    if foreign and len(foreign) == len(pages) and not check:
        what = "a person wrote the file that is there"
        if len(foreign) > 1:
            what = f"people wrote the {len(foreign)} files that are there"
        raise ExistsError(
            f"nothing was written: {what}",
            where=foreign[0],
            hint="--output=FOLDER writes elsewhere, --output=- prints, --force replaces",
        )
    old = [file for root in roots for file in publish.leftovers(root, pages, style)]
    if not check:
        publish.write(pages)
    counts = {s: sum(page.state == s for page in pages) for s in (NEW, CHANGED, SAME, FOREIGN)}
    data: dict[str, Any] = {
        "pages": [{"recipe": p.recipe, "file": p.file, "state": p.state} for p in pages],
        "counts": counts,
        "leftovers": old,
    }
    lines = _told(pages, counts, old, check=check)
    outdated = bool(counts[NEW] or counts[CHANGED] or old)
    return Result(data, "\n".join(lines), int(check and outdated), tuple(warnings))


def _told(
    pages: Sequence[Page], counts: dict[str, int], old: Sequence[str], *, check: bool
) -> list[str]:
    todo = [page for page in pages if page.state in (NEW, CHANGED)]
    lines = []
    if check:
        words = {NEW: "missing", CHANGED: "out of date"}
        lines += _listed([f"{page.file}: {words[page.state]}" for page in todo])
        told = f"{counted(len(todo), 'page')} would be written" if todo else "up to date"
        lines.append(f"{told}, {counts[SAME]} unchanged")
    else:
        lines += [page.file for page in todo] if len(todo) <= _LISTED else []
        where = (
            f" below {os.path.commonpath([p.file for p in todo])}" if len(todo) > _LISTED else ""
        )
        lines.append(f"{counted(len(todo), 'page')} written{where}, {counts[SAME]} unchanged")
    if counts[FOREIGN]:
        kept = [page.file for page in pages if page.state == FOREIGN]
        lines.append(f"{counts[FOREIGN]} kept, because people wrote them (--force replaces them):")
        lines += _listed([f"  {file}" for file in kept])
    if old:
        lines.append("generated for recipes that are not documented any more; delete them:")
        lines += _listed([f"  {file}" for file in old])
    return lines


def _listed(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _LISTED
    return [*lines[:_LISTED], *([f"  and {left} more"] if left > 0 else [])]
