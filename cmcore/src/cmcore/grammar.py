"""The CM command language: words of a command line <-> one request, both ways.

    cm ACTION AUTOMATION [ARTIFACT...] [--flags] [@file] [-- command]

* The first two bare words are action and automation, the others artifacts.
* `--k` is true, `--k-` false, `--k=v` text, `--k,=a,b` a list (`--k,=` an empty one); one dash
  works as well as two. `--a.b=v` nests. Dashes in a key become underscores, in a dotted key only
  in its first part.
* `--k:=JSON` gives any JSON value, `--:={...}` several keys at once, spelled exactly. (CM itself
  would read a flag called `k:`; use `@file` where the line must also work there.)
* `@file.json` and `@file.yaml` are merged in the order of the line, later keys win.
* Words after `--` are passed on as they are.
* A word that begins with `-` or `@` is an artifact when written `--artifact=WORD`.

The names in `STRUCTURE` are parts of the request, the ones in `OPTIONS` belong to the command
line; neither can be the name of a flag.
"""

from __future__ import annotations

from cmcore.errors import StorageError, UsageError
from cmcore.hints import Any, Callable, Mapping, NamedTuple, Sequence
from cmcore.types import Request

#: Other spellings of verbs; dashes are underscores by then.
ALIASES = {
    "find": "search",
    "list": "search",
    "ls": "search",
    "delete": "remove",
    "del": "remove",
    "rm": "remove",
    "rename": "move",
    "ren": "move",
    "mv": "move",
    "cp": "copy",
    "info": "show",
}

#: Keys of a request written as a dictionary that are not flags.
STRUCTURE = ("action", "automation", "artifact", "artifacts", "unparsed_cmd")

#: Flags that the command line keeps for itself.
OPTIONS = ("out", "save_to_json", "no_plugins", "color", "no_color")

#: Verbs that are about the request that the other words make.
_ABOUT = ("help", "print_input")

_COLORS = ("auto", "always", "never")


class Options(NamedTuple):
    """What the command line keeps for itself.

    Attributes:
        json: one JSON document on stdout, everything else on stderr.
        save_to_json: file that gets the same document; `""` for none.
        verbose, silent: more or less on stderr; the flags stay in the request as well, because
            actions read them too.
        no_plugins: answer with the core alone.
        help: explain instead of acting.
        color: `auto`, `always` or `never`.
    """

    json: bool = False
    save_to_json: str = ""
    verbose: bool = False
    silent: bool = False
    no_plugins: bool = False
    help: bool = False
    color: str = "auto"


class Parsed(NamedTuple):
    """A command line that was understood."""

    request: Request
    options: Options


def canonical_action(word: str) -> str:
    """The one spelling of a verb: `ls` -> `search`, `print-input` -> `print_input`."""
    word = word.replace("-", "_")
    return ALIASES.get(word, word)


def parse(
    argv: Sequence[str], *, read_file: Callable[[str], Mapping[str, Any]] | None = None
) -> Parsed:
    """Understand a command line (without the leading `cm`).

    Args:
        argv: its words.
        read_file: reads the file of an `@file` word; for tests.

    Raises:
        UsageError: a word that cannot be understood; says what would work.
        StorageError: an `@file` that cannot be read; names file and line.
    """
    bare: list[str] = []
    artifacts: list[str] = []
    fields: dict[str, Any] = {}
    for position, word in enumerate(argv):
        if word == "--":
            fields["unparsed_cmd"] = list(argv[position + 1 :])
            break
        if word.startswith("@"):
            _merge(fields, artifacts, (read_file or read_input_file)(word[1:]))
        elif word.startswith("-"):
            _merge_flag(fields, artifacts, word)
        else:
            (bare if len(bare) < 2 else artifacts).append(word)
    if bare and canonical_action(bare[0]) in _ABOUT:
        # What a file asks for is what is asked about; it is not done.
        named = [fields.pop(key) for key in ("action", "automation") if key in fields]
        bare += named if len(bare) == 1 else []
        artifacts[:0] = bare[2:]
    for key, word in zip(("action", "automation"), bare, strict=False):
        fields.setdefault(key, word)
    fields["artifacts"] = artifacts
    fields.setdefault("out", "con")
    return from_dict(fields)


def from_dict(data: Mapping[str, Any]) -> Parsed:
    """Understand a request written as a dictionary, as `cmcore.access` takes it.

    `artifact` comes before `artifacts`; `"out": "con"` says that a person reads the output.

    Raises:
        UsageError: a part of the request has the wrong type.
    """
    flags = dict(data)
    for key in flags:
        if not isinstance(key, str):
            raise UsageError(f"the key {key!r} of a request is no word")
    action = canonical_action(_text(flags.pop("action", ""), "action"))
    automation = _text(flags.pop("automation", ""), "automation")
    artifacts = _artifacts(flags)
    command = flags.pop("unparsed_cmd", None)
    if command is not None:
        command = tuple(_texts(command, "unparsed_cmd"))
    options = _take_options(flags)
    console = flags.pop("out", None) == "con"
    return Parsed(Request(action, automation, artifacts, flags, command, console), options)


