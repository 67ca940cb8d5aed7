"""What a release says is read from its source as its own interpreter would understand it."""

import pytest

from tests.api_version.declared import NoTypes, Package
from tests.api_version.packages import a_package


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [
        ("int", {"integer"}),
        ("bool", {"boolean"}),
        ("Decimal", {"string"}),
        ("Optional[str]", {"string", "null"}),
        ("str | None", {"string", "null"}),
        ("Union[int, str]", {"integer", "string"}),
        ("List[str]", {"list"}),
        ("Dict[str, str]", {"object"}),
        ("UntypedStripeObject[str]", {"object"}),
        ('ListObject["ChargeResource"]', {"object"}),
        ('ExpandableField["ChargeResource"]', {"string", "object"}),
        ('Optional[ExpandableField["ChargeResource"]]', {"string", "object", "null"}),
        ('"Optional[int]"', {"integer", "null"}),
        ("Literal[True]", {"boolean"}),
    ],
)
def test_the_kinds_of_a_member_are_those_of_its_annotation(tmp_path, annotation, kinds):
    shape = a_package(tmp_path, f"it: {annotation}").shape(("invoice", "it"))

    assert shape is not None
    assert shape.kinds == kinds


@pytest.mark.parametrize(
    "annotation",
    [
        'Literal["draft", "open"]',
        'Optional[Literal["draft", "open"]]',
        'Union[Literal["draft", "open"], str]',
        'Optional[Union[Literal["draft"], Literal["open"], str]]',
    ],
)
def test_the_values_of_a_member_are_those_listed_whether_others_may_come_or_not(tmp_path, annotation):
    shape = a_package(tmp_path, f"status: {annotation}").shape(("invoice", "status"))

    assert shape is not None
    assert shape.values == frozenset({"draft", "open"})


def test_a_text_without_a_list_of_values_may_be_any(tmp_path):
    shape = a_package(tmp_path, "status: str").shape(("invoice", "status"))

    assert shape is not None
    assert shape.values is None


def test_what_is_inside_is_found_through_lists_nested_classes_and_other_modules(tmp_path):
    package = a_package(
        tmp_path,
        """
        class Payment(StripeObject):
            class Error(StripeObject):
                code: int
            error: Optional[Error]
            charge: ExpandableField["ChargeResource"]
        payments: Optional[ListObject["Payment"]]
        tries: List[Payment]
        metadata: Dict[str, str]
        """,
    )

    for path, kinds in {
        "payments data [] charge invoice tries [] error code": {"integer"},
        "payments has_more": {"boolean"},
        "payments total_count": {"integer"},
        "tries [] charge id": {"string"},
    }.items():
        shape = package.shape(("invoice", *path.split()))
        assert shape is not None, path
        assert shape.kinds == kinds, path
    for path in (
        "payments pages",
        "tries data",
        "tries [] error message",
        "tries [] charge amount",
        "Payment",
    ):
        assert package.shape(("invoice", *path.split())) is None, path
    anything = package.shape(("invoice", "metadata", "whatever"))
    assert anything is not None
    assert anything.is_free


def test_an_object_is_found_by_its_name_and_one_without_by_that_of_its_class(tmp_path):
    package = a_package(tmp_path, "id: str")

    for name in ("invoice", "charge", "Charge", "list"):
        assert package.shape((name,)) is not None, name
    assert package.shape(("invoice_payment",)) is None


def test_a_release_names_its_api_version(tmp_path):
    assert a_package(tmp_path, "id: str").api_version == "2030-01-02.fern"


def test_a_release_without_types_is_refused(tmp_path):
    (tmp_path / "stripe").mkdir()
    (tmp_path / "stripe" / "invoice.py").write_text('class Invoice:\n    OBJECT_NAME = "invoice"\n')

    with pytest.raises(NoTypes):
        Package(tmp_path)
