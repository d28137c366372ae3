"""Small pieces of SVG: a plot area with axes, and what is drawn into it.

Colours are classes that the page's style sheet knows in light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

WIDTH, HEIGHT = 480, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 16, 14, 46


def clean(text: str) -> str:
    """`text` for HTML and SVG: escaped, control characters replaced."""
    plain = "".join(
        char if char in "\n\t" or (char >= " " and not "\x7f" <= char < "\xa0") else "\ufffd"
        for char in text.encode("utf-8", "replace").decode("utf-8")
    )
    return escape(plain, quote=True)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers in a range: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten in a range; powers alone where those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 3 else (1,)
    found = [factor * 10.0**power for power in powers for factor in factors]
    return [value for value in found if low * 0.999 <= value <= high * 1.001]


class Plot:
    """A plot area with scales in both directions.

    Args:
        x, y: lowest and highest value of each direction.
        x_label, y_label: what they are, with the unit.
        log_x: a logarithmic scale from left to right; needs values above 0.
        height: of the picture; without `y_label` the second direction has no scale.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        x_label: str,
        y_label: str,
        *,
        log_x: bool = False,
        height: int = HEIGHT,
    ) -> None:
        self.x, self.y, self.log_x = _wide(x), _wide(y), log_x
        self.height = height
        self.x_label, self.y_label = x_label, y_label
        self.parts: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies in the picture."""
        (left, right), (low, high) = self.x, self.y
        if self.log_x:
            x, left, right = (math.log10(max(value, 1e-12)) for value in (x, left, right))
        share, rise = (x - left) / (right - left), (y - low) / (high - low)
        return (
            round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1),
            round(self.height - _BOTTOM - rise * (self.height - _TOP - _BOTTOM), 1),
        )

    def line(self, points: Iterable[tuple[float, float]], style: str = "line") -> None:
        """A line through points."""
        path = " ".join("{},{}".format(*self.at(*point)) for point in points)
        self.parts.append(f'<polyline class="{style}" points="{path}"/>')

    def dot(self, x: float, y: float, about: str, style: str = "dot") -> None:
        """A dot that tells more when pointed at."""
        px, py = self.at(x, y)
        self.parts.append(
            f'<circle class="{style}" cx="{px}" cy="{py}" r="4"><title>{clean(about)}</title>'
            "</circle>"
        )

    def note(self, x: float, y: float, text: str, *, end: bool = False, dy: float = -6) -> None:
        """A word beside a point."""
        px, py = self.at(x, y)
        anchor = ' text-anchor="end"' if end else ""
        self.parts.append(f'<text class="note" x="{px}" y="{py + dy}"{anchor}>{clean(text)}</text>')

    def text(self, title: str, stamp: str) -> str:
        """The picture, with its title for those who hear it and the stamp for all."""
        return picture(title, stamp, [*self._axes(), *self.parts], self.height)

    def _axes(self) -> list[str]:
        right, bottom = WIDTH - _RIGHT, self.height - _BOTTOM
        parts = []
        for value in ticks(*self.y) if self.y_label else ():
            _, py = self.at(self.x[0], value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{py}" y2="{py}"/>')
            parts.append(
                f'<text class="tick" x="{_LEFT - 6}" y="{py + 4}" text-anchor="end">'
                f"{tick_text(value)}</text>"
            )
        for value in log_ticks(*self.x) if self.log_x else ticks(*self.x):
            px, _ = self.at(value, self.y[0])
            parts.append(f'<line class="grid" x1="{px}" x2="{px}" y1="{_TOP}" y2="{bottom}"/>')
            parts.append(
                f'<text class="tick" x="{px}" y="{bottom + 16}" text-anchor="middle">'
                f"{tick_text(value)}</text>"
            )
        middle, height = (_LEFT + right) / 2, (_TOP + bottom) / 2
        parts.append(
            f'<text class="label" x="{middle}" y="{self.height - 8}" text-anchor="middle">'
            f"{clean(self.x_label)}</text>"
        )
        if self.y_label:
            parts.append(
                f'<text class="label" x="14" y="{height}" text-anchor="middle" '
                f'transform="rotate(-90 14 {height})">{clean(self.y_label)}</text>'
            )
        return parts


def bars(
    title: str, stamp: str, rows: Sequence[tuple[str, float, str, str]], *, left: int = 64
) -> str:
    """Horizontal bars from zero: name, length, text, style class of each."""
    high = max((value for _, value, _, _ in rows), default=0.0) or 1.0
    room, step = WIDTH - left - 96, 26
    parts = []
    for number, (name, value, text, style) in enumerate(rows):
        y = 8 + number * step
        width = round(max(0.0, value) / high * room, 1)
        parts.append(
            f'<text class="tick" x="{left - 6}" y="{y + 14}" text-anchor="end">{clean(name)}</text>'
            f'<rect class="{style}" x="{left}" y="{y + 2}" width="{width}" height="16"/>'
            f'<text class="note" x="{left + width + 6}" y="{y + 14}">{clean(text)}</text>'
        )
    return picture(title, stamp, parts, 8 + len(rows) * step + 8)


def picture(title: str, stamp: str, parts: Iterable[str], height: int = HEIGHT) -> str:
    """An SVG element that scales with the page and carries the stamp inside."""
    total = height + 18 if stamp else height
    mark = (
        f'<text class="stamp" x="{WIDTH / 2}" y="{total - 5}" text-anchor="middle">'
        f"{clean(stamp)}</text>"
        if stamp
        else ""
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {total}" role="img" aria-label="{clean(title)}">'
        f"<title>{clean(title)}</title>{''.join(parts)}{mark}</svg>"
    )


def tick_text(value: float) -> str:
    """A number beside an axis, short."""
    size = abs(value)
    if value and (size >= 1e15 or size < 1e-3):
        return f"{value:.3g}"
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= 10 * factor:
            return f"{value / factor:,.6g}{letter}"
    return f"{value:,.10g}"


def _wide(span: tuple[float, float]) -> tuple[float, float]:
    """A range that is not empty."""
    low, high = span
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))
