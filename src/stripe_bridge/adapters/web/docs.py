"""The OpenAPI document, and a page to browse it, which loads nothing from elsewhere.

The page's addresses are relative, since a proxy may serve all of this under a path of its own.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import flask_swagger_ui
from flask import Blueprint, Response, current_app, make_response, render_template, send_from_directory

from stripe_bridge.adapters.web.api import openapi_document

# Swagger UI styles its elements one by one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)


def docs_blueprint() -> Blueprint:
    blueprint = Blueprint("docs", __name__)
    blueprint.add_url_rule("/openapi.json", "document", _document)
    blueprint.add_url_rule("/docs", "page", _page)
    blueprint.add_url_rule("/docs/start.js", "start", _start)
    blueprint.add_url_rule("/docs/assets/<path:name>", "asset", _asset)
    return blueprint


def _document() -> Response:
    # On whatever host it is read: by some it is reached under another name than by Stripe.
    base = urlsplit(current_app.config["PUBLIC_URL"]).path or "/"
    return Response(openapi_document(base), mimetype="application/json")


def _page() -> Response:
    page = make_response(render_template("docs.html"))
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def _start() -> Response:
    return send_from_directory(Path(__file__).parent / "static", "docs.js", max_age=3600)


def _asset(name: str) -> Response:
    return send_from_directory(Path(flask_swagger_ui.__file__).parent / "dist", name, max_age=3600)
