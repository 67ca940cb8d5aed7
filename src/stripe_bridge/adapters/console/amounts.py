"""Amounts as people write them, in minor units."""

from __future__ import annotations

import re
from decimal import Decimal

from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.adapters.web.schemas.fields import MAX_AMOUNT
from stripe_bridge.domain.money import Currency

# No commas: to some they separate thousands, to others decimals.
_WRITTEN = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?")


def in_minor_units(written: str, currency: str, field: str = "amount") -> int:
    """Raises RequestInvalid for what is not an amount of this currency, naming the field."""
    decimals = Currency.of(currency).decimals
    if not _WRITTEN.fullmatch(written):
        raise RequestInvalid({field: [f"Use digits and a point, such as {_example(decimals)}."]})
    amount = Decimal(written).scaleb(decimals)
    if amount != amount.to_integral_value():
        raise RequestInvalid({field: [f"{currency.upper()} has {decimals or 'no'} decimal places."]})
    if not 0 < amount <= MAX_AMOUNT:
        raise RequestInvalid({field: ["Must be more than zero, and at most twelve digits."]})
    return int(amount)


def as_written(amount: int, currency: str) -> str:
    """`1234.50`, to be changed in a form."""
    decimals = Currency.of(currency).decimals
    return f"{Decimal(amount).scaleb(-decimals):.{decimals}f}"


def _example(decimals: int) -> str:
    return f"1234.{'50'.ljust(decimals, '0')[:decimals]}" if decimals else "1234"
