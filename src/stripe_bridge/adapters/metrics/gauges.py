"""What is waiting, as Prometheus's gauges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily

from stripe_bridge.domain.intent import UNSETTLED
from stripe_bridge.domain.subscriber import DisabledReason
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.metrics import Backlog

_UNFINISHED = (EventStatus.RECEIVED, EventStatus.PROCESSING, EventStatus.FAILED)


class BacklogGauges:
    """The gauges as just read, and none that were read before.

    They are samples rather than the library's gauges, which would also be written to the shared folder, and be reported from
    there later, even by a dead process, with outdated values.
    """

    def __init__(self, backlog: Backlog | None) -> None:
        self._backlog = backlog

    def collect(self) -> Iterator[GaugeMetricFamily]:
        backlog = self._backlog
        yield gauge("database_up", "Whether the database responds.", float(backlog is not None))
        if backlog is not None:
            yield from _waiting(backlog)
            yield from _upkeep(backlog)
            yield from _change_logs(backlog)
            yield from _subscribers(backlog)


def _waiting(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    events, intents = backlog.events, backlog.intents
    yield by_label(
        "inbox_events",
        "Stored events that are not finished, by status.",
        "status",
        {status.value: events.by_status.get(status.value, 0) for status in _UNFINISHED},
    )
    yield gauge(
        "inbox_oldest_seconds",
        "Age of the oldest event that is waiting to be applied.",
        backlog.age(events),
    )
    yield by_label(
        "unsettled_intents",
        "Calls to Stripe that are not settled yet, by state.",
        "state",
        {state.value: intents.by_status.get(state.value, 0) for state in sorted(UNSETTLED)},
    )
    yield gauge(
        "unsettled_intents_oldest_seconds",
        "Age of the oldest call that is not settled yet.",
        backlog.age(intents),
    )


def _subscribers(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    found = backlog.subscribers
    states = {state: found.by_state.get(state, 0) for state in ("enabled", *DisabledReason)}
    help_text = "Subscribers, by state: enabled, or why they are not."
    yield by_label("subscribers", help_text, "state", states)
    help_text = "Changes not yet delivered to enabled subscribers, as a sum over all subscribers."
    yield gauge("subscribers_behind", help_text, float(found.behind))
    help_text = "Age of the oldest change not yet delivered to an enabled subscriber."
    yield gauge("subscribers_oldest_seconds", help_text, backlog.age(found))


def _upkeep(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    help_text = "Seconds by which this host's clock is ahead of the database's."
    yield gauge("clock_skew_seconds", help_text, backlog.clock_skew)
    yield gauge("queue_up", "Whether the queue's broker responds.", float(backlog.queue is not None))
    if backlog.queue is not None:
        help_text = "Nudges waiting for a worker; one stands for any number of events."
        yield by_label("queue_nudges", help_text, "job", backlog.queue)
    if backlog.reconciled_until is not None:
        behind = (backlog.measured_at - backlog.reconciled_until).total_seconds()
        yield gauge(
            "reconciled_oldest_seconds",
            "Age of the oldest completed reconcile among connected accounts.",
            max(0.0, behind),
        )
    yield gauge(
        "recovery_holds",
        "Accounts because of which sends are held after a restore; a hold on all tenants counts as one.",
        float(backlog.recovery_holds),
    )
    yield gauge(
        "unresolved_invoices",
        "Invoices found at Stripe after a restore that an operator must decide about.",
        float(backlog.unresolved_invoices),
    )
    yield gauge(
        "duplicated_refunds",
        "Refunds that Stripe has twice and that no operator has accepted.",
        float(backlog.duplicated_refunds),
    )
    if backlog.receivers:
        help_text = "Whether the platform's webhook endpoint passed its last check."
        yield by_label("receiver_in_order", help_text, "kind", backlog.receivers)


def _change_logs(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    help_text = "Change logs that failed verification: see stripe-bridge changes verify."
    yield gauge("broken_change_logs", help_text, float(backlog.broken_logs))
    help_text = "Whether the change logs include the objects from before them: 0 while workers are still recording those."
    yield gauge("change_log_complete", help_text, float(backlog.is_log_complete))


def gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"stripe_bridge_{name}", help_text, value=value)


def by_label(name: str, help_text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"stripe_bridge_{name}", help_text, labels=[label])
    for labeled, value in values.items():
        family.add_metric([labeled], value)
    return family
