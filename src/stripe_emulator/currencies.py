"""What Stripe knows about currencies: which there are, the smallest charges, and how amounts are printed."""

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# Currencies without decimals that the API writes with two: amounts must be multiples of 100.
WHOLE_HUNDREDS = frozenset(("isk", "ugx"))
TWO_DECIMAL = frozenset(
    """aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop
    crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes
    kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd
    pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd
    tzs uah ugx usd uyu uzs wst xcd xcg yer zar zmw""".split()
)
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL

MINIMUM_CHARGE = {
    **dict.fromkeys("usd ars aud brl cad chf cop eur idr ils inr nzd php rub sgd zar jpy krw".split(), 50),
    "aed": 200,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
MAXIMUM_CHARGE = 999_999_999_999

_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}


def readable(amount: int, currency: str) -> str:
    """An amount as printed in Stripe's messages and pages: `$40.00`, `¥500`, `40.00 CHF`."""
    exponent = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    whole, rest = divmod(abs(amount), 10**exponent)
    digits = f"{whole:,}.{rest:0{exponent}}" if exponent else f"{whole:,}"
    minus = "-" if amount < 0 else ""
    sign = _SIGNS.get(currency)
    return f"{minus}{sign}{digits}" if sign else f"{minus}{digits} {currency.upper()}"


def step(currency: str) -> int:
    """What amounts have to be multiples of: three-decimal currencies never use their last digit."""
    return 100 if currency in WHOLE_HUNDREDS else 10 if currency in THREE_DECIMAL else 1


def collectible(amount: int, currency: str) -> int:
    """What Stripe asks for when `amount` is due; the difference goes to the customer's balance."""
    if amount < MINIMUM_CHARGE.get(currency, 1):
        return 0
    if currency in WHOLE_HUNDREDS:
        return (amount + 50) // 100 * 100
    return amount
