"""A quick copy is what the standard library's would be."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.replacing import replace
from tests.builders import NOW, a_payment, a_webhook_event, an_invoice


@dataclass(frozen=True, slots=True)
class Single:
    only: int


@pytest.mark.parametrize("value", [an_invoice(), a_payment(), a_webhook_event(), Single(1)], ids=type)
def test_a_copy_without_changes_is_equal_and_another_object(value: Any):
    copy = replace(value)
    assert copy == value
    assert copy is not value


def test_a_copy_has_the_changes_and_the_original_does_not():
    invoice = an_invoice()
    changes: dict[str, Any] = {"status": InvoiceStatus.PAID, "paid_at": NOW, "metadata": {"a": "b"}}
    assert replace(invoice, **changes) == dataclasses.replace(invoice, **changes)
    assert invoice == an_invoice()


def test_a_copy_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(Single(1), only=2).only = 3  # type: ignore[misc]


def test_a_field_that_there_is_not_is_a_mistake():
    with pytest.raises(LookupError):
        replace(Single(1), other=2)  # type: ignore[call-arg]
