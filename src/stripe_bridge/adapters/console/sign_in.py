"""Signing in by a one-time link, and signing out."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request

from stripe_bridge.adapters.console.cookies import browser_secret, forget, keep
from stripe_bridge.adapters.console.guard import check_form
from stripe_bridge.adapters.console.links import link, within
from stripe_bridge.adapters.console.rendering import go_to, sign_in_page
from stripe_bridge.adapters.web.auth import RateLimits
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.use_cases.access import Access
from stripe_bridge.use_cases.access.console_sessions import BegunConsoleSession

_NOT_GOOD = "The link was used before, is older than five minutes, or is not complete. Ask for another one."
_log = logging.getLogger(__name__)
_FAILURES = "300/minute"


def add_sign_in(blueprint: Blueprint, access: Access, limits: RateLimits) -> None:
    def sign_in() -> Response:
        """Only its POST uses a link up."""
        if request.method != "POST":
            return sign_in_page(access.begin_sign_in.issuer)
        check_form()
        # Pasted by hand, it may be the whole link.
        secret = request.form.get("token", "").strip().rpartition("#")[2]
        try:
            begun = access.sign_in_by_link(secret)
        except Unauthenticated:
            count_failure(limits)
            return sign_in_page(access.begin_sign_in.issuer, fault=_NOT_GOOD)
        return welcome(access, begun, request.args.get("next"))

    def sign_out() -> Response:
        check_form()
        _end_session(access)
        response = go_to(link("/sign-in"))
        forget(response)
        return response

    add = blueprint.add_url_rule
    add("/sign-in", "sign_in", sign_in, methods=["GET", "POST"], provide_automatic_options=False)
    add("/sign-out", "sign_out", sign_out, methods=["POST"], provide_automatic_options=False)


def count_failure(limits: RateLimits) -> None:
    """Of all together: what can be guessed has 256 random bits. A good link is never refused. Raises TooManyAttempts."""
    limits.count((_FAILURES, ("failed", "console")))


def welcome(access: Access, begun: BegunConsoleSession, next_page: str | None) -> Response:
    """Lead on with a new session. One that this browser had ends: a session that somebody planted there is of no use."""
    _end_session(access)
    session = begun.session
    # Whoever acts stands in the change log; of those who only look, this is what there is.
    _log.info(
        "signed in to the console",
        extra={
            "console_session_id": session.id,
            "name_of_person": session.name,
            "tenant_id": session.tenant_id,
            "role": "operator" if session.role is None else session.role.value,
            "by": "identity provider" if session.is_vouched_for else "link",
        },
    )
    response = go_to(within(next_page) or link(""))
    keep(response, begun.secret, for_session=True)
    return response


def _end_session(access: Access) -> None:
    """This browser's, if it has one that has not ended by itself."""
    try:
        session = access.authenticate_console(browser_secret())
    except Unauthenticated:
        return
    access.revoke_console_session(session.id)
