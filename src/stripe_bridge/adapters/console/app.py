"""The console as a part of the application that `web` makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, send_from_directory
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException, NotFound

from stripe_bridge.adapters.console.formats import FILTERS
from stripe_bridge.adapters.console.guard import TenantNotChosen, admit
from stripe_bridge.adapters.console.links import ROOT
from stripe_bridge.adapters.console.oidc import add_oidc
from stripe_bridge.adapters.console.pages import SECTIONS, all_routes
from stripe_bridge.adapters.console.rendering import NOW, POLICY, answer_failure
from stripe_bridge.adapters.console.rendering import SECTIONS as SECTIONS_OF
from stripe_bridge.adapters.console.routes import Route, View, current_visit
from stripe_bridge.adapters.console.sign_in import add_sign_in
from stripe_bridge.adapters.web.auth import RateLimits
from stripe_bridge.adapters.web.problems import RequestInvalid, TooManyAttempts
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.errors.base import BridgeError

_NAME = "console"
_FILES = Path(__file__).parent / "static"
_MAX_AGE = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleOptions:
    """`now` is the service's clock."""

    now: Callable[[], datetime]
    rate_limit_storage_uri: str = field(default="memory://", repr=False)


def add_console(app: Flask, bridge: Bridge, options: ConsoleOptions) -> None:
    """All pages below `/console`."""
    app.extensions[SECTIONS_OF] = SECTIONS
    app.extensions[NOW] = options.now
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    limits = RateLimits(options.rate_limit_storage_uri)
    routes = routes_by_endpoint()
    blueprint = Blueprint(_NAME, __name__, url_prefix=ROOT, template_folder="templates")
    blueprint.before_request(lambda: admit(bridge, routes, limits))
    blueprint.after_request(_harden)
    for kind in (BridgeError, RequestInvalid, TooManyAttempts, TenantNotChosen, HTTPException, Exception):
        blueprint.register_error_handler(kind, answer_failure)
    for endpoint, route in routes.items():
        _add(blueprint, endpoint.removeprefix(f"{_NAME}."), route)
    add_sign_in(blueprint, bridge.access, limits)
    add_oidc(blueprint, bridge.access, limits)
    blueprint.add_url_rule("/static/<path:name>", "static", _static, provide_automatic_options=False)
    # Otherwise these would be answered as the API does.
    blueprint.add_url_rule(
        "/<path:_anything>", "nothing", _nothing, methods=["GET", "POST"], provide_automatic_options=False
    )
    app.register_blueprint(blueprint)


def routes_by_endpoint() -> Mapping[str, Route]:
    return {f"{_NAME}.{route.id}": route for route in all_routes()}


def _add(blueprint: Blueprint, name: str, route: Route) -> None:
    blueprint.add_url_rule(
        route.path,
        name,
        _answering(route.view),
        methods=[route.method],
        strict_slashes=False,
        provide_automatic_options=False,
    )


def _answering(view: View) -> View:
    return lambda **ids: view(current_visit(), **ids)


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response


def _static(name: str) -> Response:
    return send_from_directory(_FILES, name, max_age=_MAX_AGE)


def _nothing(_anything: str) -> Any:
    raise NotFound
