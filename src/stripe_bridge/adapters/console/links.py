"""Addresses of the console. All are paths below that of `PUBLIC_URL`: nothing comes from the Host header."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlencode, urlsplit

from flask import current_app, g, request
from werkzeug.exceptions import HTTPException

from stripe_bridge.adapters.console.routes import current_visit

ROOT = "/console"
# The endpoint of every address where there is nothing.
NOTHING = "console.nothing"
# Letters, digits and what a query needs; no backslash, no control character, no second slash at the start.
_WITHIN = re.compile(r"/console(?:/[A-Za-z0-9._~%-]+)*/?(?:\?[A-Za-z0-9._~%&=+:,@/-]*)?")
_MAX_LENGTH = 2000


def link(path: str, /, **query: object) -> str:
    """To a page, for the tenant that an operator has chosen. A value of None leaves out its name; `tenant=None` the choice."""
    chosen = {"tenant": _chosen_tenant(), **query}
    given = {name: value for name, value in chosen.items() if value is not None}
    return f"{base()}{ROOT}{path}{'?' if given else ''}{urlencode(given, doseq=True)}"


def here(**query: object) -> str:
    """To this page, with other values for some of its query."""
    kept = {name: values for name, values in request.args.lists() if name not in query}
    return link(request.path.removeprefix(ROOT), **{"tenant": None, **kept, **query})


# Where the pages of single objects are, by what the change log calls them.
_PAGES = {
    "integration": "/integrations/{}",
    "sales_order": "/orders/{}",
    "invoice": "/invoices/{}",
    "subscriber": "/subscribers/{}",
    "webhook_event": "/events/{}",
    "intent": "/calls/{}",
}


def page_of(kind: str, id_: object, tenant: str | None = None) -> str | None:
    """The page about an object, if there is one. It is of the tenant that is chosen if none is named, and of none with ""."""
    if kind not in _PAGES or not str(id_).isdecimal():
        return None
    path = _PAGES[kind].format(id_)
    if not _is_page(f"{ROOT}{path}"):
        return None
    is_named = tenant is not None and current_visit().session.is_operator
    return link(path, tenant=tenant or None) if is_named else link(path)


def form_of(asked: str) -> str | None:
    """The page that has the form that was posted to `asked`: the same address, if it is a page."""
    asked = asked.rstrip("?")
    return asked if within(asked) and _is_page(asked.partition("?")[0]) else None


def _is_page(path: str) -> bool:
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    return str(endpoint) != NOTHING


def static(name: str) -> str:
    return f"{base()}{ROOT}/static/{name}"


def base() -> str:
    """The path under which a proxy serves this service."""
    path: str = urlsplit(current_app.config["PUBLIC_URL"]).path
    return path


def within(next_page: str | None) -> str | None:
    """Where to go after signing in, as it came in a query, if it is a page of the console; else None."""
    if not next_page or len(next_page) > _MAX_LENGTH or not _WITHIN.fullmatch(next_page):
        return None
    # Browsers go up by `%2e%2e`, too.
    names = unquote(next_page.partition("?")[0]).split("/")
    return None if {".", ".."} & set(names) else f"{base()}{next_page}"


def _chosen_tenant() -> str | None:
    visit = g.get("visit")
    is_chosen = visit is not None and visit.session.is_operator
    return visit.tenant_id if is_chosen else None