def to_dict(request: Request) -> dict[str, Any]:
    """The inverse of `from_dict`."""
    data: dict[str, Any] = {"action": request.action, "automation": request.automation}
    if request.artifacts:
        data["artifact"] = request.artifacts[0]
    if request.artifacts[1:]:
        data["artifacts"] = list(request.artifacts[1:])
    data.update(request.flags)
    if request.command is not None:
        data["unparsed_cmd"] = list(request.command)
    if request.console:
        data["out"] = "con"
    return data


def unparse(request: Request) -> list[str]:
    """The words that `parse` reads as `request`; see `cmcore.spelling`."""
    from cmcore import spelling

    return spelling.unparse(request)


def command_line(request: Request, program: str = "cm") -> str:
    """The same as one line of text for a shell; see `cmcore.spelling`."""
    from cmcore import spelling

    return spelling.command_line(request, program)


def read_input_file(path: str) -> Mapping[str, Any]:
    """The dictionary that an `@file` holds.

    Raises:
        StorageError: no such file, not JSON or YAML, or no dictionary in it.
    """
    from os.path import exists, expanduser, splitext

    path = expanduser(path)
    kind = splitext(path)[1].lower()
    if kind not in (".json", ".yaml", ".yml"):
        raise UsageError(f"cannot read input file '{path}'", hint="use @NAME.json or @NAME.yaml")
    if not exists(path):
        raise StorageError("there is no such input file", where=path, code=16)
    data: Any
    if kind == ".json":
        from cmcore.storage import read_json

        data = read_json(path)
    else:
        from cmcore.yamlio import load_yaml

        data, _ = load_yaml(path)
    if not isinstance(data, dict):
        raise StorageError("an input file must hold keys and values at its top level", where=path)
    return data


def _merge(fields: dict[str, Any], artifacts: list[str], more: Mapping[str, Any]) -> None:
    update = dict(more)
    artifacts.extend(_artifacts(update))
    fields.update(update)


def _merge_flag(fields: dict[str, Any], artifacts: list[str], word: str) -> None:
    body = word[2:] if word.startswith("--") else word[1:]
    key, equals, text = body.partition("=")
    value: Any = text
    if not equals:
        value = not key.endswith("-")
        key = key.removesuffix("-")
        if key.endswith(","):
            raise UsageError(f"the list in '{word}' is missing", hint=f"write --{key}=a,b")
    elif key.endswith(","):
        key = key[:-1]
        value = text.split(",") if text else []
    elif key.endswith(":"):
        key = key[:-1]
        value = _json(word, text)
        if not key:
            if not isinstance(value, dict):
                raise UsageError(f"'{word}' needs keys", hint='write --:=\'{"key": "value"}\'')
            _merge(fields, artifacts, value)
            return
    if key.startswith("-") or not all(key.split(".")):
        raise UsageError(f"cannot read the flag '{word}'", hint="write --key=value or --key.sub=v")
    first, *rest = key.split(".")
    first = first.replace("-", "_")
    if not rest:
        _merge(fields, artifacts, {first: value})
        return
    group = fields.setdefault(first, {})
    for part in rest[:-1]:
        group = group.setdefault(part, {}) if isinstance(group, dict) else None
    if not isinstance(group, dict):
        raise UsageError(
            f"'{word}' puts a value under a flag that already has one",
            hint=f"give either --{first}=... or --{first}.KEY=...",
        )
    group[rest[-1]] = value


def _json(word: str, text: str) -> Any:
    from cmcore.jsontext import loads

    try:
        return loads(text)
    except ValueError as error:
        raise UsageError(
            f"the value in '{word}' is not JSON: {error}", hint="write --key=text for plain text"
        ) from None


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"'{key}' must be a word, not {value!r}")
    return value


def _texts(value: Any, key: str) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(word, str) for word in value):
        raise UsageError(f"'{key}' must be a list of words, not {value!r}")
    return list(value)


def _artifacts(fields: dict[str, Any]) -> tuple[str, ...]:
    found = []
    if "artifact" in fields:
        found.append(_text(fields.pop("artifact"), "artifact"))
    return (*found, *_texts(fields.pop("artifacts", ()), "artifacts"))


def _take_options(flags: dict[str, Any]) -> Options:
    out = flags.get("out", "")
    if out not in ("", "json", "con"):
        raise UsageError(f"cannot answer as '--out={out}'", hint="use --out=json or --out=con")
    save = flags.pop("save_to_json", "")
    if not isinstance(save, str):
        raise UsageError("'--save_to_json' needs a file", hint="write --save_to_json=FILE")
    no_plugins = flags.pop("no_plugins", False)
    if not isinstance(no_plugins, bool):
        raise UsageError("'--no-plugins' takes no value")
    color = flags.pop("color", "auto")
    if isinstance(color, bool):
        color = "always" if color else "never"
    if flags.pop("no_color", False):
        color = "never"
    if color not in _COLORS:
        raise UsageError(f"cannot read '--color={color}'", hint=f"use {', '.join(_COLORS)}")
    asked = [flags.pop(key) for key in ("help", "h") if flags.get(key) is True]
    return Options(
        json=out == "json",
        save_to_json=save,
        verbose=any(flags.get(key) is True for key in ("verbose", "v")),
        silent=any(flags.get(key) is True for key in ("silent", "s")),
        no_plugins=no_plugins,
        help=bool(asked),
        color=color,
    )
