"""The Flask application."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_cors import CORS

from stripe_bridge.adapters.web.api import IdConverter
from stripe_bridge.adapters.web.auth import RateLimits, authenticate_requests
from stripe_bridge.adapters.web.client_addresses import ClientAddresses
from stripe_bridge.adapters.web.docs import docs_blueprint
from stripe_bridge.adapters.web.embed import embed_blueprint
from stripe_bridge.adapters.web.endpoints import Operation, attach_bridge
from stripe_bridge.adapters.web.idempotency import HEADER, REPLAYED, honor_idempotency_keys
from stripe_bridge.adapters.web.metrics import count_exchanges, serve_metrics
from stripe_bridge.adapters.web.panel_origins import PANEL_PATH, share_panel
from stripe_bridge.adapters.web.problems import register_error_handlers
from stripe_bridge.adapters.web.request_log import instrument_requests
from stripe_bridge.adapters.web.views import SECTIONS, blueprints
from stripe_bridge.adapters.web.views.sequence import SEQUENCE
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.metrics import Metrics

_EXPOSED = [
    REPLAYED,
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-Request-Id",
    SEQUENCE,
]
_ACCEPTED = ["Authorization", "Content-Type", HEADER, "X-Request-Id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """`public_url` is the start of the links to other pages; without it they are relative to the host's root.

    `oauth_return_url` is where merchants go after Stripe; without it they see a small page, which leads on to the first of
    `cors_origins`: that is where the ERP's front end is. Without `metrics_token` there are
    no metrics.
    """

    public_url: str = ""
    oauth_return_url: str | None = None
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    rate_limit_storage_uri: str = field(default="memory://", repr=False)
    metrics_token: str | None = field(default=None, repr=False)


class OrderedJson(DefaultJSONProvider):
    """Keeps fields in the order of their schema, which is easier to read."""

    sort_keys = False


def create_app(bridge: Bridge, *, options: WebOptions, metrics: Metrics) -> Flask:
    """The whole HTTP interface of the bridge."""
    app = Flask(__name__, static_folder=None)
    app.json = OrderedJson(app)
    # Werkzeug would redirect to the address in the Host header, which the caller chooses.
    app.url_map.merge_slashes = False
    # A body without a declared length is silently cut off there: the additional byte shows that it was too long.
    app.config["MAX_CONTENT_LENGTH"] = MAX_PAYLOAD_BYTES + 1
    app.config["PUBLIC_URL"] = options.public_url.rstrip("/")
    app.config["OAUTH_RETURN_URL"] = options.oauth_return_url
    app.config["FRONT_END"] = next(iter(options.cors_origins), None)
    instrument_requests(app)
    count_exchanges(app, metrics)
    authenticate_requests(
        app,
        operations_by_endpoint(),
        bridge.access,
        RateLimits(options.rate_limit_storage_uri),
        ClientAddresses(options.trusted_proxies),
    )
    honor_idempotency_keys(app, operations_by_endpoint(), bridge)
    _share_with_pages(app, options)
    register_error_handlers(app)
    attach_bridge(app, bridge)
    app.url_map.converters["id"] = IdConverter
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
    app.register_blueprint(docs_blueprint())
    app.register_blueprint(embed_blueprint())
    if options.metrics_token is not None:
        serve_metrics(app, metrics, bridge.operations.measure_backlog, options.metrics_token)
    return app


def _share_with_pages(app: Flask, options: WebOptions) -> None:
    """CORS: the API for the pages that the settings name, the panel for those that its sessions do."""
    if options.cors_origins:
        of_settings = rf"/api(?!{PANEL_PATH.pattern.removeprefix('/api')}$)/.*"
        CORS(
            app,
            resources={of_settings: {"origins": list(options.cors_origins)}},
            allow_headers=_ACCEPTED,
            expose_headers=_EXPOSED,
            max_age=600,
        )
    share_panel(app, _ACCEPTED, _EXPOSED)


def operations_by_endpoint() -> dict[str, Operation]:
    return {f"{section.name}.{each.id}": each for section in SECTIONS for each in section.operations}
