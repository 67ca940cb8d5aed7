"""Connect: how merchants give a platform access to their account, and how that ends."""

import secrets
from dataclasses import dataclass

from stripe_emulator.errors import Json
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

CODE_LIFETIME = 5 * 60


@dataclass
class OAuthRefusal(Exception):
    """A refusal in OAuth's own shape, which differs from the API's."""

    error: str
    description: str
    status: int = 400

    def body(self) -> Json:
        """The JSON body of the answer."""
        return {"error": self.error, "error_description": self.description}


def grant_code(tx: Transaction, account: str, scope: str) -> str:
    """The code that the platform gets when the merchant approves."""
    code = new_id("ac")
    tx.insert("oauth_codes", account, {"id": code, "created": tx.now}, {"scope": scope, "used": False})
    return code


def redeem_code(tx: Transaction, code: str) -> Json:
    """Connect the account that the code was granted for.

    A code works once. Using it again revokes what it gave: see `revoke_reused_code`.
    """
    record = tx.store.find("oauth_codes", code)
    if record is None:
        raise OAuthRefusal("invalid_grant", f"Authorization code does not exist: {code}")
    if tx.now - record.body["created"] >= CODE_LIFETIME:
        raise OAuthRefusal("invalid_grant", f"Authorization code expired: {code}")
    tx.edit(record)
    record.hidden["used"] = True
    account, scope = record.account, record.hidden["scope"]
    connection = connection_of(tx, account)
    if connection is None:
        details = {"id": f"connection_{account}", "created": tx.now}
        tx.insert("connections", account, details, {"code": code, "scope": scope})
    else:
        tx.edit(connection)
        connection.hidden.update(code=code, scope=scope)
    token: Json = {
        "access_token": new_id("sk_test"),
        "livemode": False,
        "refresh_token": new_id("rt"),
        "scope": scope,
        "stripe_publishable_key": f"pk_test_{secrets.token_hex(12)}",
        "stripe_user_id": account,
        "token_type": "bearer",
    }
    tx.insert("oauth_tokens", account, {"id": token["access_token"]}, {"code": code, "account": account})
    _emit(tx, "account.application.authorized", account)
    return token


def was_used(tx: Transaction, code: str) -> bool:
    """Whether the code was already redeemed."""
    record = tx.store.find("oauth_codes", code)
    return record is not None and bool(record.hidden["used"])


def revoke_reused_code(tx: Transaction, code: str) -> OAuthRefusal:
    """Revoke what a code gave, since it was used twice; returns the refusal to answer with."""
    record = tx.store.find("oauth_codes", code)
    connection = connection_of(tx, record.account) if record else None
    if connection is not None and connection.hidden["code"] == code:
        disconnect(tx, connection.account)
    return OAuthRefusal(
        "invalid_grant",
        "This authorization code has already been used. All tokens issued with this code have been revoked.",
    )


def connection_of(tx: Transaction, account: str) -> Record | None:
    """The platform's access to an account, if it has any."""
    return tx.store.find("connections", f"connection_{account}")


def disconnect(tx: Transaction, account: str) -> None:
    """End the platform's access to an account, on behalf of the platform or the merchant."""
    connection = connection_of(tx, account)
    if connection is None:
        raise OAuthRefusal(
            "invalid_client",
            f"This application is not connected to stripe account {account}, or that account does not exist.",
            status=401,
        )
    _emit(tx, "account.application.deauthorized", account)
    tx.remove(connection)
    for token in tx.store.where("oauth_tokens", "account", account):
        tx.remove(token)


def _emit(tx: Transaction, event_type: str, account: str) -> None:
    application: Json = {
        "id": tx.settings.client_id,
        "object": "application",
        "name": tx.settings.platform_name,
    }
    tx.record_event(event_type, account, application, by_request=False)
