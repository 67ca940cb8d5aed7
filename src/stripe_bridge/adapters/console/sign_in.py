"""Signing in by a one-time link, and signing out."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, current_app, request
from werkzeug.wrappers import Response as AnyResponse

from stripe_bridge.adapters.console.cookies import browser_secret, forget, is_secure, keep, new_browser_secret
from stripe_bridge.adapters.console.guard import check_form
from stripe_bridge.adapters.console.links import link, within
from stripe_bridge.adapters.console.rendering import go_to, render
from stripe_bridge.adapters.web.auth import RateLimits
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.use_cases.access import Access
from stripe_bridge.use_cases.access.console_sessions import BegunConsoleSession

_NOT_GOOD = "The link was used before, is older than five minutes, or is not complete. Ask for another one."
# For all who are not signed in together: what is guessed has 256 random bits, so this only spares the database.
_ATTEMPTS = "300/minute"


def add_sign_in(blueprint: Blueprint, access: Access, limits: RateLimits) -> None:
    def sign_in() -> AnyResponse:
        """Only its POST uses a link up."""
        if request.method != "POST":
            return _page()
        limits.count((_ATTEMPTS, ("console", "sign-in")))
        check_form()
        # Pasted by hand, it may be the whole link.
        secret = request.form.get("token", "").strip().rpartition("#")[2]
        try:
            begun = access.sign_in_by_link(secret)
        except Unauthenticated:
            return _page(fault=_NOT_GOOD)
        return welcome(access, begun, request.args.get("next"))

    def sign_out() -> AnyResponse:
        check_form()
        try:
            session = access.authenticate_console(browser_secret())
        except Unauthenticated:
            pass
        else:
            access.revoke_console_session(session.id)
        response = go_to(link("/sign-in"))
        forget(response)
        return response

    add = blueprint.add_url_rule
    add("/sign-in", "sign_in", sign_in, methods=["GET", "POST"], provide_automatic_options=False)
    add("/sign-out", "sign_out", sign_out, methods=["POST"], provide_automatic_options=False)


def welcome(access: Access, begun: BegunConsoleSession, next_page: str | None) -> AnyResponse:
    """Lead on with a new session. One that this browser had ends: a session that somebody planted there is of no use."""
    _end_former(access)
    response = go_to(within(next_page) or link(""))
    keep(response, begun.secret, for_session=True)
    return response


def _end_former(access: Access) -> None:
    try:
        former = access.authenticate_console(browser_secret())
    except Unauthenticated:
        return
    access.revoke_console_session(former.id)


def _page(fault: str | None = None) -> AnyResponse:
    secret = browser_secret() or new_browser_secret()
    next_page = request.args.get("next")
    page = render(
        "sign_in.html",
        HTTPStatus.OK if fault is None else HTTPStatus.UNAUTHORIZED,
        secret=secret,
        fault=fault,
        next_page=next_page if within(next_page) else None,
        is_insecure=not current_app.config["PUBLIC_URL"].startswith("https:") and is_secure(_public_url()),
        provider=None,
        provider_name=None,
    )
    if secret != browser_secret():
        keep(page, secret, for_session=False)
    return page


def _public_url() -> str:
    url: str = current_app.config["PUBLIC_URL"]
    return url
