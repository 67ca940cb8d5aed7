"""Pages as HTML, what follows a form, and failures as pages."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from stripe_bridge.adapters.console.cookies import (
    browser_secret,
    csrf_token,
    drop_notice,
    find_notice,
    is_secure,
    keep,
    leave_notice,
    new_browser_secret,
)
from stripe_bridge.adapters.console.guard import CSRF_FIELD, TenantNotChosen
from stripe_bridge.adapters.console.links import form_of, here, link, page_of, static, within
from stripe_bridge.adapters.console.routes import Section, Visit
from stripe_bridge.adapters.web.problems import log_failure, problem_of
from stripe_bridge.domain.errors.base import Forbidden, FormForeign, Unauthenticated

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
# Where the API speaks of tokens, people read of themselves.
_HEADLINES: dict[type[Exception], str] = {
    Unauthenticated: "You are no longer signed in",
    Forbidden: "You may not do this",
}
SECTIONS = "stripe_bridge.console.sections"
NOW = "stripe_bridge.console.now"


def render(template: str, status: int = HTTPStatus.OK, **values: Any) -> Response:
    """A page, with what all pages have. Values are escaped wherever they come from."""
    visit: Visit | None = g.get("visit")
    secret = values.pop("secret", None) or browser_secret()
    page = make_response(
        render_template(
            template,
            visit=visit,
            sections=sections_for(visit),
            link=link,
            here=here,
            page_of=page_of,
            static=static,
            csrf=(CSRF_FIELD, csrf_token(secret) if secret else ""),
            notice=find_notice(secret),
            now=current_app.extensions[NOW],
            request_id=g.request_id,
            **values,
            # JSON can hold one half of a character, and no encoding can.
        ).encode(errors="backslashreplace"),
        status,
    )
    drop_notice(page)
    return page


def done(notice: str, path: str, **query: object) -> Response:
    """What follows a form that was acted on: a redirect to the page at `path`, which shows the notice (Post/Redirect/Get).

    Browsers follow it within the console only: the policy of its pages names no other place for forms. Elsewhere leads a link.
    """
    response = go_to(link(path, **query))
    leave_notice(response, notice, browser_secret())
    return response


def go_to(address: str) -> Response:
    """`address` is one that `link` made. With 303, browsers ask for it by GET."""
    response = make_response("", HTTPStatus.SEE_OTHER)
    response.headers["Location"] = address
    return response


def answer_failure(error: Exception) -> Response:
    """Whatever was raised, as a page that a person can do something with."""
    if isinstance(error, TenantNotChosen):
        return render("choose_tenant.html", tenants=g.visit.bridge.access.list_tenants(), address=here)
    row, problem = problem_of(error)
    if not isinstance(error, HTTPException):
        log_failure(error, row.status)
    page = render(
        "failure.html",
        row.status,
        problem=problem,
        headline=_HEADLINES.get(type(error), problem["detail"]),
        is_foreign=isinstance(error, FormForeign),
        form=form_of(request.full_path),
        within=within,
        stripe_request=problem.get("stripe", {}).get("request_id"),
        occurred_at=current_app.extensions[NOW](),
        path=request.path,
        version=version("stripe-bridge"),
    )
    for name, value in row.headers.items():
        if name.lower() not in ("www-authenticate", "content-type", "location"):
            page.headers[name] = value
    return page


def sign_in_page(issuer: str | None, fault: str | None = None) -> Response:
    """What those see who are not signed in. Its form belongs to this browser, as every form does."""
    secret = browser_secret() or new_browser_secret()
    asked = request.args.get("next")
    next_page = asked if within(asked) else None
    url = current_app.config["PUBLIC_URL"]
    page = render(
        "sign_in.html",
        HTTPStatus.OK if fault is None else HTTPStatus.UNAUTHORIZED,
        secret=secret,
        fault=fault,
        next_page=next_page,
        is_insecure=is_secure(url) and not url.startswith("https:"),
        provider=None if issuer is None else urlsplit(issuer).hostname,
    )
    if secret != browser_secret():
        keep(page, secret, for_session=False)
    return page


def sections_for(visit: Visit | None) -> list[Section]:
    """What the visitor may see."""
    if visit is None:
        return []
    sections: tuple[Section, ...] = current_app.extensions[SECTIONS]
    return [each for each in sections if visit.may(each.start.permission)]
