"""The OpenAPI document as a page to browse, which loads nothing from elsewhere.

Its addresses are relative, since a proxy may serve all of this under a path of its own.
"""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, make_response, render_template, send_from_directory

# Swagger UI styles its elements one by one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)


def docs_blueprint() -> Blueprint:
    blueprint = Blueprint("docs", __name__)
    blueprint.add_url_rule("/docs", "page", _page)
    blueprint.add_url_rule("/docs/start.js", "start", _start)
    blueprint.add_url_rule("/docs/assets/<path:name>", "asset", _asset)
    return blueprint


def _page() -> Response:
    page = make_response(render_template("docs.html"))
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def _start() -> Response:
    return send_from_directory(Path(__file__).parent / "static", "docs.js", max_age=3600)


def _asset(name: str) -> Response:
    return send_from_directory(Path(flask_swagger_ui.__file__).parent / "dist", name, max_age=3600)
