"""A connected merchant, as the platform's calls see it."""

import itertools
from typing import Any

import stripe

from stripe_emulator.control import Control


class Shop:
    """Shortcuts for what nearly every test does; every value is valid unless a keyword changes it."""

    def __init__(self, control: Control, client: stripe.StripeClient, account: str) -> None:
        self.control = control
        self.v1 = client.v1
        self.account = account
        self._numbers = itertools.count(1)

    @property
    def options(self) -> Any:
        return {"stripe_account": self.account}

    def keyed(self, key: str) -> Any:
        return {"stripe_account": self.account, "idempotency_key": key}

    def customer(self, **params: Any) -> stripe.Customer:
        given: Any = {"email": f"buyer{next(self._numbers)}@example.com", "name": "Buyer", **params}
        return self.v1.customers.create(_without_none(given), self.options)

    def draft(self, *amounts: int, customer: str | None = None, **params: Any) -> stripe.Invoice:
        given: Any = {
            "customer": customer or self.customer().id,
            "currency": "usd",
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "auto_advance": False,
            **params,
        }
        invoice = self.v1.invoices.create(_without_none(given), self.options)
        return self.add_lines(invoice.id, *amounts) if amounts else invoice

    def add_lines(self, invoice: str, *amounts: int) -> stripe.Invoice:
        lines: Any = [{"amount": amount, "description": f"Line of {amount}"} for amount in amounts]
        return self.v1.invoices.add_lines(invoice, {"lines": lines}, self.options)

    def open(self, *amounts: int, **params: Any) -> stripe.Invoice:
        return self.finalize(self.draft(*(amounts or (10_000,)), **params).id)

    def finalize(self, invoice: str) -> stripe.Invoice:
        return self.v1.invoices.finalize_invoice(invoice, {"auto_advance": False}, self.options)

    def send(self, invoice: str) -> stripe.Invoice:
        return self.v1.invoices.send_invoice(invoice, {}, self.options)

    def paid(self, *amounts: int, **params: Any) -> stripe.Invoice:
        invoice = self.open(*amounts, **params)
        self.control.pay(invoice.id)
        return self.read(invoice.id)

    def read(self, invoice: str, *expand: str) -> stripe.Invoice:
        return self.v1.invoices.retrieve(invoice, {"expand": list(expand)} if expand else {}, self.options)

    def payments(self, invoice: str, **params: Any) -> list[stripe.InvoicePayment]:
        given: Any = {"invoice": invoice, **params}
        return self.v1.invoice_payments.list(given, self.options).data

    def charge_of(self, invoice: str) -> stripe.Charge:
        """The newest charge of an invoice's payments."""
        found: Any = self.payments(invoice, expand=["data.payment.payment_intent.latest_charge"])
        charges: list[stripe.Charge | None] = [one.payment.payment_intent.latest_charge for one in found]
        return next(charge for charge in charges if charge is not None)

    def events(self, **params: Any) -> list[stripe.Event]:
        """Oldest first."""
        given: Any = {"limit": 100, **params}
        return self.v1.events.list(given, self.options).data[::-1]

    def event_types(self) -> list[str]:
        return [event.type for event in self.events()]


def _without_none(params: dict[str, Any]) -> Any:
    """Leaves out what is None, so that a test can remove a default."""
    return {name: value for name, value in params.items() if value is not None}
