"""What Prometheus reads."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.adapters.web.world import World, problem
from tests.builders import an_event_payload

TOKEN = "metrics-token"


@pytest.fixture
def world() -> World:
    return World(metrics_token=TOKEN)


def scrape(world: World, token: str = TOKEN) -> Any:
    return world.client.get("/metrics", headers={"Authorization": f"Bearer {token}"})


def shown(world: World) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its label values, in the order of the labels' names."""
    answer = scrape(world)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_only_who_has_the_token_reads_the_metrics(world: World):
    for token in ("wrong", "metrics-toke", world.token()):
        problem(scrape(world, token), 401)
    problem(world.client.get("/metrics"), 401)


def test_without_a_token_in_the_settings_there_are_no_metrics():
    problem(scrape(World()), 404)


def test_requests_are_counted_by_route_and_never_by_path(world: World):
    for invoice_id in (1, 2, 3):
        world.ask("GET", f"/api/stripe/invoices/{invoice_id}")
        world.ask("BREW", f"/api/pots/{invoice_id}")
    samples = shown(world)
    counted = "stripe_bridge_request_seconds_count"
    assert samples[counted, "GET", "/api/stripe/invoices/<id:invoice_id>", "404"] == 3
    assert samples[counted, "other", "none", "404"] == 3
    assert not [key for key in samples if "/api/stripe/invoices/1" in key]


def test_webhooks_are_counted_as_stored_duplicate_refused_or_failed(world: World):
    for _ in range(2):
        world.post_event(an_event_payload())
    world.post_event(an_event_payload(), secret="whsec_other")
    world.store.is_available = False
    world.post_event(an_event_payload())
    world.store.is_available = True
    samples = shown(world)
    outcomes = ("stored", "duplicate", "refused", "failed")
    assert [samples["stripe_bridge_webhooks_total", outcome] for outcome in outcomes] == [1, 1, 1, 1]


def test_what_has_not_happened_yet_shows_as_zero_so_that_the_first_time_is_an_increase(world: World):
    samples = shown(world)
    for key in (
        ("stripe_bridge_webhooks_total", "failed"),
        ("stripe_bridge_events_total", "failed"),
        ("stripe_bridge_drift_total", "corrected"),
        ("stripe_bridge_intents_total", "refund", "failed"),
        ("stripe_bridge_reconciliations_total", "partial"),
    ):
        assert samples[key] == 0


def test_calls_to_stripe_and_applied_events_are_counted_by_what_came_of_them(world: World):
    integration = world.connect()
    world.put_order()
    invoice = world.send(integration["id"]).get_json()["data"]
    world.pay(invoice)
    samples = shown(world)
    assert samples["stripe_bridge_intents_total", "finalize", "confirmed"] == 1
    assert samples["stripe_bridge_events_total", "processed"] == 1


def test_metrics_show_how_many_wait_and_the_age_of_the_oldest(world: World):
    world.connect()
    world.post_event(an_event_payload("invoice.paid"))
    world.clock.advance(timedelta(seconds=90))
    samples = shown(world)
    assert samples["stripe_bridge_inbox_events", "received"] == 1
    assert samples["stripe_bridge_inbox_oldest_seconds",] == 90
    world.bridge.webhook_events.apply()
    samples = shown(world)
    assert samples["stripe_bridge_inbox_events", "received"] == 0
    assert samples["stripe_bridge_inbox_oldest_seconds",] == 0
    assert samples["stripe_bridge_unsettled_intents", "unknown"] == 0
    assert samples["stripe_bridge_unsettled_intents_oldest_seconds",] == 0


def test_what_reconciling_healed_is_counted_by_cause_and_how_far_it_has_come_is_told(world: World):
    integration = world.connect()
    world.put_order()
    invoice = world.send(integration["id"]).get_json()["data"]
    world.stripe.pay(invoice["stripe_account_id"], invoice["stripe_invoice_id"])
    world.bridge.reconciliation.reconcile(integration["id"])
    world.clock.advance(timedelta(seconds=75))
    samples = shown(world)
    assert samples["stripe_bridge_reconciliations_total", "complete"] == 1
    assert samples["stripe_bridge_drift_total", "invoice_differs"] == 1
    assert samples["stripe_bridge_reconciled_oldest_seconds",] == 75


def test_the_skew_of_the_hosts_clock_is_shown(world: World):
    world.clock.host_ahead = -42.0
    assert shown(world)["stripe_bridge_clock_skew_seconds",] == -42


def test_metrics_show_the_queue_and_the_receivers(world: World):
    world.bridge.receivers.register()
    world.post_event(an_event_payload("invoice.paid"))
    samples = shown(world)
    assert samples["stripe_bridge_queue_up",] == 1
    assert samples["stripe_bridge_queue_nudges", "drain_inbox"] == 1
    assert samples["stripe_bridge_receiver_in_order", "connect"] == 1
    world.stripe.endpoints[None].clear()
    world.bridge.receivers.check()
    world.nudges.is_available = False
    samples = shown(world)
    assert samples["stripe_bridge_queue_up",] == 0
    assert not [key for key in samples if key[0] == "stripe_bridge_queue_nudges"]
    assert samples["stripe_bridge_receiver_in_order", "connect"] == 0


def test_metrics_show_the_waits_within_stripes_rate_limits(world: World):
    world.metrics.rate_limit_wait(0.3)
    assert shown(world)["stripe_bridge_stripe_wait_seconds_count",] == 1


def test_with_the_database_away_the_counters_are_still_told_and_no_guess_at_what_waits(world: World):
    world.store.is_available = False
    samples = shown(world)
    assert samples["stripe_bridge_database_up",] == 0
    assert not [key for key in samples if key[0].startswith("stripe_bridge_inbox")]
