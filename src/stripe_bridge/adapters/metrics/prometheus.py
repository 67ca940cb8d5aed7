"""Counters of what happened, and the page with them and with what is waiting.

Counters cover one process, or all those that share a folder with it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from stripe_bridge.adapters.metrics.gauges import BacklogGauges
from stripe_bridge.adapters.metrics.processes import ProcessGauges
from stripe_bridge.adapters.metrics.shared_folder import VARIABLE, counted_in, join
from stripe_bridge.domain.intent import Intent, IntentState, Operation
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from stripe_bridge.ports.metrics import Backlog

_log = logging.getLogger(__name__)
# In seconds. A send makes up to five calls to Stripe.
_WAIT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_DELIVERY_BUCKETS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_OF_INTENTS = ("operation", "state")
_OF_REQUESTS = ("route", "method", "status")
_REQUEST_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMetrics:
    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._folder = _shared_folder()
        self._registry = CollectorRegistry()
        self._requests = self._histogram(
            "request", "HTTP requests by route, method and status.", _REQUEST_BUCKETS, *_OF_REQUESTS
        )
        self._webhooks = self._counter(
            "webhooks",
            "Webhooks received, by outcome: stored, duplicate, refused (4xx) or failed (5xx).",
            "outcome",
        )
        self._events = self._counter(
            "events", "Events processed, by resulting status; `received` will be retried.", "status"
        )
        self._intents = self._counter(
            "intents",
            "Calls that change something at Stripe, by resulting state: `planned` is postponed, `failed` was refused.",
            *_OF_INTENTS,
        )
        self._runs = self._counter(
            "reconciliations", "Reconcile runs of one account each: complete, or partial.", "outcome"
        )
        self._drift = self._counter(
            "drift", "Differences from Stripe that reconciling corrected, by cause.", "cause"
        )
        self._waits = self._histogram(
            "stripe_wait",
            "Delay of calls to Stripe to stay within its rate limits; calls that were not delayed are not counted.",
            _WAIT_BUCKETS,
        )
        self._deliveries = self._histogram(
            "delivery",
            "Requests to subscribers by outcome: delivered, no_answer, or the class of another status.",
            _DELIVERY_BUCKETS,
            "outcome",
        )
        # Looking up a metric by its labels costs more than counting does.
        self._request = cache(self._requests.labels)
        self._webhook = cache(self._webhooks.labels)
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        """A series that first appears as 1 has not increased, to Prometheus: the first failure would raise no alert."""
        for outcome in ("stored", "duplicate", "refused", "failed"):
            self._webhooks.labels(outcome)
        for status in EventStatus:
            if status is not EventStatus.PROCESSING:
                self._events.labels(status.value)
        for operation, state in product(Operation, IntentState):
            if state is not IntentState.SENT:
                self._intents.labels(operation.value, state.value)
        for outcome in ("complete", "partial"):
            self._runs.labels(outcome)
        for outcome in ("delivered", "no_answer"):
            self._deliveries.labels(outcome)
        for cause in Drift:
            self._drift.labels(cause.value)

    def delivery(self, outcome: str, seconds: float) -> None:
        self._deliveries.labels(outcome).observe(seconds)

    def reconciled(self, report: ReconcileReport) -> None:
        self._runs.labels("complete" if report.is_complete else "partial").inc()
        for cause, number in report.drift.items():
            self._drift.labels(cause.value).inc(number)

    def drift(self, cause: Drift) -> None:
        self._drift.labels(cause.value).inc()

    def rate_limit_wait(self, seconds: float) -> None:
        self._waits.observe(seconds)

    def event(self, event: WebhookEvent) -> None:
        self._events.labels(event.status.value).inc()

    def intent(self, intent: Intent) -> None:
        self._intents.labels(intent.operation.value, intent.state.value).inc()

    def webhook(self, outcome: str) -> None:
        self._webhook(outcome).inc()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        self._request(route, method, str(status)).observe(seconds)

    def render(self, backlog: Backlog | None) -> bytes:
        gauges = CollectorRegistry()
        gauges.register(BacklogGauges(backlog))
        return self.render_counters() + generate_latest(gauges)

    def render_counters(self) -> bytes:
        if self._folder is not None:
            return render_shared(self._folder)
        return generate_latest(self._registry) + _render_processes(None)

    def _histogram(self, name: str, help_text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        """Of seconds."""
        full_name = f"stripe_bridge_{name}_seconds"
        return Histogram(full_name, help_text, labels, buckets=buckets, registry=self._registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"stripe_bridge_{name}", help_text, labels, registry=self._registry)


def render_shared(folder: Path) -> bytes:
    """The counters of all processes that share the folder. The process that asks need not be one of them."""
    return generate_latest(counted_in(folder)) + _render_processes(folder)


def _render_processes(folder: Path | None) -> bytes:
    registry = CollectorRegistry()
    registry.register(ProcessGauges(folder))
    return generate_latest(registry)


def _shared_folder() -> Path | None:
    """Nothing fails for want of metrics: if the folder is not usable, the process counts for itself."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named)
    try:
        join(folder)
    except OSError as error:
        _log.warning("metrics not shared between processes", extra={"reason": str(error)})
        return None
    return folder
