"""A whole system description: what the machine tells, what a file adds, what a person answers."""

from __future__ import annotations

import os

from cm_mlperf.system.fields import ALLOWED_KEYS, FIELDS, KEYS, NEEDED, NO_ACCELERATOR, text_of
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Mapping, NamedTuple
from cmcore.naming import did_you_mean, suggestion

if TYPE_CHECKING:
    from cmcore.console import Console


class Description(NamedTuple):
    """All 35 fields (and further ones of the file) in order, and those that nobody filled."""

    fields: dict[str, str]
    missing: tuple[str, ...]


def describe(
    known: Mapping[str, object],
    blanks: Mapping[str, object] | None = None,
    *,
    device: str = "cpu",
    root: str = "/",
    environ: Mapping[str, str] | None = None,
) -> Description:
    """Describe this machine.

    Args:
        known: what the caller knows better than the machine: division, submitter, framework...
        blanks: a person's file (see `read_file`); it wins over everything else.
        device: `cpu`, or what the model runs on; without accelerators they are `0` and `N/A`.
        root: folder that holds proc, sys and etc, for descriptions of another root.
        environ: for PATH; this process's by default.

    A key that nobody tells is an empty text; `missing` names the empty ones that must not be.
    """
    told = collect(device=device, root=root, environ=environ)
    for source in (known, blanks or {}):
        told.update({key: text_of(value) for key, value in source.items() if text_of(value)})
    fields = {key: told.pop(key, "") for key in KEYS}
    return Description({**fields, **told}, missing(fields))


def collect(
    *, device: str = "cpu", root: str = "/", environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What the machine itself tells; needs no root, installs nothing, leaves out the unknown."""
    from cm_mlperf.system import accelerators, memory, network, processor, software, storage

    told = {"number_of_nodes": "1"}
    for part in (processor, memory, storage, network, software):
        told.update(part.collect(root))
    if device in ("", "cpu"):
        told.update(NO_ACCELERATOR)
    else:
        told.update(accelerators.collect(os.environ if environ is None else environ))
    return told


def missing(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Keys that must say something and do not."""
    return tuple(key for key in KEYS if key in NEEDED and not text_of(fields.get(key, "")))


def read_file(path: str) -> dict[str, str]:
    """The fields of a person's YAML or JSON file.

    Raises:
        StorageError: it cannot be read or parsed.
        UsageError: it is not a list of `key: value`, or has a key that is no field.
    """
    from cmcore.yamlio import load_yaml

    content, _ = load_yaml(path)
    if not isinstance(content, dict):
        raise UsageError(
            "a system file holds lines 'key: value'", where=path, hint=f"keys: {', '.join(KEYS)}"
        )
    for key, value in content.items():
        if key not in ALLOWED_KEYS:
            near = did_you_mean(key, ALLOWED_KEYS)
            raise UsageError(
                f"'{key}' is no field of a system description",
                where=path,
                hint=suggestion(near) or f"fields: {', '.join(KEYS)}",
            )
        if isinstance(value, (list, dict)):
            raise UsageError(f"field '{key}' must be a text or a number", where=path)
    return {key: text_of(value) for key, value in content.items()}


def fill(described: Description, console: Console, where: str = "") -> dict[str, str]:
    """All fields, the missing ones asked on a terminal.

    Raises:
        CmError: something is missing and nobody can be asked, or the person gave no answer; names
            every missing key at once.
    """
    fields = dict(described.fields)
    for key in described.missing if console.interactive else ():
        answer = _ask(console, key)
        if answer:
            fields[key] = answer
    left = missing(fields)
    if left:
        told = {field.key: field.help for field in FIELDS}
        lines = "; ".join(f"{key} ({told[key]})" for key in left)
        raise CmError(
            f"the system description lacks {len(left)} field{'s' * (len(left) > 1)}: {lines}",
            where=where,
            hint="write them as 'key: value' into a file and add --system_file=FILE",
        )
    return fields


def _ask(console: Console, key: str) -> str:
    import sys

    from cm_mlperf.system.fields import STATUSES

    if key == "status":
        choice = console.ask("Status of the system:", STATUSES)
        return "" if choice is None else STATUSES[choice]
    told = {field.key: field.help for field in FIELDS}
    console.err(f"System description, {key}: {told[key]}")
    return sys.stdin.readline().strip()
