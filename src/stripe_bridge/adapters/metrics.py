"""Metrics in the format of Prometheus.

Counters cover one process. If PROMETHEUS_MULTIPROC_DIR names a folder, the client library keeps them there, and each process
shows the sum for all processes with the same folder: several web processes, and workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from stripe_bridge.domain.intent import UNSETTLED, Intent
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.domain.subscriber import DisabledReason
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from stripe_bridge.ports.metrics import Backlog

_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_UNFINISHED = (EventStatus.RECEIVED, EventStatus.PROCESSING, EventStatus.FAILED)
# In seconds. A send makes up to five calls to Stripe.
_WAIT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_DELIVERY_BUCKETS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_OF_REQUESTS = ("route", "method", "status")
_REQUEST_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMetrics:
    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
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
            "operation",
            "state",
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
        gauges.register(_Gauges(backlog))
        return self._counters() + generate_latest(gauges)

    def _counters(self) -> bytes:
        if _SHARED not in os.environ:
            return generate_latest(self._registry)
        all_processes = CollectorRegistry()
        MultiProcessCollector(all_processes)  # type: ignore[no-untyped-call]  # the library has no types there
        return generate_latest(all_processes)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"stripe_bridge_{name}", help_text, labels, registry=self._registry)

    def _histogram(self, name: str, help_text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        """Of seconds."""
        full_name = f"stripe_bridge_{name}_seconds"
        return Histogram(full_name, help_text, labels, buckets=buckets, registry=self._registry)


class _Gauges:
    """The gauges as just read, and none that were read before.

    They are samples rather than the library's gauges, which would also be written to the shared folder, and be reported from
    there later, even by a dead process, with outdated values.
    """

    def __init__(self, backlog: Backlog | None) -> None:
        self._backlog = backlog

    def collect(self) -> Iterator[GaugeMetricFamily]:
        backlog = self._backlog
        yield _gauge("database_up", "Whether the database responds.", float(backlog is not None))
        if backlog is not None:
            yield from _waiting(backlog)
            yield from _upkeep(backlog)
            yield from _change_logs(backlog)
            yield from _subscribers(backlog)


def _waiting(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    events, intents = backlog.events, backlog.intents
    yield _by_label(
        "inbox_events",
        "Stored events that are not finished, by status.",
        "status",
        {status.value: events.by_status.get(status.value, 0) for status in _UNFINISHED},
    )
    yield _gauge(
        "inbox_oldest_seconds",
        "Age of the oldest event that is waiting to be applied.",
        backlog.age(events),
    )
    yield _by_label(
        "unsettled_intents",
        "Calls to Stripe that are not settled yet, by state.",
        "state",
        {state.value: intents.by_status.get(state.value, 0) for state in sorted(UNSETTLED)},
    )
    yield _gauge(
        "unsettled_intents_oldest_seconds",
        "Age of the oldest call that is not settled yet.",
        backlog.age(intents),
    )


def _subscribers(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    found = backlog.subscribers
    states = {state: found.by_state.get(state, 0) for state in ("enabled", *DisabledReason)}
    help_text = "Subscribers, by state: enabled, or why they are not."
    yield _by_label("subscribers", help_text, "state", states)
    help_text = "Changes that enabled subscribers have not got yet, those of each counted."
    yield _gauge("subscribers_behind", help_text, float(found.behind))
    help_text = "Age of the oldest change that an enabled subscriber has not got yet."
    yield _gauge("subscribers_oldest_seconds", help_text, backlog.age(found))


def _upkeep(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    help_text = "By how many seconds the clock of this host is ahead of the database's."
    yield _gauge("clock_skew_seconds", help_text, backlog.clock_skew)
    yield _gauge("queue_up", "Whether the queue's broker responds.", float(backlog.queue is not None))
    if backlog.queue is not None:
        help_text = "Nudges waiting for a worker; one stands for any number of events."
        yield _by_label("queue_nudges", help_text, "job", backlog.queue)
    if backlog.reconciled_until is not None:
        behind = (backlog.measured_at - backlog.reconciled_until).total_seconds()
        yield _gauge(
            "reconciled_oldest_seconds",
            "Age of the oldest completed reconcile among connected accounts.",
            max(0.0, behind),
        )
    yield _gauge(
        "recovery_holds",
        "Accounts because of which sends are held after a restore; all of them at once count as one.",
        float(backlog.recovery_holds),
    )
    yield _gauge(
        "unresolved_invoices",
        "Invoices found at Stripe after a restore that an operator has to decide about.",
        float(backlog.unresolved_invoices),
    )
    yield _gauge(
        "duplicated_refunds",
        "Refunds that Stripe has twice and that no operator has accepted.",
        float(backlog.duplicated_refunds),
    )
    if backlog.receivers:
        help_text = "Whether the platform's webhook endpoint passed its last check."
        yield _by_label("receiver_in_order", help_text, "kind", backlog.receivers)


def _change_logs(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    help_text = "Change logs that were found not to verify: see flask changes verify."
    yield _gauge("broken_change_logs", help_text, float(backlog.broken_logs))
    help_text = "Whether the change logs have what was there before them: 0 while workers still record it."
    yield _gauge("change_log_complete", help_text, float(backlog.is_log_complete))


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"stripe_bridge_{name}", help_text, value=value)


def _by_label(name: str, help_text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"stripe_bridge_{name}", help_text, labels=[label])
    for labeled, value in values.items():
        family.add_metric([labeled], value)
    return family
