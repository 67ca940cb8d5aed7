"""`/metrics`, for Prometheus, and counting requests for it."""

from __future__ import annotations

import hmac
import time
from http import HTTPStatus

from flask import Flask, Response, g, request

from stripe_bridge.adapters.web.auth import bearer_token
from stripe_bridge.adapters.web.known_credentials import note_credential
from stripe_bridge.adapters.web.wsgi_in_threads import SUSPENDED
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.metrics import Backlog, Metrics
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.operations.backlog import MeasureBacklog

ROUTE = "/metrics"
_WEBHOOKS = "/api/webhooks/"
# Anything else counts as `other`: clients may invent methods, and a label must not have endless values.
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def count_exchanges(app: Flask, metrics: Metrics) -> None:
    """Count each by its route, never by its path: paths contain ids, and so are endless."""

    @app.after_request
    def count(response: Response) -> Response:
        if SUSPENDED in request.environ:
            return response
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        metrics.request(route, method, response.status_code, time.perf_counter() - g.began_at)
        if route.startswith(_WEBHOOKS) and request.method == "POST" and response.status_code != HTTPStatus.OK:
            metrics.webhook(_outcome(response.status_code))
        return response


def serve_metrics(app: Flask, metrics: Metrics, measure: MeasureBacklog, token: str) -> None:
    """Serve them to those who have the token: how much business is done here is not public."""

    @app.get(ROUTE)
    def show_metrics() -> Response:
        if not hmac.compare_digest(bearer_token().encode(), token.encode()):
            raise Unauthenticated
        note_credential(request.environ, is_good=True)
        return Response(metrics.render(_backlog(measure)), content_type=metrics.content_type)


def _outcome(status: int) -> str:
    return "refused" if status < 500 else "failed"


def _backlog(measure: MeasureBacklog) -> Backlog | None:
    try:
        return measure()
    except StoreUnavailable:
        return None
