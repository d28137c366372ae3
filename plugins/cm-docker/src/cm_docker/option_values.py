"""Read the values of container options, from a command line, Python or a recipe's meta."""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping

if TYPE_CHECKING:
    from cm_docker.option_table import Option

_ON = ("yes", "on", "true", "1")
_OFF = ("no", "off", "false", "0", "none", "")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def switch(value: Any) -> bool | None:
    """True or False for what switches something on or off, None for anything else."""
    if value is None:
        return False
    if isinstance(value, (bool, int)):
        return bool(value) if value in (0, 1) else None
    word = str(value).strip().lower()
    return True if word in _ON else False if word in _OFF else None


def read(option: Option, value: Any, spelled: str) -> Any:
    """The value of an option in the form that `Wishes` has.

    Args:
        option: what it is for.
        value: as given.
        spelled: the option as the user wrote it, for messages.

    Raises:
        UsageError: it cannot be that.
    """
    if option.kind == "any":
        return value
    if value is True and option.kind not in ("switch", "gpus", "cache"):
        raise UsageError(
            f"{spelled} needs a value", hint=f"write {spelled}={option.value or 'VALUE'}"
        )
    try:
        if option.kind == "choice":
            return _choice(value, option.choices)
        return _READERS[option.kind](value)
    except (ValueError, OverflowError) as error:
        given = "" if option.kind == "token" else f", not {value!r}"
        raise UsageError(f"{spelled} takes {error}{given}") from None


def _switch(value: Any) -> bool:
    found = switch(value)
    if found is None:
        raise ValueError("yes or no")
    return found


def _text(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)  # a version that YAML took for a number
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    if not value.isprintable():
        raise ValueError("a text on one line")
    return value.strip()


def _token(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a token")
    return value.strip()


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    # `--x`, `--x-` and YAML's on and off arrive as booleans.
    word = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value).lower()
    if word not in choices:
        raise ValueError(" or ".join(choices))
    return word


def _cache(value: Any) -> str:
    """CM's `no` means: use no layer of an earlier build; that is `rebuild` here."""
    found = switch(value)
    if found is not None:
        return "image" if found else "rebuild"
    return _choice(value, ("image", "host", "volume"))


def _number(value: Any) -> str:
    try:
        number = float(str(value))
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise ValueError("a number above 0")
    return f"{number:g}" if number < 1e6 else str(int(number))


def _count(value: Any) -> str:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise ValueError("a whole number above 0")
    return str(int(text))


def _size(value: Any) -> str:
    """`32gb`, `32G` and `32GiB` are `32g`; engines know bytes, k, m and g."""
    text = str(value).strip().lower()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text[len(digits) :]
    digits = digits.strip()
    unit = unit.removesuffix("ib") if unit.endswith("ib") else unit.removesuffix("b")
    whole, point, part = digits.partition(".")
    plain = (whole + part).isascii() and whole.isdigit() and (not point or part.isdigit())
    if unit not in ("", "k", "m", "g", "t") or not plain or not float(digits):
        raise ValueError("a size such as 512m or 8g")
    if point or unit == "t":
        factor = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}[unit]
        return str(int(float(digits) * factor))
    return digits + unit


def _seconds(value: Any) -> str:
    text = str(value).strip().lower()
    factor = _UNITS.get(text[-1:], 0)
    number = text[:-1] if factor else text
    if not (number.isascii() and number.isdigit() and 0 < len(number) < 10 and int(number)):
        raise ValueError("seconds, or a time such as 30m or 2h")
    return str(int(number) * (factor or 1))


def _gpus(value: Any) -> str:
    found = switch(value) if not isinstance(value, int) or isinstance(value, bool) else None
    if isinstance(value, str) and value.strip() == "1":
        found = None  # one GPU
    if found is not None:
        return "all" if found else ""
    text = ",".join(words(value)) if isinstance(value, (list, tuple)) else str(value).strip()
    text = text.removeprefix("device=")
    if not text or not all(char.isalnum() or char in ",-:._/" for char in text):
        raise ValueError("all, a number, or identifiers with commas")
    return text.lower() if text.lower() == "all" else text


def words(value: Any) -> tuple[str, ...]:
    """`a,b` or a list of words."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        raise ValueError("words with commas")
    return tuple(word for item in value if (word := _text(item)))


def lines(value: Any) -> tuple[str, ...]:
    """A text, which may hold commas, or a list of such."""
    return tuple(map(_text, value)) if isinstance(value, (list, tuple)) else (_text(value),)


def commands(value: Any) -> tuple[str, ...]:
    """Shell commands; each may have several lines."""
    found = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(item, str) and "\0" not in item for item in found):
        raise ValueError("commands")
    return tuple(item.strip() for item in found if item.strip())


def args(value: Any) -> tuple[str, ...]:
    """Words as a shell splits them, or a list of words."""
    if isinstance(value, str):
        from shlex import split

        try:
            return tuple(split(value))
        except ValueError:
            raise ValueError("words as in a shell") from None
    return lines(value)


def is_name(name: str) -> bool:
    """Whether an environment variable can be called that."""
    return name.isascii() and name.isidentifier()


def names(value: Any) -> tuple[str, ...]:
    found = words(value)
    for name in found:
        if not is_name(name):
            raise ValueError("names of environment variables")
    return found


def env(value: Any) -> dict[str, str | None]:
    """`{NAME: value}`; None for the value that the caller's environment has."""
    if isinstance(value, Mapping):
        found: dict[str, str | None] = {str(key): one_text(item) for key, item in value.items()}
    elif isinstance(value, str) and "=" in value.split(",")[0]:
        name, _, text = value.partition("=")  # a value may hold commas
        found = {name: text}
    else:
        found = {}
        for word in words(value):
            name, equals, text = word.partition("=")
            found[name] = text if equals else None
    if not all(is_name(name) for name in found):
        raise ValueError("names of environment variables, or NAME=VALUE")
    return found


def one_text(value: Any) -> str:
    """What a variable holds, as the engine of recipes writes it."""
    if value is None or isinstance(value, (dict, list, tuple)):
        raise ValueError("texts as values")
    return str(value)


def mapping(value: Any) -> dict[str, str]:
    """`{NAME: value}`, also from `NAME=VALUE`."""
    found = env(value)
    if None in found.values():
        raise ValueError("NAME=VALUE")
    return {name: str(text) for name, text in found.items()}


_READERS: dict[str, Callable[[Any], Any]] = {
    "switch": _switch,
    "text": _text,
    "token": _token,
    "cache": _cache,
    "number": _number,
    "count": _count,
    "size": _size,
    "seconds": _seconds,
    "gpus": _gpus,
    "words": words,
    "mounts": lines,
    "commands": commands,
    "args": args,
    "names": names,
    "env": env,
    "mapping": mapping,
}
