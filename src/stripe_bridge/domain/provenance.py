"""Provenance: what the metadata of an object at Stripe says about what it was made for, and the signature that proves it.

Whoever holds the account can read metadata, copy it and change it. So it counts only with a valid signature, and only for
an object that is still as it was signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stripe_bridge.domain.ids import read_id
from stripe_bridge.domain.stripe_objects import (
    METADATA_AMOUNT,
    METADATA_INTEGRATION,
    METADATA_INVOICE,
    METADATA_KEY,
    METADATA_ORDER,
    METADATA_ORDER_NUMBER,
    METADATA_REFERENCE,
    METADATA_REFUND,
    METADATA_SIGNATURE,
    METADATA_TENANT,
)


class SignedKind(StrEnum):
    """Part of the signed text, so that the signature of one kind of object is worth nothing on another."""

    CUSTOMER = "customer"
    INVOICE = "invoice"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Signature:
    """`key` is the fingerprint of the key that made it."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Our own ids of an object at Stripe. `amount` in minor units; `currency` as we write it, in upper case.

    A customer is made for a tenant's customer and not for an order, so it has neither order, ids of ours nor amount.
    """

    kind: SignedKind
    account_id: str
    tenant_id: str
    integration_id: int
    reference: str
    sales_order_id: int | None = None
    sales_order_number: str | None = None
    invoice_id: int | None = None
    refund_id: int | None = None
    amount: int | None = None
    currency: str | None = None

    @property
    def signed_text(self) -> bytes:
        """JSON is unambiguous. The account and the currency stand in no metadata: they are those of the object itself. The
        order's number is only shown.
        """
        parts = [
            f"stripe-bridge/{self.kind.value}/1",
            self.account_id,
            self.tenant_id,
            self.integration_id,
            self.sales_order_id,
            self.invoice_id,
            self.refund_id,
            self.reference,
            self.amount,
            self.currency,
        ]
        return json.dumps(parts, separators=(",", ":")).encode()

    def to_metadata(self, signature: Signature) -> dict[str, str]:
        values = {
            METADATA_REFERENCE: self.reference,
            METADATA_TENANT: self.tenant_id,
            METADATA_INTEGRATION: self.integration_id,
            METADATA_ORDER: self.sales_order_id,
            METADATA_ORDER_NUMBER: self.sales_order_number,
            METADATA_INVOICE: self.invoice_id,
            METADATA_REFUND: self.refund_id,
            METADATA_AMOUNT: self.amount,
            METADATA_KEY: signature.key,
            METADATA_SIGNATURE: signature.value,
        }
        return {key: str(value) for key, value in values.items() if value is not None}


def signature_in(metadata: Mapping[str, str]) -> Signature | None:
    key, value = metadata.get(METADATA_KEY), metadata.get(METADATA_SIGNATURE)
    return None if key is None or value is None else Signature(key, value)


def provenance_in(
    kind: SignedKind, account_id: str, currency: str | None, metadata: Mapping[str, str]
) -> Provenance | None:
    """What the metadata claims, whether or not it is true; None if it is not ours, or cannot be read."""
    reference, tenant_id = metadata.get(METADATA_REFERENCE), metadata.get(METADATA_TENANT)
    integration_id = _number(metadata, METADATA_INTEGRATION)
    if not reference or not tenant_id or integration_id is None:
        return None
    return Provenance(
        kind=kind,
        account_id=account_id,
        tenant_id=tenant_id,
        integration_id=integration_id,
        reference=reference,
        sales_order_id=_number(metadata, METADATA_ORDER),
        sales_order_number=metadata.get(METADATA_ORDER_NUMBER),
        invoice_id=_number(metadata, METADATA_INVOICE),
        refund_id=_number(metadata, METADATA_REFUND),
        amount=_number(metadata, METADATA_AMOUNT),
        currency=currency,
    )


def _number(metadata: Mapping[str, str], key: str) -> int | None:
    return read_id(metadata.get(key, ""))
