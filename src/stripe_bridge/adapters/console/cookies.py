"""What the browser keeps, and what is signed with it.

There is one cookie. Before somebody signs in it is a random value, afterwards the secret of a session; either way it is the
key by which the tokens of forms and the notices of redirects are signed. So these belong to one browser and one session,
and nothing else has to be kept or configured for them.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, request
from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from werkzeug.sansio.http import parse_cookie

from stripe_bridge.domain.console_session import SESSION_LIFETIME
from stripe_bridge.domain.loopback import is_on_loopback

# A browser takes a cookie with this prefix only over https, for all of the host, and from nobody but it.
_SECURE_NAME, _PLAIN_NAME = "__Host-stripe_bridge_console", "stripe_bridge_console"
_NOTICE_NAME = "stripe_bridge_console_notice"
_NOTICE_SECONDS = 60
_MAX_NOTICE = 1000
_PENDING_NAME = "stripe_bridge_console_oidc"
PENDING_SECONDS = 600


def is_secure(public_url: str) -> bool:
    """Only on its own machine does this service have cookies without https."""
    return urlsplit(public_url).scheme == "https" or not is_on_loopback(public_url)


def cookie_name(public_url: str) -> str:
    return _SECURE_NAME if is_secure(public_url) else _PLAIN_NAME


def secret_in(cookies: str, public_url: str) -> str:
    """That of the `Cookie` header, or nothing."""
    return parse_cookie(cookies).get(cookie_name(public_url), "")


def browser_secret() -> str:
    """What the browser sent, or nothing."""
    return request.cookies.get(cookie_name(_public_url()), "")


def new_browser_secret() -> str:
    """For somebody who is not signed in: it opens nothing."""
    return secrets.token_urlsafe(32)


def keep(response: Response, secret: str, *, for_session: bool) -> None:
    """Without a session, until the browser is closed."""
    response.set_cookie(
        cookie_name(_public_url()),
        secret,
        max_age=SESSION_LIFETIME if for_session else None,
        **_attributes(),
    )


def forget(response: Response) -> None:
    response.delete_cookie(cookie_name(_public_url()), **_attributes())


def csrf_token(secret: str) -> str:
    return Signer(secret, salt="csrf").sign("form").decode()


def is_csrf_token(token: str, secret: str) -> bool:
    return bool(secret) and token.isascii() and Signer(secret, salt="csrf").validate(token)


def signer(secret: str, purpose: str) -> URLSafeTimedSerializer:
    """Signs what the browser keeps for us, for that browser alone."""
    return URLSafeTimedSerializer(secret, salt=purpose)


def form_key(secret: str, *seen: object) -> str:
    """Names what a form asks for, by what the person saw: two pages that ask for the same have the same."""
    return hmac.digest(secret.encode(), f"form key {seen!r}".encode(), "sha256").hex()[:32]


def leave_notice(response: Response, text: str, secret: str) -> None:
    """For the page that the response leads to."""
    response.set_cookie(
        _NOTICE_NAME,
        signer(secret, "notice").dumps(text[:_MAX_NOTICE]),
        max_age=_NOTICE_SECONDS,
        **_attributes(),
    )


def find_notice(secret: str) -> str | None:
    kept = request.cookies.get(_NOTICE_NAME)
    if not kept or not secret:
        return None
    try:
        return str(signer(secret, "notice").loads(kept, max_age=_NOTICE_SECONDS))
    except BadSignature:
        return None


def drop_notice(response: Response) -> None:
    if _NOTICE_NAME in request.cookies:
        response.delete_cookie(_NOTICE_NAME, **_attributes())


def keep_pending(response: Response, signed: str) -> None:
    """While the browser is at the identity provider. It comes back by a link, which `Lax` lets through."""
    response.set_cookie(_PENDING_NAME, signed, max_age=PENDING_SECONDS, **_attributes())


def find_pending() -> str | None:
    return request.cookies.get(_PENDING_NAME)


def drop_pending(response: Response) -> None:
    response.delete_cookie(_PENDING_NAME, **_attributes())


def _attributes() -> dict[str, Any]:
    return {"secure": is_secure(_public_url()), "httponly": True, "samesite": "Lax"}


def _public_url() -> str:
    url: str = current_app.config["PUBLIC_URL"]
    return url
