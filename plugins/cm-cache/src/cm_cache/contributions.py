"""What the plugin adds besides the cache itself: verbs, completion, lines of `cm doctor`."""

from __future__ import annotations

import json
import os

from cm_cache import commands, exporting, importing, pruning, records, removal, verifying
from cm_cache.shelf import Shelf
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Action, Automation, Flag, HealthCheck, Setting

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request

_HANDLERS = {
    "path": commands.path,
    "restore": removal.restore,
    "prune": pruning.prune,
    "gc": pruning.gc,
    "verify": verifying.verify,
    "export": exporting.export,
    "import": importing.import_command,
}


def _manifest() -> dict[str, Any]:
    path = os.path.join(os.path.dirname(__file__), "cm-plugin.json")
    with open(path, encoding="utf-8") as file:
        noun: dict[str, Any] = json.load(file)["automations"]["cache"]
    return noun


def actions() -> list[Action]:
    """The verbs that no hook is named after, described as the manifest does."""
    made = []
    for name, handler in _HANDLERS.items():
        about = _manifest()["actions"][name]
        flags = tuple(
            Flag(flag, text["help"], text.get("value", ""))
            for flag, text in about.get("flags", {}).items()
        )
        made.append(
            Action(
                name,
                "cache",
                about["help"],
                handler=handler,
                usage=about.get("usage", ""),
                flags=flags,
                examples=tuple(about.get("examples", ())),
            )
        )
    return made


def automations() -> list[Automation]:
    """The noun `cache`."""
    about = _manifest()
    return [Automation("cache", about["help"], about["uid"], about["artifacts"])]


def settings() -> list[Setting]:
    """What `cm config` may set."""
    from cm_cache import outdated, pruning, upstream

    return [upstream.SETTING, outdated.SETTING, pruning.SETTING]


def complete(ctx: Context, request: Request, incomplete: str) -> list[str]:
    """Tags (the last one of a list) and UIDs that begin with `incomplete`."""
    if request.automation != "cache":
        return []
    before, comma, last = incomplete.rpartition(",")
    found = Shelf(ctx).finished(())
    tags = {tag for record in found for tag in record.tags if tag.startswith(last)}
    uids = [] if comma else [record.uid for record in found if record.uid.startswith(last)]
    return [f"{before}{comma}{tag}" for tag in sorted(tags)] + uids


def health_checks(ctx: Context) -> list[HealthCheck]:
    """Whether entries are damaged or were left unfinished."""
    found = Shelf(ctx).everything()
    bad = [record for record in found if record.kind == records.DAMAGED]
    left = [record for record in found if record.kind == records.BUILDING]
    details = [f"{len(found) - len(bad) - len(left)} entries"]
    details += [f"{len(left)} unfinished"] if left else []
    details += [f"{r.uid} {_state(r)}: {r.reason}" for r in bad[:5]]
    hint = "cm prune cache --broken" if any(not r.closed for r in bad) else ""
    return [HealthCheck("cache entries", not bad, ", ".join(details), hint)]


def _state(record: records.Record) -> str:
    return "cannot be read" if record.closed else "is damaged"
