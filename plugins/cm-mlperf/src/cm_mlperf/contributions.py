"""The verbs of the noun `mlperf` that no hook is named after, described as the manifest does."""

from __future__ import annotations

import json
import os

from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Action, Automation, Flag

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request, Result


def _compare(ctx: Context, request: Request) -> Result:
    from cm_mlperf.results import compare

    return compare.compare(ctx, request)


def _import(ctx: Context, request: Request) -> Result:
    from cm_mlperf.results.importing import command

    return command.import_results(ctx, request)


def _audit(ctx: Context, request: Request) -> Result:
    from cm_mlperf.compliance import command

    return command.audits(ctx, request)


def _check(ctx: Context, request: Request) -> Result:
    from cm_mlperf.submission.checking import command

    return command.check(ctx, request)


def _submit(ctx: Context, request: Request) -> Result:
    from cm_mlperf.submission import submit

    return submit.submit(ctx, request)


#: Each imports what it leads to, so that one verb does not pay for the others.
_HANDLERS = {
    "audit": _audit,
    "check": _check,
    "compare": _compare,
    "import": _import,
    "submit": _submit,
}


def _noun() -> dict[str, Any]:
    path = os.path.join(os.path.dirname(__file__), "cm-plugin.json")
    with open(path, encoding="utf-8") as file:
        noun: dict[str, Any] = json.load(file)["automations"]["mlperf"]
    return noun


def actions() -> list[Action]:
    """One `Action` for each verb with a handler here."""
    described = _noun()["actions"]
    return [_action(name, described[name], handler) for name, handler in _HANDLERS.items()]


def _action(name: str, about: dict[str, Any], handler: Any) -> Action:
    flags = about.get("flags", {}).items()
    return Action(
        name,
        "mlperf",
        about["help"],
        handler=handler,
        usage=about.get("usage", ""),
        flags=tuple(Flag(flag, text["help"], text.get("value", "")) for flag, text in flags),
        open_flags=bool(about.get("open_flags")),
        examples=tuple(about.get("examples", ())),
    )


def automations() -> list[Automation]:
    """The noun `mlperf`."""
    about = _noun()
    return [Automation("mlperf", about["help"], about["uid"], about["artifacts"])]
