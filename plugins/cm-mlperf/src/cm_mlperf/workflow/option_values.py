"""One value of one option: read, or refused with what it may be."""

from __future__ import annotations

from collections.abc import Iterable

from cm_mlperf.workflow.option_table import Option
from cmcore.errors import UsageError
from cmcore.hints import Any
from cmcore.naming import did_you_mean


def read(option: Option, name: str, value: Any) -> Any:
    """The value of an option, in the form of its kind.

    Args:
        option: what is known about it.
        name: as the request calls it, for messages.
        value: text, number or bool.

    Raises:
        UsageError: names what it may be.
    """
    if option.kind == "switch":
        return _switch(name, value)
    if isinstance(value, bool):
        raise UsageError(f"--{name} needs a value", hint=option.help)
    if option.kind == "choice":
        if option.name in ("scenario", "mode"):
            return _several(option, name, value)
        return _choice(option, name, str(value))
    if option.kind == "count":
        return _whole(name, value)
    if option.kind == "number":
        return _number(name, value)
    if option.kind == "shapes":
        shapes(str(value), name)
    return str(value)


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, (bool, int)):
        return bool(value)
    low = str(value).strip().lower()
    if low in ("yes", "on", "true", "1"):
        return True
    if low in ("no", "off", "false", "0"):
        return False
    raise UsageError(f"--{name} is yes or no, not '{value}'")


def _several(option: Option, name: str, value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, (list, tuple)) else str(value).split(",")
    found: list[str] = []
    for word in words:
        text = str(word).strip()
        if not text or text.lower() == "all":
            chosen: tuple[str, ...] = option.choices if option.name == "scenario" else BOTH
        elif option.name == "mode" and text.lower() in ("performance_and_accuracy", "both"):
            chosen = BOTH
        else:
            chosen = (_choice(option, name, text),)
        found += [one for one in chosen if one not in found]
    return tuple(found)


BOTH = ("performance", "accuracy")


def _choice(option: Option, name: str, value: str) -> str:
    by_low = {choice.lower(): choice for choice in option.choices}
    low = value.strip().lower()
    if option.name == "round":
        low = low.lstrip("v") if low.startswith("v") else low
        low = low if low.startswith("r") else "r" + low
    elif option.name == "mode":
        low = low.replace("-", "_")
    found = by_low.get(low) or _OTHER_WORDS.get((option.name, low))
    if found:
        return found
    near = nearest(value, option.choices)
    known = "it is one of " + ", ".join(option.choices)
    hint = f"did you mean {near}? " + known if near else known
    raise UsageError(f"--{name}={value} is unknown", hint=hint)


_OTHER_WORDS = {
    ("backend", "torch"): "pytorch",
    ("backend", "onnx"): "onnxruntime",
    ("device", "gpu"): "cuda",
    ("implementation", "mil"): "mlcommons-cpp",
    ("implementation", "cpp"): "mlcommons-cpp",
    ("implementation", "python"): "reference",
    ("precision", "float32"): "fp32",
    ("precision", "float16"): "fp16",
    ("precision", "bfloat16"): "bf16",
}


def _whole(name: str, value: Any) -> int:
    try:
        number = int(str(value).strip())
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"--{name}={value} must be a whole number, 1 or more")
    return number


def _number(name: str, value: Any) -> float:
    import math

    try:
        number = float(str(value).strip())
    except ValueError:
        number = math.nan
    lowest_is_fine = name in ("min_duration",)
    if not math.isfinite(number) or number < 0 or (number == 0 and not lowest_is_fine):
        what = "a number, 0 or more" if lowest_is_fine else "a number above 0"
        raise UsageError(f"--{name}={value} must be {what}")
    return number


def shapes(text: str, name: str = "input_shapes") -> dict[str, tuple[int, ...]]:
    """`image:3x224x224,mask:64` as input -> axes; the notation is that of NVIDIA's trtexec.

    Args:
        text: what is written; "" for nothing.
        name: the option, for messages.

    Raises:
        UsageError: it is no list of shapes, or an input is named twice.
    """
    found: dict[str, tuple[int, ...]] = {}
    for part in text.split(",") if text else ():
        tensor, colon, axes = part.strip().rpartition(":")
        sizes = axes.split("x")
        if not (colon and tensor and all(size.isdecimal() and int(size) for size in sizes)):
            raise UsageError(
                f"--{name}={text} must be shapes of one sample each, not '{part.strip()}'",
                hint=f"write --{name}=image:3x224x224,mask:64, the batch left out",
            )
        if tensor in found:
            raise UsageError(f"--{name}={text} says the shape of '{tensor}' twice")
        found[tensor] = tuple(map(int, sizes))
    return found


def nearest(word: str, choices: Iterable[str]) -> str:
    """The choice that looks most like a word, or ""."""
    near = did_you_mean(word, choices, 1)
    return near[0] if near else ""
