"""Each field of a recorded object makes a change or does not, and that is decided."""

import dataclasses

import pytest

from stripe_bridge.domain.changes.recorded import KINDS, Kind
from tests.builders import a_dispute, a_refund, a_sales_order, a_token, an_integration, an_invoice

VALUES = {
    type(value): value
    for value in (
        a_dispute(),
        a_refund(),
        a_sales_order(),
        a_token(),
        an_integration(),
        an_invoice(),
    )
}
EACH = pytest.mark.parametrize(
    ("type_", "kind"), KINDS.items(), ids=lambda each: getattr(each, "__name__", "")
)


@EACH
def test_each_field_is_either_visible_or_hidden(type_: type, kind: Kind):
    names = {field.name for field in dataclasses.fields(type_)}
    assert kind.visible | kind.hidden == names
    assert not kind.visible & kind.hidden


@EACH
def test_what_is_personal_or_not_compared_is_shown(type_: type, kind: Kind):
    shown = kind.show(VALUES[type_])
    assert kind.personal <= set(shown)
    assert kind.not_compared <= set(shown) | {"updated_at"}


@EACH
def test_personal_data_stands_in_the_object_alone(type_: type, kind: Kind):
    value = VALUES[type_]
    shown = kind.show(value)
    diff = kind.diff(None, shown)
    for name in kind.personal & set(diff):
        assert diff[name] == [False, bool(shown[name])]


@EACH
def test_nothing_differs_between_equals(type_: type, kind: Kind):
    value = VALUES[type_]
    assert not kind.differs(value, value)
    assert kind.diff(kind.show(value), kind.show(value)) == {}
