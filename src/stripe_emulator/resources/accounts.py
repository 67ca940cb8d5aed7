"""Accounts: the platform's, and those of the merchants."""

from stripe_emulator.api.call import Call
from stripe_emulator.errors import Json, no_access
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction
from stripe_emulator.versions import CURRENT

CAPABILITIES = ("card_payments", "transfers", "us_bank_account_ach_payments")


def make_account(
    tx: Transaction,
    *,
    account_id: str | None = None,
    name: str,
    country: str = "US",
    api_version: str = CURRENT,
) -> Record:
    """A fully enabled account, with a secret key of its own for calls by the merchant."""
    body = _shape(tx, account_id or new_id("acct"), name, country)
    record = tx.insert("accounts", body["id"], body, {"api_version": api_version})
    tx.insert("secret_keys", record.id, {"id": new_id("sk_test")})
    return record


def _shape(tx: Transaction, account_id: str, name: str, country: str) -> Json:
    slug = "".join(letter for letter in name.lower() if letter.isalnum()) or "merchant"
    requirements: Json = {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }
    return {
        "id": account_id,
        "object": "account",
        "business_profile": _business_profile(name, slug),
        "business_type": "company",
        "capabilities": dict.fromkeys(CAPABILITIES, "active"),
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": country,
        "created": tx.now,
        "default_currency": "usd" if country == "US" else "eur",
        "details_submitted": True,
        "email": f"owner@{slug}.example",
        "future_requirements": dict(requirements),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": requirements,
        "settings": _settings(name),
        "type": "standard",
    }


def _business_profile(name: str, slug: str) -> Json:
    return {
        "annual_revenue": None,
        "estimated_worker_count": None,
        "mcc": "5045",
        "minority_owned_business_designation": None,
        "name": name,
        "product_description": None,
        "support_address": None,
        "support_email": f"support@{slug}.example",
        "support_phone": None,
        "support_url": None,
        "url": f"https://{slug}.example",
    }


def _settings(name: str) -> Json:
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": {
            "statement_descriptor": name.upper()[:22],
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "sepa_debit_payments": {},
    }


def retrieve_current(call: Call) -> Json:
    """GET /v1/account."""
    return call.record("accounts", "account", "account", call.account).body


def retrieve(call: Call) -> Json:
    """GET /v1/accounts/{account}: the caller's own, or a connected one."""
    wanted = call.ids[0]
    is_own = wanted == call.account
    is_connected = call.by_platform and call.tx.store.find("connections", f"connection_{wanted}") is not None
    record = call.tx.store.find("accounts", wanted)
    if record is None or not (is_own or is_connected):
        raise no_access(call.key, wanted)
    return record.body


def change_account(tx: Transaction, record: Record, changes: Json) -> None:
    """Change an account, as the merchant or Stripe's checks do; hashes are merged."""
    body = tx.edit(record)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(body.get(name), dict):
            body[name] = {**body[name], **value}
        else:
            body[name] = value
    tx.emit_update("account.updated", record)
