"""Who makes a call, and for which account."""

import base64
import binascii
import re
from dataclasses import dataclass

import stripe
from werkzeug.datastructures import Headers

from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import StripeError, malformed, no_access
from stripe_emulator.identifiers import redacted_key
from stripe_emulator.transaction import PLATFORM

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")


@dataclass(frozen=True)
class Caller:
    """Whose key it is, and which account the call is for."""

    key: str
    account: str
    application: str | None
    by_platform: bool


def key_of(headers: Headers) -> str:
    """The secret key of a request, sent as a bearer token or as the user name of basic authentication."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            value = ""
    if not value:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
        raise StripeError(message, status=401, is_validation=True)
    return value.strip()


def check_version(headers: Headers) -> None:
    """Refuse every API version except the emulated one."""
    version = headers.get("Stripe-Version", stripe.api_version)
    if version != stripe.api_version:
        known = "not emulated" if _VERSION.fullmatch(version) else "invalid"
        raise malformed(f"Invalid Stripe API version: {version} ({known}; this is {stripe.api_version})")


def caller(emulator: Emulator, headers: Headers) -> Caller:
    """Who makes the request. Refuses unknown keys, and accounts that the platform is not connected to."""
    key = key_of(headers)
    owner = owner_of(emulator, key)
    if owner is None:
        raise StripeError(f"Invalid API Key provided: {redacted_key(key)}", status=401, is_validation=True)
    account = headers.get("Stripe-Account") or owner.account
    if account == owner.account:
        return owner
    if owner.account != PLATFORM or not is_connected(emulator, account):
        raise no_access(key, account)
    return Caller(key, account, emulator.settings.client_id, by_platform=True)


def owner_of(emulator: Emulator, key: str) -> Caller | None:
    """Whose key it is: the platform's, a merchant's own, or an access token issued through OAuth."""
    if key == emulator.settings.secret_key:
        return Caller(key, PLATFORM, None, by_platform=True)
    token = emulator.store.find("oauth_tokens", key)
    if token is not None:
        return Caller(key, token.account, emulator.settings.client_id, by_platform=False)
    merchant_key = emulator.store.find("secret_keys", key)
    return Caller(key, merchant_key.account, None, by_platform=False) if merchant_key else None


def is_connected(emulator: Emulator, account: str) -> bool:
    """Whether the merchant has connected the platform."""
    return emulator.store.find("connections", f"connection_{account}") is not None
