"""Small bar charts, drawn on the server. What they look like is up to the stylesheet; here is only where things are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 72
# So much of its place a bar leaves free.
_GAP = 0.25
# What is there has to be seen, however little it is.
_LEAST = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


def bars_of(numbers: Sequence[int]) -> list[Bar]:
    """From left to right, the highest one as high as the chart. None has no height."""
    highest, place = max(numbers, default=0), WIDTH / max(len(numbers), 1)
    return [_bar(place * index, place, _height_of(number, highest)) for index, number in enumerate(numbers)]


def _bar(left: float, place: float, height: float) -> Bar:
    return Bar(
        x=round(left + place * _GAP / 2, 2),
        y=round(HEIGHT - height, 2),
        width=round(place * (1 - _GAP), 2),
        height=round(height, 2),
    )


def _height_of(number: int, highest: int) -> float:
    return max(_LEAST, HEIGHT * number / highest) if number > 0 else 0.0
