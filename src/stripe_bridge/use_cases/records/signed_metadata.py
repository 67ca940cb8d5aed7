"""Signing the metadata of what we make at Stripe, and believing only what we signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stripe_bridge.domain.billed_customer import BilledCustomer
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.provenance import Provenance, SignedKind, provenance_in, signature_in
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.stripe_objects import (
    METADATA_CUSTOMER,
    METADATA_ORDER,
    METADATA_ORDER_NUMBER,
    METADATA_REFERENCE,
    METADATA_SIGNATURE,
    METADATA_TENANT,
    StripeInvoice,
    StripeInvoiceStatus,
    StripeRefund,
)
from stripe_bridge.ports.signer import Signer


class SignedMetadata:
    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def of_customer(self, customer: BilledCustomer, invoice: Invoice, reference: str) -> Mapping[str, str]:
        """Of a customer that is created for the sake of an invoice."""
        made = Provenance(
            kind=SignedKind.CUSTOMER,
            account_id=customer.key.account_id,
            tenant_id=customer.key.tenant_id,
            integration_id=invoice.integration_id,
            reference=reference,
        )
        return {**self._signed(made), METADATA_CUSTOMER: str(customer.key.erp_customer_id)}

    def of_invoice(self, invoice: Invoice, reference: str) -> Mapping[str, str]:
        return self._signed(_of_invoice(invoice, reference))

    def of_refund(self, refund: Refund, invoice: Invoice, reference: str) -> Mapping[str, str]:
        made = _of_invoice(invoice, reference)
        refunded = replace(made, kind=SignedKind.REFUND, refund_id=refund.id, amount=refund.amount)
        return self._signed(refunded)

    def invoice(self, account_id: str, seen: StripeInvoice) -> Provenance | None:
        """Where the invoice is from, if we signed that, and if it still asks for what was signed.

        A draft of ours has no lines at first; nobody can pay it, and it is deleted unless its sending goes on.
        """
        made = self._verified(SignedKind.INVOICE, account_id, seen.currency, seen.metadata)
        if made is None or made.invoice_id is None or made.sales_order_id is None:
            return None
        is_as_signed = made.amount == seen.total or seen.status is StripeInvoiceStatus.DRAFT
        return made if is_as_signed else None

    def unsigned_invoice(self, integration: Integration, seen: StripeInvoice) -> Provenance | None:
        """Where an invoice says that it is from, if a release that did not sign yet made it for the integration's tenant.

        Anyone with access to the account can write this: it counts only if an operator says so.
        """
        metadata = seen.metadata
        order_id = metadata.get(METADATA_ORDER, "")
        is_ours = METADATA_REFERENCE in metadata and metadata.get(METADATA_TENANT) == integration.tenant_id
        if not is_ours or METADATA_SIGNATURE in metadata or not order_id.isdecimal():
            return None
        if seen.status is StripeInvoiceStatus.DRAFT or integration.account_id is None:
            return None
        return Provenance(
            kind=SignedKind.INVOICE,
            account_id=integration.account_id,
            tenant_id=integration.tenant_id,
            integration_id=integration.id,
            reference=metadata[METADATA_REFERENCE],
            sales_order_id=int(order_id),
            sales_order_number=metadata.get(METADATA_ORDER_NUMBER),
            amount=seen.total,
            currency=seen.currency,
        )

    def refund(self, account_id: str, seen: StripeRefund) -> Provenance | None:
        """Where the refund is from, if we signed that, and if it is still as it was signed."""
        made = self._verified(SignedKind.REFUND, account_id, seen.currency.upper(), seen.metadata)
        if made is None or made.refund_id is None or made.amount != seen.amount:
            return None
        return made

    def unknown_key(self, metadata: Mapping[str, str]) -> str | None:
        """The fingerprint of the key that signed it, if that key is not configured."""
        signature = signature_in(metadata)
        if signature is None or self._signer.has_key(signature.key):
            return None
        return signature.key

    def _signed(self, made: Provenance) -> dict[str, str]:
        return made.to_metadata(self._signer.sign(made.signed_text))

    def _verified(
        self, kind: SignedKind, account_id: str, currency: str, metadata: Mapping[str, str]
    ) -> Provenance | None:
        signature = signature_in(metadata)
        if signature is None:
            return None
        made = provenance_in(kind, account_id, currency, metadata)
        if made is None or not self._signer.verify(made.signed_text, signature):
            return None
        return made


def _of_invoice(invoice: Invoice, reference: str) -> Provenance:
    return Provenance(
        kind=SignedKind.INVOICE,
        account_id=invoice.stripe_account_id,
        tenant_id=invoice.tenant_id,
        integration_id=invoice.integration_id,
        reference=reference,
        sales_order_id=invoice.sales_order_id,
        sales_order_number=invoice.sales_order_number,
        invoice_id=invoice.id,
        amount=invoice.amount,
        currency=invoice.currency,
    )
