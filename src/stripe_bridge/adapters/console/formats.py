"""How values are written for people. What is exact stands beside it, or in its title."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from stripe_bridge.domain.errors.values import CurrencyUnknown
from stripe_bridge.domain.money import Currency
from stripe_bridge.domain.origin import dump_actor

_GOOD = (
    "paid succeeded connected processed confirmed active enabled ok live delivered won complete completed yes"
)
_INFO = "open pending processing received sent planned sending draft payment_pending running"
_WARN = "overdue uncollectible unknown skipped restricted canceled expired partially_paid needs_response under_review behind"
_BAD = "failed refused disabled revoked lost void voided error stuck deauthorized abandoned disputed"
_TONES = {
    state: tone
    for tone, states in (("good", _GOOD), ("info", _INFO), ("warn", _WARN), ("bad", _BAD))
    for state in states.split()
}
# How the change log names actors, where that is no word for people.
_ACTORS = {"stripe": "Stripe", "service": "this service:"}
# What people write otherwise than fields do.
_PROPER = {"erp": "ERP", "oauth": "OAuth", "stripe": "Stripe", "url": "URL"}
_PROPER_WORD = re.compile(rf"\b({'|'.join(_PROPER)})\b")
# As `shown_time` writes it.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_UNITS = (("year", 365 * 86_400), ("month", 30 * 86_400), ("day", 86_400), ("hour", 3600), ("minute", 60))


def money(amount: int | None, currency: str) -> str:
    """`1,234.50 EUR`, of an amount in the currency's minor unit."""
    if amount is None:
        return "\N{EN DASH}"
    try:
        decimals = Currency.of(currency).decimals
    except CurrencyUnknown:
        return f"{amount} {currency.upper()} (minor unit)"
    whole, part = divmod(abs(amount), 10**decimals)
    fraction = f".{part:0{decimals}}" if decimals else ""
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{sign}{whole:,}{fraction} {currency.upper()}"


def number(count: int) -> str:
    return f"{count:,}"


def words(state: Any) -> str:
    """`partially_paid` as *partially paid*, `stripe_charge_id` as *Stripe charge id*."""
    return _PROPER_WORD.sub(lambda word: _PROPER[word[0]], str(state).replace("_", " "))


def actor_name(actor: Mapping[str, Any]) -> str:
    """Of an actor as the change log has it: `token 5 for ERP user 7`, `operator jane`, `Stripe`."""
    kind, id_, user_id = (actor.get(name) for name in ("type", "id", "user_id"))
    name = "" if id_ is None else str(id_).removeprefix(f"{kind}:")
    if kind == "service":
        name = words(name)
    user = "" if user_id is None else f" for ERP user {user_id}"
    return f"{_ACTORS.get(str(kind), kind)} {name}".strip(" :") + user


def tone(state: Any) -> str:
    """The class of a state's badge. The words say the same."""
    return _TONES.get(str(state), "plain")


def exact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def machine(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown_value(name: str, value: Any, currency: str | None) -> str:
    """A field as the change log has it: money with its currency, as far as that is known."""
    if value is None or value == "":
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and currency and (name.startswith("amount") or name.endswith("_in_cents")):
        return money(value, currency)
    if isinstance(value, str):
        return exact(datetime.fromisoformat(value)) if _TIME.fullmatch(value) else value
    return json.dumps(value, ensure_ascii=False)


def ago(moment: datetime, now: datetime) -> str:
    """`3 minutes ago`, `in 2 days`; what is further away than a month, as a date."""
    distance = abs(now - moment)
    if distance < timedelta(seconds=45):
        return "now" if moment <= now else "in a moment"
    if distance >= timedelta(days=30):
        return f"{moment.astimezone(UTC):%Y-%m-%d}"
    seconds = distance.total_seconds()
    unit, size = next((unit, size) for unit, size in _UNITS if seconds >= size * 0.75)
    count = max(1, round(seconds / size))
    written = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{written} ago" if moment <= now else f"in {written}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "money": money,
    "number": number,
    "words": words,
    "tone": tone,
    "exact": exact,
    "machine": machine,
    "ago": ago,
    # Whatever is part of a command: those are there to be copied.
    "shell": shlex.quote,
    "actor_name": lambda actor: actor_name(dump_actor(actor)),
}
