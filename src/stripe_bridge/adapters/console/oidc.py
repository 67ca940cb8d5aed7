"""Signing in through the identity provider: where the browser goes, and where it comes back to."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, make_response, request
from itsdangerous import BadSignature

from stripe_bridge.adapters.console.cookies import (
    PENDING_SECONDS,
    browser_secret,
    drop_pending,
    find_pending,
    keep,
    keep_pending,
    new_browser_secret,
    signer,
)
from stripe_bridge.adapters.console.rendering import sign_in_page
from stripe_bridge.adapters.console.sign_in import count_failure, welcome
from stripe_bridge.adapters.web.auth import RateLimits
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.sign_in_provider import PendingSignIn
from stripe_bridge.use_cases.access import Access

_PURPOSE = "oidc"
_REFUSED = (
    "The identity provider did not sign you in, or it says neither which tenant and role you have nor that you are an "
    "operator. Start again from here."
)


def add_oidc(blueprint: Blueprint, access: Access, limits: RateLimits) -> None:
    """Two addresses that only answer if there is a provider."""

    def begin() -> Response:
        pending = access.begin_sign_in()
        secret = browser_secret() or new_browser_secret()
        # Nothing of the page that was left, and no form: a policy for forms would not let the browser go there.
        response = make_response("", 302)
        response.headers["Location"] = pending.url
        keep_pending(
            response, signer(secret, _PURPOSE).dumps([asdict(pending), request.args.get("next", "")])
        )
        if secret != browser_secret():
            keep(response, secret, for_session=False)
        return response

    def come_back() -> Response:
        """The credential is the state, which this browser alone has, and for ten minutes."""
        try:
            pending, next_page = _pending()
            begun = access.complete_sign_in(
                pending=pending,
                code=request.args.get("code", ""),
                state=request.args.get("state", ""),
                issuer=request.args.get("iss"),
            )
        except Unauthenticated:
            count_failure(limits)
            response = sign_in_page(access.begin_sign_in.issuer, fault=_REFUSED)
        else:
            response = welcome(access, begun, next_page)
        drop_pending(response)
        return response

    blueprint.add_url_rule("/oidc/start", "begin_oidc", begin, provide_automatic_options=False)
    blueprint.add_url_rule("/oidc/callback", "complete_oidc", come_back, provide_automatic_options=False)


def _pending() -> tuple[PendingSignIn, str]:
    """Raises Unauthenticated unless this browser was sent to the provider."""
    secret, kept = browser_secret(), find_pending()
    if not secret or not kept:
        raise Unauthenticated
    try:
        fields, next_page = signer(secret, _PURPOSE).loads(kept, max_age=PENDING_SECONDS)
    except BadSignature:
        raise Unauthenticated from None
    return PendingSignIn(**fields), next_page
