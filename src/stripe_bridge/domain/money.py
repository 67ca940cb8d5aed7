"""Money is an integer in the minor unit that Stripe takes, with its currency.

Source of the tables: https://docs.stripe.com/currencies (zero-decimal, special cases, minimum charges). Stripe states
minimums in the settlement currency; holding the charge's own currency to them refuses early what Stripe
would silently move to the customer's balance.
"""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.domain.errors.rules import AmountBelowMinimum
from stripe_bridge.domain.errors.values import AmountNotChargeable, CurrencyUnknown

_ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())
# Without a usable minor unit, yet sent with two decimals that must be 00.
_WHOLE_UNITS_IN_TWO_DECIMALS = frozenset("ISK UGX".split())
_TWO_DECIMAL = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC
    CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD
    KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
    PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS
    WST XCD XCG YER ZAR ZMW
    """.split()
)
_MINIMUM = {
    "USD": 50, "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500, "DKK": 250,
    "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50,
    "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200, "RON": 200, "RUB": 50, "SEK": 300,
    "SGD": 50, "THB": 1000, "ZAR": 50,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 code in upper case, and how Stripe counts it.

    `decimals` places the decimal point for people; `multiple` is the step in which Stripe charges exactly;
    `minimum` is the smallest charge, None where Stripe lists none.
    """

    code: str
    decimals: int
    multiple: int
    minimum: int | None

    @classmethod
    def of(cls, code: str) -> Currency:
        """The currency of a code in either case. Raises CurrencyUnknown."""
        upper = code.upper()
        minimum = _MINIMUM.get(upper)
        if upper in _TWO_DECIMAL:
            return cls(upper, 2, 1, minimum)
        if upper in _ZERO_DECIMAL:
            return cls(upper, 0, 1, minimum)
        if upper in _THREE_DECIMAL:
            return cls(upper, 3, 10, minimum)
        if upper in _WHOLE_UNITS_IN_TWO_DECIMALS:
            return cls(upper, 2, 100, minimum)
        raise CurrencyUnknown(code)

    def is_exact(self, amount: int) -> bool:
        """Whether Stripe takes this amount without rounding it."""
        return amount % self.multiple == 0

    def check_exact(self, amount: int, field: str) -> None:
        """Raises AmountNotChargeable for what Stripe would round."""
        if not self.is_exact(amount):
            raise AmountNotChargeable(amount, self.code, self.multiple, field)

    def check_chargeable(self, amount: int, field: str) -> None:
        """Raises AmountNotChargeable or AmountBelowMinimum for what Stripe cannot charge as it is."""
        self.check_exact(amount, field)
        if self.minimum is not None and amount < self.minimum:
            raise AmountBelowMinimum(amount, self.minimum, self.code)


def written(amount: int, currency: str) -> str:
    """`99.00 EUR`, for people."""
    decimals = Currency.of(currency).decimals
    return f"{amount / 10**decimals:.{decimals}f} {currency.upper()}"


def known_currencies() -> list[str]:
    """Every code that `Currency.of` takes, sorted."""
    return sorted(_TWO_DECIMAL | _ZERO_DECIMAL | _THREE_DECIMAL | _WHOLE_UNITS_IN_TWO_DECIMALS)
