"""What our metadata says, and what its signature covers."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.provenance import (
    Provenance,
    Signature,
    SignedKind,
    provenance_in,
    signature_in,
)
from stripe_bridge.domain.stripe_objects import OUR_METADATA
from tests.builders import ACCOUNT, TENANT

SIGNATURE = Signature("key", "value")
INVOICE = Provenance(
    kind=SignedKind.INVOICE,
    account_id=ACCOUNT,
    tenant_id=TENANT,
    integration_id=3,
    reference="ref-1",
    sales_order_id=501,
    sales_order_number="SO-501",
    invoice_id=17,
    amount=12_450,
    currency="EUR",
)
REFUND = replace(INVOICE, kind=SignedKind.REFUND, refund_id=5)
CUSTOMER = Provenance(
    kind=SignedKind.CUSTOMER, account_id=ACCOUNT, tenant_id=TENANT, integration_id=3, reference="ref-2"
)


@pytest.mark.parametrize("made", [INVOICE, REFUND, CUSTOMER])
def test_metadata_says_what_it_was_made_of(made: Provenance):
    metadata = made.to_metadata(SIGNATURE)
    assert provenance_in(made.kind, made.account_id, made.currency, metadata) == made
    assert signature_in(metadata) == SIGNATURE


@pytest.mark.parametrize("made", [INVOICE, REFUND, CUSTOMER])
def test_all_of_our_metadata_is_known_as_ours(made: Provenance):
    assert set(made.to_metadata(SIGNATURE)) <= OUR_METADATA


@pytest.mark.parametrize(
    "change",
    [
        {"kind": SignedKind.REFUND},
        {"account_id": "acct_2"},
        {"tenant_id": "another"},
        {"integration_id": 4},
        {"reference": "ref-2"},
        {"sales_order_id": 502},
        {"invoice_id": 18},
        {"refund_id": 1},
        {"amount": 12_451},
        {"currency": "USD"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_signature_covers(change: dict[str, Any]):
    assert replace(INVOICE, **change).signed_text != INVOICE.signed_text


@given(st.text(), st.text(), st.text(), st.text())
def test_no_two_texts_are_signed_alike(tenant: str, reference: str, other_tenant: str, other: str):
    one = replace(INVOICE, tenant_id=tenant, reference=reference)
    two = replace(INVOICE, tenant_id=other_tenant, reference=other)
    assert (one == two) == (one.signed_text == two.signed_text)


@given(
    st.dictionaries(
        st.sampled_from(sorted(OUR_METADATA)), st.text(max_size=30) | st.integers().map(str), max_size=12
    )
)
def test_any_metadata_can_be_read(metadata: dict[str, str]):
    found = provenance_in(SignedKind.INVOICE, ACCOUNT, "EUR", metadata)
    for number in (found.invoice_id, found.sales_order_id, found.amount) if found else ():
        assert number is None or 0 <= number < 2**63
