"""The table of docs/api/problems.md. `python -m tests.adapters.web.problems_page` rewrites it."""

from itertools import groupby
from pathlib import Path

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.problem_types import MEANINGS, Kind, status_of
from stripe_bridge.adapters.web.problems import title_of, type_of

PAGE = Path(__file__).parents[3] / "docs" / "api" / "problems.md"
_BEGINNING = (
    "<!-- From here on: made from the code, to which a test holds it. `make openapi` rewrites it. -->\n"
)


def reference() -> str:
    """Every problem, by status, and the operations that can end with it."""
    kinds = sorted(MEANINGS, key=status_of)
    return "\n".join(
        "\n".join([f"## {int(status)} {title_of(status)}", "", _HEAD, *map(_line, those), ""])
        for status, those in groupby(kinds, key=status_of)
    )


def generated() -> str:
    """What the page says about them."""
    return PAGE.read_text().partition(_BEGINNING)[2].lstrip("\n")


def write() -> None:
    by_hand = PAGE.read_text().partition(_BEGINNING)[0]
    PAGE.write_text(f"{by_hand}{_BEGINNING}\n{reference()}")


_HEAD = "| type | meaning | operations |\n|---|---|---|"


def _line(kind: Kind) -> str:
    type_ = type_of(kind).rpartition(":problem:")[2]
    return f"| `{type_}` | {MEANINGS[kind]} | {_operations(kind)} |"


def _operations(kind: Kind) -> str:
    everything = operations_by_endpoint().values()
    having = [each for each in everything if kind in each.all_problems]
    for name, some in _SETS_OF_OPERATIONS.items():
        if [each.id for each in having] == [each.id for each in everything if some(each)]:
            return name
    return ", ".join(f"`{each.id}`" for each in having)


_SETS_OF_OPERATIONS = {
    "all": lambda each: True,
    "all but `show_readiness`": lambda each: each.id != "show_readiness",
    "all that take a token": lambda each: each.permission is not None,
    "all with an id in the path": lambda each: "<id:" in each.path,
    "all that write": lambda each: each.permission is not None and each.method != "GET",
    "all that write, and the webhooks": lambda each: each.method != "GET",
    "all under `/api`": lambda each: each.path.startswith("/api"),
    "all that take an `Idempotency-Key`": lambda each: each.takes_idempotency_key,
    "all lists with pages": lambda each: each.query is not None and "page" in each.query().fields,
}


if __name__ == "__main__":
    write()
