"""One SVG: each workload a line, each engine a mark on a logarithmic axis."""

from __future__ import annotations

import math
from typing import NamedTuple
from xml.sax.saxutils import escape

from generate import FEW, MANY
from measuring import Figures
from report import CHART
from targets import CACHED, COLD, UNCACHED

WIDTH, LEFT, RIGHT, TOP, ROW, FOOT = 960, 320, 60, 92, 30, 40
#: Colours that also differ in lightness and for readers who see red and green alike; each engine
#: has a shape of its own as well.
STYLE = {
    "floor": ("#6b7280", "bar"),
    "cmcore": ("#0072b2", "circle"),
    "cmind": ("#d55e00", "square"),
    "mlcflow": ("#b05c95", "diamond"),
}


class Line(NamedTuple):
    """One workload: seconds in each engine that has it."""

    label: str
    values: dict[str, float]


def lines(figures: Figures) -> list[Line]:
    """What the chart shows; the published recipes are those of each reference's dialect."""
    made = []
    for label, load, floor in CHART:
        values: dict[str, float | None] = {
            "cmcore": figures.cpu(load.format("cm")),
            "cmind": figures.cpu(load.format("cm"), "cmind"),
            "mlcflow": figures.cpu(load.format("mlc"), "mlcflow"),
            "floor": figures.cpu(floor.format("cm"), "floor") if floor else None,
        }
        made.append(Line(label, {name: v for name, v in values.items() if v}))
    slopes = {"cached": CACHED, "uncached": UNCACHED, "cold": COLD}
    for label, load in slopes.items():
        each = {
            name: figures.slope(load, FEW, MANY, name) for name in ("cmcore", "cmind", "mlcflow")
        }
        if label == "uncached":
            each["floor"] = figures.slope("steps {}", FEW, MANY, "floor")
        found = {name: value for name, value in each.items() if value and value > 0}
        made.append(Line(f"one more dependency, {label}", found))
    return [line for line in made if "cmcore" in line.values]


def chart(figures: Figures) -> str:
    """The whole SVG file."""
    rows = lines(figures)
    every = [value for row in rows for value in row.values.values()] or [0.001, 1]
    # Room on both sides, where figures are written.
    low, high = math.log10(min(every) / 4), math.log10(max(every) * 3)
    bottom = TOP + ROW * len(rows)

    def x(seconds: float) -> float:
        share = (math.log10(seconds) - low) / (high - low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}" '
        f'width="{WIDTH}" height="{bottom + FOOT}" role="img" '
        'font-family="system-ui, Helvetica, Arial, sans-serif">',
        "<title>CPU time of each workload in each engine</title>",
        f'<rect width="{WIDTH}" height="{bottom + FOOT}" fill="#ffffff"/>',
        _text(20, 30, "CPU time per command, logarithmic: left is better", 18, weight="600"),
    ]
    position = 20.0
    for name, (colour, _) in STYLE.items():
        out += [_mark(name, position + 8, 56), _text(position + 22, 61, name, 14, colour)]
        position += 110
    for power in range(math.floor(low), math.ceil(high)):
        for part in range(1, 10):
            at = x(part * 10.0**power)
            if LEFT <= at <= WIDTH - RIGHT:
                out.append(_rule(at, TOP - 12, at, bottom, "#d1d5db" if part == 1 else "#f3f4f6"))
                if part == 1:
                    label = _unit(10.0**power)
                    out.append(_text(at, bottom + 22, label, 13, "#374151", "middle"))
    for number, row in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        out.append(_text(LEFT - 14, y + 5, row.label, 13, "#111827", "end"))
        ends = [x(value) for value in row.values.values()]
        out.append(_rule(min(ends), y, max(ends), y, "#9ca3af"))
        # Our own mark last: where two fall together, it is the one that is seen.
        for name in ("floor", "cmind", "mlcflow", "cmcore"):
            if name in row.values:
                out.append(_mark(name, x(row.values[name]), y, _unit(row.values[name])))
        own, slowest = row.values["cmcore"], max(row.values, key=lambda name: row.values[name])
        blue = STYLE["cmcore"][0]
        out.append(_text(min(ends) - 11, y + 4, _unit(own), 11, blue, "end"))
        if slowest != "cmcore":
            text = _unit(row.values[slowest])
            out.append(_text(max(ends) + 11, y + 4, text, 11, STYLE[slowest][0]))
    return "\n".join([*out, "</svg>"]) + "\n"


def _unit(seconds: float) -> str:
    seconds = float(f"{seconds:.3g}")
    if seconds >= 100:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.3g} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"


def _text(
    x: float, y: float, text: str, size: int, fill: str = "#111827", anchor: str = "start",
    weight: str = "400",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
        f'text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float, stroke: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"/>'


def _mark(name: str, x: float, y: float, value: str = "") -> str:
    colour, shape = STYLE[name]
    title = f"<title>{name} {value}</title>" if value else ""
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}">{title}</circle>'
    if shape == "bar":
        box = f'x="{x - 2:.1f}" y="{y - 8:.1f}" width="4" height="16"'
    else:
        box = f'x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == "diamond" else ""
    return f'<rect {box} fill="{colour}"{turn}>{title}</rect>'
