"""What a person typed, looked at before anything is done: missing values, files with more flags.

Imported only when one of `flags.CHECKED` is among the flags. What recipes ask each other for does
not come through here.
"""

from __future__ import annotations

from cm_script.dialects import CM
from cm_script.flags import is_on
from cm_script.merge import copied, merge
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request

#: Flags that mean nothing without a value, and an example of one.
_VALUES = {
    "version": "3.10",
    "version_min": "3.8",
    "version_max": "3.12",
    "version_max_usable": "3.12",
    "cache_expiration": "12h",
    "extra_cache_tags": "mine,fast",
    "path": "/opt/tool/bin",
    "outdirname": "results",
    "outbasename": "result",
    "name": "mine",
    "repro_dir": "cm-repro",
    "repro_prefix": "cm-run-script",
    "debug_script_tags": "get,gcc",
    "script_call_prefix": "'cm run script'",
    "input_file": "run.yaml",
    "mlc_input_file": "run.yaml",
    "mlc_isolate_dir": "/tmp",
}
_FILES = ("input_file", "mlc_input_file")
#: What a file of flags may say of the request itself, as `--repro` writes it.
_SELF = {"action": "run", "automation": "script"}


def read_input_file(inputs: dict[str, Any]) -> None:
    """Join the flags of `--input_file` into `inputs`; what was typed wins, key by key.

    Raises:
        UsageError: no value, or the file is about another action.
        StorageError: it cannot be read; names file and line.
    """
    from cmcore.grammar import read_input_file as read

    for flag in _FILES:
        if flag not in inputs:
            continue
        _refuse_missing(inputs, flag)
        path = str(inputs.pop(flag))
        data = copied(dict(read(path)))
        for key, word in _SELF.items():
            given = str(data.pop(key, word)).partition(",")[0]
            if given != word:
                raise UsageError(
                    f"the file of --{flag} asks for the {key} '{given}', not '{word}'", where=path
                )
        for key in (*_FILES, "out"):  # one file does not bring in another
            data.pop(key, None)
        if "artifact" in inputs or "tags" in inputs:
            data.pop("artifact", None)
        merge(data, inputs, CM)
        inputs.clear()
        inputs.update(data)


def check(ctx: Context, request: Request, inputs: Mapping[str, Any]) -> None:
    """Refuse values that say nothing; let `--json` answer as `--out=json` does.

    Raises:
        UsageError: a flag lacks its value, or has one that cannot be read.
    """
    for flag in _VALUES:
        _refuse_missing(inputs, flag)
    _check_period(inputs, "")
    for flag in ("ad", "adr", "add_deps", "add_deps_recursive"):
        edits = inputs.get(flag)
        for name, edit in edits.items() if isinstance(edits, dict) else ():
            if isinstance(edit, dict):
                _check_period(edit, f"{flag}.{name}.")
    if request.console and (is_on(inputs.get("json")) or is_on(inputs.get("j"))):
        ctx.console.json = True


def _refuse_missing(inputs: Mapping[str, Any], flag: str) -> None:
    if isinstance(inputs.get(flag), bool):
        raise UsageError(f"--{flag} needs a value", hint=f"for example --{flag}={_VALUES[flag]}")


def _check_period(inputs: Mapping[str, Any], prefix: str) -> None:
    given = inputs.get("cache_expiration")
    if given is None or given == "":
        return
    text = str(given).strip().lower()
    if text == "0" or (text[-1:] in ("m", "h", "d") and text[:-1].isdecimal()):
        return
    raise UsageError(
        f"--{prefix}cache_expiration takes a period, and '{given}' is none",
        hint="a number with m, h or d: 30m, 12h, 7d; 0 for a result that nobody gets again",
    )
