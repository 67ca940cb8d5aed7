from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from stripe_bridge.domain.sales_order import InvoiceLine
from stripe_bridge.domain.stripe_objects import (
    METADATA_REFERENCE,
    ListedInvoice,
    PaymentProgress,
    StripeInvoice,
    StripeInvoiceStatus,
    StripePayment,
)
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft
from tests.fakes.stripe.fake_stripe import Call, FakeAccount, FakeCustomer, FakeStripe, missing_unless

Result = TypeVar("Result")
DRAFT, OPEN, PAID = StripeInvoiceStatus.DRAFT, StripeInvoiceStatus.OPEN, StripeInvoiceStatus.PAID
UNCOLLECTIBLE, VOID = StripeInvoiceStatus.UNCOLLECTIBLE, StripeInvoiceStatus.VOID


class FakeInvoiceGateway:
    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe

    def create_customer(self, account_id: str, draft: CustomerDraft, key: str) -> str:
        def effect(account: FakeAccount) -> str:
            new = FakeCustomer(id=self.stripe.new_id("cus"), email=draft.email, metadata=dict(draft.metadata))
            account.customers[new.id] = new
            return new.id

        return self._serve("create_customer", account_id, effect, key, draft=draft)

    def find_customer(self, account_id: str, email: str, reference: str) -> str | None:
        def effect(account: FakeAccount) -> str | None:
            return next(
                (
                    each.id
                    for each in account.customers.values()
                    if each.email == email and each.metadata.get(METADATA_REFERENCE) == reference
                ),
                None,
            )

        return self._serve("find_customer", account_id, effect, email=email, reference=reference)

    def create_draft(self, account_id: str, draft: InvoiceDraft, key: str) -> StripeInvoice:
        def effect(account: FakeAccount) -> StripeInvoice:
            missing_unless(account.customers.get(draft.customer_id), draft.customer_id, "customer")
            new = StripeInvoice(
                id=self.stripe.new_id("in"),
                status=DRAFT,
                customer_id=draft.customer_id,
                currency=draft.currency.upper(),
                total=0,
                amount_due=0,
                amount_paid=0,
                amount_remaining=0,
                due_date=self.stripe.now() + timedelta(days=draft.days_until_due),
                metadata=dict(draft.metadata),
            )
            account.created_at[new.id] = self.stripe.now()
            account.emails[new.id] = account.customers[draft.customer_id].email
            return _put(account, new)

        return self._serve("create_draft", account_id, effect, key, draft=draft)

    def find_invoice(
        self, account_id: str, customer_id: str, reference: str, since: datetime
    ) -> StripeInvoice | None:
        def effect(account: FakeAccount) -> StripeInvoice | None:
            return next(
                (
                    each
                    for each in account.invoices.values()
                    if each.customer_id == customer_id
                    and each.metadata.get(METADATA_REFERENCE) == reference
                    and account.created_at[each.id] >= since
                ),
                None,
            )

        found: dict[str, Any] = {"customer_id": customer_id, "reference": reference, "since": since}
        return self._serve("find_invoice", account_id, effect, **found)

    def invoices_since(self, account_id: str, since: datetime) -> Iterator[Sequence[ListedInvoice]]:
        """In pages of three, so that tests come upon more than one."""

        def effect(account: FakeAccount) -> list[ListedInvoice]:
            made = [each for each in account.invoices.values() if account.created_at[each.id] >= since]
            return [_listed(account, each) for each in reversed(made)]

        found = self._serve("invoices_since", account_id, effect, since=since)
        for start in range(0, len(found), 3):
            yield found[start : start + 3]

    def add_lines(
        self, account_id: str, invoice_id: str, lines: Sequence[InvoiceLine], key: str
    ) -> StripeInvoice:
        def effect(account: FakeAccount) -> StripeInvoice:
            draft = _in(account.invoice(invoice_id), DRAFT, code="invoice_not_editable")
            total = draft.total + sum(line.amount for line in lines)
            due = max(0, total)
            return _put(
                account,
                replace(
                    draft,
                    total=total,
                    amount_due=due,
                    amount_remaining=due,
                    line_count=draft.line_count + len(lines),
                ),
            )

        given: dict[str, Any] = {"invoice_id": invoice_id, "lines": tuple(lines)}
        return self._serve("add_lines", account_id, effect, key, **given)

    def finalize(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        def effect(account: FakeAccount) -> StripeInvoice:
            self._open(account, _in(account.invoice(invoice_id), DRAFT))
            return _with_payments(account, invoice_id)

        return self._serve("finalize", account_id, effect, key, invoice_id=invoice_id)

    def send(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        """As at Stripe, sending a draft finalizes it."""

        def effect(account: FakeAccount) -> StripeInvoice:
            invoice = _in(account.invoice(invoice_id), DRAFT, OPEN)
            if invoice.status is DRAFT:
                invoice = self._open(account, invoice)
            account.sent.append((invoice_id, self.stripe.now()))
            return invoice

        return self._serve("send", account_id, effect, key, invoice_id=invoice_id)

    def was_sent(self, account_id: str, invoice_id: str, since: datetime) -> bool:
        def effect(account: FakeAccount) -> bool:
            return any(sent == invoice_id and at >= since for sent, at in account.sent)

        return self._serve("was_sent", account_id, effect, invoice_id=invoice_id, since=since)

    def void(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        def effect(account: FakeAccount) -> StripeInvoice:
            voidable = (OPEN, UNCOLLECTIBLE) if self.stripe.voids_uncollectible else (OPEN,)
            invoice = _in(account.invoice(invoice_id), *voidable)
            if invoice.amount_paid:
                raise GatewayRefused("Invoices with `paid` payments cannot be voided.")
            if any(each.progress is PaymentProgress.PENDING for each in account.payments_of(invoice_id)):
                raise GatewayRefused("This invoice can't be modified while a payment on it is still pending.")
            for payment in account.payments_of(invoice_id):
                account.payments[payment.id] = replace(payment, status="canceled")
            return _put(account, replace(invoice, status=VOID, voided_at=self.stripe.now()))

        return self._serve("void", account_id, effect, key, invoice_id=invoice_id)

    def delete_draft(self, account_id: str, invoice_id: str) -> None:
        def effect(account: FakeAccount) -> None:
            _in(account.invoice(invoice_id), DRAFT)
            del account.invoices[invoice_id]

        self._serve("delete_draft", account_id, effect, invoice_id=invoice_id)

    def invoice(self, account_id: str, invoice_id: str, *, quickly: bool = False) -> StripeInvoice:
        """Each reading makes new links."""

        def effect(account: FakeAccount) -> StripeInvoice:
            found = _with_payments(account, invoice_id)
            if found.hosted_invoice_url is None:
                return found
            url = f"https://invoice.stripe.test/{invoice_id}.{self.stripe.now():%Y%m%d%H%M%S}"
            return replace(found, hosted_invoice_url=url, invoice_pdf=f"{url}/pdf")

        return self._serve("invoice", account_id, effect, invoice_id=invoice_id, quickly=quickly)

    def payments_of(self, account_id: str, invoice_id: str) -> Sequence[StripePayment]:
        def effect(account: FakeAccount) -> Sequence[StripePayment]:
            return account.payments_of(invoice_id)

        return self._serve("payments_of", account_id, effect, invoice_id=invoice_id)

    def find_payment(self, account_id: str, payment_intent_id: str) -> StripePayment | None:
        def effect(account: FakeAccount) -> StripePayment | None:
            return next(
                (each for each in account.payments.values() if each.payment_intent_id == payment_intent_id),
                None,
            )

        return self._serve("find_payment", account_id, effect, payment_intent_id=payment_intent_id)

    def _serve(
        self,
        method: str,
        account_id: str,
        effect: Callable[[FakeAccount], Result],
        key: str | None = None,
        **arguments: Any,
    ) -> Result:
        call = Call(method=method, account_id=account_id, key=key, arguments=arguments)
        return self.stripe.serve(call, lambda: effect(self.stripe.account(account_id)))

    def _open(self, account: FakeAccount, draft: StripeInvoice) -> StripeInvoice:
        """Number it and apply the customer's balance. If nothing is due then, it is paid, without any payment."""
        customer = account.customers.get(draft.customer_id)
        balance = customer.balance if customer else 0
        due = max(0, draft.total + balance)
        if customer:
            customer.balance = min(0, draft.total + customer.balance)
        now = self.stripe.now()
        invoice = replace(
            draft,
            status=OPEN if due else PAID,
            number=f"FAKE-{len(account.invoices):04d}",
            amount_due=due,
            amount_remaining=due,
            starting_balance=balance,
            finalized_at=now,
            paid_at=None if due else now,
            hosted_invoice_url=f"https://invoice.stripe.test/{draft.id}",
            invoice_pdf=f"https://invoice.stripe.test/{draft.id}/pdf",
        )
        if due:
            payment = StripePayment(
                id=self.stripe.new_id("inpay"),
                invoice_id=draft.id,
                status="open",
                is_default=True,
                amount_paid=None,
                payment_intent_id=self.stripe.new_id("pi"),
                charge_id=None,
            )
            account.payments[payment.id] = payment
        return _put(account, invoice)


def _listed(account: FakeAccount, invoice: StripeInvoice) -> ListedInvoice:
    customer = account.customers.get(invoice.customer_id)
    return ListedInvoice(
        invoice=invoice,
        created_at=account.created_at[invoice.id],
        customer_email=account.emails.get(invoice.id),
        customer_metadata=customer.metadata if customer else {},
        revises=account.revises.get(invoice.id),
    )


def _put(account: FakeAccount, invoice: StripeInvoice) -> StripeInvoice:
    account.invoices[invoice.id] = invoice
    return invoice


def _in(invoice: StripeInvoice, *allowed: StripeInvoiceStatus, code: str | None = None) -> StripeInvoice:
    if invoice.status not in allowed:
        raise GatewayRefused(f"The invoice is {invoice.status}.", code=code)
    return invoice


def _with_payments(account: FakeAccount, invoice_id: str) -> StripeInvoice:
    """Without the payments' charges, which are one level deeper than Stripe expands from here."""
    payments = tuple(replace(each, charge_id=None, method=None) for each in account.payments_of(invoice_id))
    return replace(account.invoice(invoice_id), payments=payments)
