"""The OpenAPI document, and a page to browse it, which loads nothing from elsewhere; and the start of everything, at `/`.

The page's addresses are relative, since a proxy may serve all of this under a path of its own.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    make_response,
    render_template,
    request,
    send_from_directory,
)

from stripe_bridge.adapters.web.api import openapi_document

_FILES = Path(__file__).parent / "static" / "docs"
_DESIGN = Path(__file__).parent / "static" / "design"
# Scalar writes its styles into the page. It compiles and loads no code.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Of pages that are made of nothing but text, links and the styles that all pages share.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def docs_blueprint() -> Blueprint:
    blueprint = Blueprint("docs", __name__)
    # An empty path is not redirected: Werkzeug would do so to the address in the Host header.
    blueprint.add_url_rule("/", "start", _start, strict_slashes=False)
    blueprint.add_url_rule("/openapi.json", "document", _document)
    blueprint.add_url_rule("/docs", "page", _page)
    blueprint.add_url_rule("/docs/<path:name>", "file", _file)
    blueprint.add_url_rule("/design/<name>", "design", _design)
    return blueprint


def _start() -> Response:
    """People get a page that leads on, programs learn where to read on."""
    base = urlsplit(current_app.config["PUBLIC_URL"]).path
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        answer = make_response(render_template("start.html", base=base))
        answer.headers["Content-Security-Policy"] = PAGE_POLICY
    else:
        answer = jsonify(
            name="Stripe Bridge",
            version=version("stripe-bridge"),
            console=f"{base}/console",
            docs=f"{base}/docs",
            openapi=f"{base}/openapi.json",
            health=f"{base}/healthz",
            readiness=f"{base}/readyz",
        )
    answer.headers["Vary"] = "Accept"
    return answer


def _document() -> Response:
    # On whatever host it is read: by some it is reached under another name than by Stripe.
    base = urlsplit(current_app.config["PUBLIC_URL"]).path or "/"
    return Response(openapi_document(base), mimetype="application/json")


def _page() -> Response:
    page = make_response(render_template("docs.html"))
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def _file(name: str) -> Response:
    return send_from_directory(_FILES, name, max_age=3600)


def _design(name: str) -> Response:
    """What all pages share."""
    return send_from_directory(_DESIGN, name, max_age=3600)
