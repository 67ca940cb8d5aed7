"""Connect's OAuth: the consent page, tokens and revocation."""

import urllib.parse
from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from stripe_emulator.api.call import Answer
from stripe_emulator.api.credentials import caller, key_of
from stripe_emulator.api.http import respond, server_error
from stripe_emulator.connecting import (
    OAuthRefusal,
    disconnect,
    grant_code,
    redeem_code,
    revoke_reused_code,
    was_used,
)
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json
from stripe_emulator.misbehavior import Faults
from stripe_emulator.resources.accounts import make_account
from stripe_emulator.transaction import PLATFORM

SCOPES = ("read_only", "read_write")


def oauth_routes(emulator: Emulator) -> Blueprint:
    """Everything under /oauth."""
    routes = Blueprint("oauth", __name__, url_prefix="/oauth")

    @routes.get("/authorize")
    def ask() -> Response | tuple[str, int]:
        refused = _refused(emulator)
        if refused is not None:
            return refused
        with emulator.lock:
            accounts = [one.body for one in emulator.store.all("accounts") if one.id != PLATFORM]
        page = render_template(
            "consent.html", platform=emulator.settings.platform_name, accounts=accounts, scope=_scope()
        )
        return page, 200

    @routes.post("/authorize")
    def decide() -> Response | tuple[str, int]:
        return _refused(emulator) or _decided(emulator)

    @routes.post("/token")
    def token() -> Response:
        return respond(
            emulator, request, lambda _, faults: _changing(emulator, faults, lambda: _token(emulator))
        )

    @routes.post("/deauthorize")
    def deauthorize() -> Response:
        return respond(
            emulator, request, lambda _, faults: _changing(emulator, faults, lambda: _deauthorize(emulator))
        )

    return routes


def _scope() -> str:
    return request.args.get("scope", "read_only")


def _redirect_uri(emulator: Emulator) -> str:
    registered = emulator.settings.redirect_uris
    return request.args.get("redirect_uri") or (registered[0] if registered else "")


def _back(emulator: Emulator, answer: dict[str, str]) -> Response:
    if "state" in request.args:
        answer["state"] = request.args["state"]
    uri = _redirect_uri(emulator)
    separator = "&" if urllib.parse.urlsplit(uri).query else "?"
    return redirect(f"{uri}{separator}{urllib.parse.urlencode(answer, quote_via=urllib.parse.quote)}", 303)


def _refused(emulator: Emulator) -> Response | tuple[str, int] | None:
    """The answer if the request is wrong: a page, until the redirect URI is known to be right."""
    uri, registered = _redirect_uri(emulator), emulator.settings.redirect_uris
    if request.args.get("client_id") != emulator.settings.client_id:
        return render_template(
            "refusal.html", message="No application matches the supplied client identifier"
        ), 400
    if not uri.startswith(("http://", "https://")) or (registered and uri not in registered):
        message = (
            "Invalid redirect URI. Ensure this URI matches one of the redirect URIs of your application."
        )
        return render_template("refusal.html", message=message), 400
    if request.args.get("response_type") != "code":
        return _back(
            emulator,
            {
                "error": "unsupported_response_type",
                "error_description": "The only supported response type is code",
            },
        )
    if _scope() not in SCOPES:
        return _back(emulator, {"error": "invalid_scope", "error_description": "Invalid scope"})
    return None


def _decided(emulator: Emulator) -> Response | tuple[str, int]:
    decision = request.form.get("decision")
    if decision == "deny":
        return _back(
            emulator, {"error": "access_denied", "error_description": "The user denied your request"}
        )
    if decision != "approve":
        return render_template("refusal.html", message="The decision must be approve or deny."), 400
    wanted = request.form.get("account", "")
    with emulator.transaction() as tx:
        account = tx.store.find("accounts", wanted) if wanted else None
        if wanted and (account is None or wanted == PLATFORM):
            return render_template("refusal.html", message=f"There is no account {wanted}."), 404
        if account is None:
            account = make_account(tx, name=request.form.get("name") or "New Merchant")
        code = grant_code(tx, account.id, _scope())
    return _back(emulator, {"scope": _scope(), "code": code})


def _changing(emulator: Emulator, faults: Faults, change: Callable[[], Json]) -> Answer:
    faults.wait()
    with emulator.lock:
        who = caller(emulator, request.headers)
        if who.account != PLATFORM:
            refusal = OAuthRefusal(
                "invalid_client", f"Not a platform's key: {key_of(request.headers)[:8]}", 401
            )
            return Answer.of(refusal.status, refusal.body())
        if faults.effect == "500_before":
            return server_error()
        try:
            body = change()
        except OAuthRefusal as refusal:
            return Answer.of(refusal.status, refusal.body())
    return server_error() if faults.effect == "500_after" else Answer.of(200, body)


def _token(emulator: Emulator) -> Json:
    grant = request.form.get("grant_type")
    if grant is None:
        raise OAuthRefusal("invalid_request", "No grant type specified")
    if grant != "authorization_code":
        raise OAuthRefusal("unsupported_grant_type", f"This grant type is not emulated: {grant}")
    code = request.form.get("code")
    if not code:
        raise OAuthRefusal("invalid_request", "No authorization code provided")
    with emulator.transaction() as tx:
        if not was_used(tx, code):
            return redeem_code(tx, code)
        refusal = revoke_reused_code(tx, code)
    # Raised outside of the transaction, because the revocation must be kept.
    raise refusal


def _deauthorize(emulator: Emulator) -> Json:
    client_id, account = request.form.get("client_id"), request.form.get("stripe_user_id")
    if not account:
        raise OAuthRefusal("invalid_request", "No stripe_user_id provided")
    if client_id != emulator.settings.client_id:
        raise OAuthRefusal("invalid_client", f"No such application: '{client_id}'", status=401)
    with emulator.transaction() as tx:
        disconnect(tx, account)
    return {"stripe_user_id": account}
