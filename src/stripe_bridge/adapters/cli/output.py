"""What commands print: tables for people, JSON for programs. A row is a dict, with the same keys in all rows of a table.

Tables show only `columns`, if given; JSON has everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from stripe_bridge.domain.paging import Page

Row = Mapping[str, object]
Item = TypeVar("Item")


def show_rows(rows: Sequence[Row], *, as_json: bool, when_empty: str, columns: Sequence[str] = ()) -> None:
    if as_json:
        show_json(rows)
    elif not rows:
        click.echo(when_empty)
    else:
        _print_table(rows, columns or list(rows[0]))


def show_row(row: Row, *, as_json: bool, columns: Sequence[str] = ()) -> None:
    if as_json:
        show_json(row)
        return
    names = columns or list(row)
    width = max(map(len, names))
    for name in names:
        click.echo(f"{name.ljust(width)}  {_cell(row[name])}")


def show_page(
    page: Page[Item],
    to_row: Callable[[Item], Row],
    *,
    as_json: bool,
    when_empty: str,
    columns: Sequence[str],
) -> None:
    rows = [to_row(item) for item in page.items]
    show_rows(rows, as_json=as_json, when_empty=when_empty, columns=columns)
    if page.next_cursor is not None and not as_json:
        click.echo(f"\nThere are more; continue with: --before {rows[-1]['id']}", err=True)


def show_json(document: object) -> None:
    """Escaped, since payloads may contain lone surrogates."""
    click.echo(json.dumps(document, default=_to_the_microsecond))


def show_document(document: object) -> None:
    """JSON that people can read."""
    for line in json.dumps(document, indent=2, ensure_ascii=False).splitlines():
        click.echo(_printable(line))


def counted(number: int, noun: str) -> str:
    """`1 refund`, `2 refunds`. `noun` is in the singular."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _print_table(rows: Sequence[Row], names: Sequence[str]) -> None:
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(map(str.ljust, line, widths)).rstrip())


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return "; ".join(map(_cell, value)) or "-"
        case dict():
            return "; ".join(f"{key}: {_cell(part)}" for key, part in value.items()) or "-"
        case datetime():
            return _in_utc(value, "seconds")
        case _:
            return _printable(str(value)) or "-"


def _printable(text: str) -> str:
    """Control characters in stored data must not move a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _to_the_microsecond(value: object) -> str:
    """As the REST API has it."""
    assert isinstance(value, datetime), f"{value!r} has no form in JSON"
    return _in_utc(value, "microseconds")


def _in_utc(moment: datetime, precision: str) -> str:
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
