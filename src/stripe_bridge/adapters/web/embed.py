"""What the ERP's pages load: the panel's scripts, and the page for those that only take a frame."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, g, make_response, render_template, request, send_from_directory

from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.domain.errors.values import OriginInvalid
from stripe_bridge.domain.panel_session import is_origin

_FILES = Path(__file__).parent / "static" / "embed"
_LANGUAGES = ("en", "de", "fr", "es")
_MAX_AGE = 300


def embed_blueprint() -> Blueprint:
    blueprint = Blueprint("embed", __name__)
    blueprint.add_url_rule("/embed/v1/frame", "frame", _frame)
    blueprint.add_url_rule("/embed/v1/<path:name>", "file", _file)
    blueprint.after_request(_share)
    return blueprint


def _file(name: str) -> Response:
    return send_from_directory(_FILES, name, max_age=_MAX_AGE)


def _frame() -> Response:
    """A page that only the named origin may frame, and that talks to no other."""
    origin, order = request.args.get("origin", ""), request.args.get("sales_order_id", "")
    if not is_origin(origin):
        raise OriginInvalid
    if not (order.isascii() and order.isdecimal() and len(order) < 20):
        raise RequestInvalid({"sales_order_id": ["Not a whole number."]})
    language = request.args.get("lang", _LANGUAGES[0]).partition("-")[0]
    page = make_response(
        render_template(
            "frame.html",
            origin=origin,
            sales_order_id=order,
            language=language if language in _LANGUAGES else _LANGUAGES[0],
            direction="rtl" if request.args.get("dir") == "rtl" else "ltr",
        )
    )
    page.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {origin}"
    )
    # Browsers that know `frame-ancestors` go by that; others would show the page nowhere.
    g.is_framed = True
    page.cache_control.max_age = _MAX_AGE
    page.add_etag()
    page.make_conditional(request)
    return page


def _share(response: Response) -> Response:
    """Scripts are public, and pages that isolate themselves load them, too."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
