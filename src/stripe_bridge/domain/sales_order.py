"""A sales order: our copy of the ERP's order, kept so that it can be invoiced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from stripe_bridge.domain.errors.conflicts import OrderNotLocked, OrderOutdated
from stripe_bridge.domain.errors.rules import AmountOverOutstanding, EmailMissing, NothingOutstanding
from stripe_bridge.domain.errors.values import LinesDoNotAddUp
from stripe_bridge.domain.money import Currency

# Before anything that an ERP could have changed.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """With Stripe's keys."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The ERP's customer; `id` is the ERP's."""

    id: int
    name: str
    email: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """`amount` is the line's total in minor units and may be negative; `quantity` is only shown."""

    description: str
    quantity: Decimal
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrder:
    """Amounts in minor units. `source_updated_at` is by the ERP's clock, the other times by ours.

    One that is not `submitted` stands in for an order whose invoices were found at Stripe after a restore: only its id, number
    and currency are known.
    """

    tenant_id: str
    id: int
    number: str
    currency: str
    total: int
    paid_elsewhere: int
    customer: Customer
    lines: tuple[OrderLine, ...]
    source_updated_at: datetime
    created_at: datetime
    updated_at: datetime
    submitted: bool = True

    def check(self) -> None:
        """Raises CurrencyUnknown, AmountNotChargeable or LinesDoNotAddUp for what is wrong in any state."""
        Currency.of(self.currency).check_exact(self.total, "total_in_cents")
        sum_of_lines = sum(line.amount for line in self.lines)
        if sum_of_lines != self.total:
            raise LinesDoNotAddUp(self.total, sum_of_lines)

    def replaced_by(self, newer: SalesOrder) -> SalesOrder:
        """The ERP's newer copy in place of this one; an identical copy changes nothing. Raises OrderOutdated."""
        newer = replace(newer, created_at=self.created_at)
        if replace(newer, updated_at=self.updated_at) == self:
            return self
        if newer.source_updated_at <= self.source_updated_at:
            raise OrderOutdated(self.source_updated_at, newer.source_updated_at)
        return newer

    def unlocked(self, now: datetime) -> SalesOrder:
        """Open again for any copy of the ERP's, where one from the future would keep out all others until then.

        Raises OrderNotLocked.
        """
        if self.source_updated_at <= now:
            raise OrderNotLocked
        return replace(self, source_updated_at=_EPOCH, updated_at=now)

    def outstanding(self, settled: int) -> int:
        """What the order still owes."""
        return outstanding_amount(self.total, self.paid_elsewhere, settled)

    def invoice_terms(self, amount: int | None, email: str | None, outstanding: int) -> tuple[int, str]:
        """The amount to invoice and the email to send to: as requested, or else the order's own.

        Raises NothingOutstanding, AmountOverOutstanding, EmailMissing, AmountNotChargeable, AmountBelowMinimum.
        """
        if outstanding == 0:
            raise NothingOutstanding
        amount = outstanding if amount is None else amount
        if amount > outstanding:
            raise AmountOverOutstanding(amount, outstanding)
        email = email or self.customer.email
        if not email:
            raise EmailMissing
        Currency.of(self.currency).check_chargeable(amount, "amount_in_cents")
        return amount, email

    def overpaid(self, settled: int) -> int:
        return overpaid_amount(self.total, self.paid_elsewhere, settled)

    def invoice_lines(self, amount: int, outstanding: int) -> tuple[InvoiceLine, ...]:
        """The lines of an invoice for `amount`: the order's own if it covers the whole order, else one that names the order.

        Lines that Stripe would have to round are not itemized either.
        """
        of = Currency.of(self.currency)
        whole = amount == outstanding == self.total
        if whole and all(of.is_exact(line.amount) for line in self.lines):
            return tuple(
                InvoiceLine(
                    description=f"{_format_quantity(line.quantity)} × {line.description}", amount=line.amount
                )
                for line in self.lines
            )
        return (InvoiceLine(description=f"Sales order {self.number}", amount=amount),)


def outstanding_amount(total: int, paid_elsewhere: int, settled: int) -> int:
    return max(0, total - paid_elsewhere - settled)


def overpaid_amount(total: int, paid_elsewhere: int, settled: int) -> int:
    return max(0, paid_elsewhere + settled - total)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    description: str
    amount: int


def _format_quantity(quantity: Decimal) -> str:
    """`2.50` as `2.5`, `100` as `100`: never an exponent."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
