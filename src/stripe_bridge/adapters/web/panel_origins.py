"""From which pages a panel session may be used, and what browsers are told about it (CORS).

A preflight carries no session: it is answered for every origin, and reveals nothing. The request itself must come from the
session's origin, or from the frame, which this service serves itself.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, request
from werkzeug.datastructures import Headers

from stripe_bridge.domain.access import PanelGrant
from stripe_bridge.domain.errors.base import OriginForeign

# Without the sessions, which are made by servers.
PANEL_PATH = re.compile(r"/api/panel(/.*)?")
_METHODS = "GET, POST"


def share_panel(app: Flask, accepted: list[str], exposed: list[str]) -> None:
    """Answer preflights of the panel's paths, and let the pages read what they are answered."""

    @app.before_request
    def answer_preflight() -> Response | None:
        if request.method != "OPTIONS" or not PANEL_PATH.fullmatch(request.path):
            return None
        answer = make_response("", 204)
        answer.headers["Access-Control-Allow-Methods"] = _METHODS
        answer.headers["Access-Control-Allow-Headers"] = ", ".join(accepted)
        answer.headers["Access-Control-Max-Age"] = "600"
        return answer

    @app.after_request
    def let_read(response: Response) -> Response:
        if PANEL_PATH.fullmatch(request.path):
            response.vary.add("Origin")
            if "Origin" in request.headers and not g.get("is_foreign_page", False):
                _allow(response.headers, request.headers["Origin"], exposed)
        return response


def _allow(headers: Headers, origin: str, exposed: list[str]) -> None:
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Expose-Headers"] = ", ".join(exposed)


def check_page(panel: PanelGrant) -> None:
    """Raises OriginForeign unless the request comes from the session's page, or from the frame."""
    origin = request.headers.get("Origin")
    if origin is None:
        # A browser leaves it out only if the page and what it asks for are of one origin.
        is_good = request.headers.get("Sec-Fetch-Site") == "same-origin"
    else:
        is_good = origin in (panel.origin, _own_origin())
    if not is_good:
        g.is_foreign_page = True
        raise OriginForeign


def _own_origin() -> str | None:
    url = urlsplit(current_app.config["PUBLIC_URL"])
    return f"{url.scheme}://{url.netloc}" if url.netloc else None
