"""What would break is listed, and nothing else."""

import pytest

from tests.api_version.comparison import breaks
from tests.api_version.packages import a_package
from tests.api_version.recording import Read

AT = {"reader.py:3 invoice"}


def listed(folder, before: str, after: str, reads: dict[str, Read]) -> list[str]:
    """The first line of each, without the places."""
    present, candidate = a_package(folder / "present", before), a_package(folder / "candidate", after)
    keys = {tuple(path.split()): read for path, read in reads.items()}
    return [str(each).split("\n")[0] for each in breaks(keys, present, candidate)]


def read(*kinds: str, values: tuple[str, ...] = (), refuses: tuple[str, ...] = ()) -> Read:
    return Read(set(kinds), set(values), set(AT), set(refuses))


@pytest.mark.parametrize(
    ("before", "after", "seen", "expected"),
    [
        ("int", "int", read("integer"), []),
        ("int", "str", read("integer"), ["was integer, would be string"]),
        ("Dict[str, str]", "List[str]", read("object"), ["was object, would be list"]),
        ("int", "Union[int, bool]", read("integer"), ["may be boolean, and only integer was ever read"]),
        ("int", "Optional[int]", read("integer", refuses=("null",)), ["may be null, which is refused"]),
        ("int", "Optional[int]", read("integer"), []),
        ("int", "Any", read("integer"), []),
        ("int", "Amount", read("integer"), ["is declared as Amount, which is not understood here"]),
        ("Optional[int]", "int", read("integer", "null"), []),
        ("Optional[int]", "Optional[int]", read("integer", refuses=("null",)), []),
        ("str", 'ExpandableField["ChargeResource"]', read("string"), []),
        (
            'ExpandableField["ChargeResource"]',
            '"ChargeResource"',
            read("string"),
            ["was string, would be object"],
        ),
    ],
)
def test_a_changed_type_breaks_what_reads_the_former(tmp_path, before, after, seen, expected):
    found = listed(tmp_path, f"it: {before}", f"it: {after}", {"invoice it": seen})

    assert found == [f"invoice.it: {reason}" for reason in expected]


ONE, TWO = 'Literal["draft"]', 'Literal["draft", "open"]'
GONE, NEW = "is compared with what it can never be: open", "has new values, which are refused: open"


@pytest.mark.parametrize(
    ("before", "after", "seen", "expected"),
    [
        (TWO, ONE, read("string", values=("draft", "open")), [GONE]),
        (TWO, ONE, read("string", values=("draft",)), []),
        # Not even today: a comparison with something that Stripe never says.
        (ONE, ONE, read("string", values=("open",)), [GONE]),
        (ONE, TWO, read("string", values=("draft",), refuses=("new values",)), [NEW]),
        (ONE, TWO, read("string", values=("draft",)), []),
        (ONE, TWO, read("string", values=("draft", "open"), refuses=("new values",)), []),
        ("str", TWO, read("string", values=("draft",), refuses=("new values",)), [NEW]),
        # Values of our own are in the same table, and nothing says which of them Stripe had.
        ("str", ONE, read("string", values=("draft", "open")), []),
        (TWO, "str", read("string", values=("draft", "open"), refuses=("new values",)), []),
    ],
)
def test_a_value_breaks_what_compares_with_it_once_it_is_gone_and_what_knows_all_once_it_is_new(
    tmp_path, before, after, seen, expected
):
    found = listed(tmp_path, f"status: {before}", f"status: {after}", {"invoice status": seen})

    assert found == [f"invoice.status: {reason}" for reason in expected]


def test_what_is_gone_is_listed_once_for_all_that_was_in_it(tmp_path):
    before = """
        class Payment(StripeObject):
            id: str
            type: str
        payments: ListObject["Payment"]
        total: int
    """
    payments = {f"invoice payments{below}": read() for below in ("", " data", " data [] id", " data [] type")}

    found = listed(tmp_path, before, "total: int", {**payments, "invoice total": read("integer")})

    assert found == ["invoice.payments: gone, and 3 more below it"]


def test_what_is_gone_inside_is_named_by_its_whole_path(tmp_path):
    shape = "class Payment(StripeObject):\n    {}: str\npayments: ListObject[Payment]\n"

    found = listed(
        tmp_path,
        shape.format("type"),
        shape.format("kind"),
        {"invoice payments data [] type": read("string")},
    )

    assert found == ["invoice.payments.data[].type: gone"]


def test_an_object_that_there_is_not_is_named(tmp_path):
    found = listed(tmp_path, "id: str", "id: str", {"invoice_payment id": read("string")})

    assert found == ["invoice_payment: there is no such object, and 1 more below it"]


def test_a_break_says_once_for_each_function_where_it_is_read(tmp_path):
    places = {"reader.py:7 payment", "reader.py:12 payment", "handler.py:3 Handler.apply"}
    package = a_package(tmp_path, "id: str")

    (found,) = breaks({("invoice", "it"): Read({"string"}, set(), places)}, package, package)

    assert str(found).split("\n")[1:] == [
        "    read in handler.py:3 Handler.apply",
        "    read in reader.py:7 payment",
    ]
