"""An overview shows what came in and went out of late, and what is waiting: a tenant's, or all of it."""

from datetime import datetime, timedelta

from stripe_bridge.domain.hourly_sums import Measure, Period
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge.use_cases.operations.overview import Overview
from tests.use_cases.sends import not_sent
from tests.world import World


def numbers(overview: Overview) -> dict[Measure, tuple[int, int, int]]:
    return {each.measure: (each.this_hour, each.last_day, each.last_month) for each in overview.series}


def test_a_service_that_did_nothing_shows_zeros_and_no_money(world: World):
    overview = world.bridge.operations.show_overview("nobody")
    assert numbers(overview) == dict.fromkeys((Measure.WEBHOOKS, Measure.APPLIED, Measure.SENT), (0, 0, 0))
    assert (overview.events.oldest_at, overview.intents.oldest_at, overview.subscribers.oldest_at) == (
        None,
        None,
        None,
    )


def test_what_came_in_and_went_out_is_counted_in_the_hour_in_which_it_happened(receiving: World):
    receiving.put_order()
    invoice = receiving.paid()
    receiving.refund(invoice.id, 700)
    received = len(receiving.events_stored())
    assert received

    found = numbers(receiving.bridge.operations.show_overview(receiving.tenant))

    assert found == {
        Measure.WEBHOOKS: (received,) * 3,
        Measure.APPLIED: (received,) * 3,
        Measure.SENT: (1, 1, 1),
        Measure.MONEY_IN: (invoice.amount,) * 3,
        Measure.REFUNDED: (700, 700, 700),
    }


def test_hours_and_days_go_by(receiving: World):
    receiving.put_order()
    receiving.sent()
    sent_at = receiving.clock.now()
    receiving.clock.advance(timedelta(hours=2))
    overview = receiving.bridge.operations.show_overview(receiving.tenant)
    assert numbers(overview)[Measure.SENT] == (0, 1, 1)
    drawn = next(each for each in overview.series if each.measure is Measure.SENT)
    in_hour = dict(zip(overview.begins, drawn.numbers, strict=True))
    assert {hour: number for hour, number in in_hour.items() if number} == {
        sent_at.replace(minute=0, second=0, microsecond=0): 1
    }

    receiving.clock.advance(timedelta(days=2))
    overview = receiving.bridge.operations.show_overview(receiving.tenant, Period.MONTH)
    assert numbers(overview)[Measure.SENT] == (0, 0, 1)
    drawn = next(each for each in overview.series if each.measure is Measure.SENT)
    assert dict(zip(overview.begins, drawn.numbers, strict=True))[midnight(sent_at)] == 1

    receiving.clock.advance(timedelta(days=31))
    assert numbers(receiving.bridge.operations.show_overview(receiving.tenant))[Measure.SENT] == (0, 0, 0)


def test_what_is_waiting_shows_since_when_and_only_to_whom_it_belongs(receiving: World):
    receiving.receive(receiving.event("invoice.updated", {"id": "in_1", "object": "invoice"}))
    waiting_since = receiving.clock.now()
    receiving.put_order()
    receiving.fail("finalize", OutcomeUnknown("cut"), times=9)
    receiving.fail("invoice", OutcomeUnknown("cut"), times=9)
    not_sent(receiving)
    receiving.clock.advance(timedelta(minutes=3))

    for tenant in (receiving.tenant, None):
        overview = receiving.bridge.operations.show_overview(tenant)
        assert overview.events.oldest_at == waiting_since
        assert overview.events.by_status[EventStatus.RECEIVED] == 1
        assert overview.intents.by_status == {IntentState.UNKNOWN: 1}
        assert overview.at == receiving.clock.now()
    others = receiving.bridge.operations.show_overview("other")
    assert (others.events.oldest_at, others.intents.oldest_at) == (None, None)


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
