import re
from dataclasses import replace

import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import Browser, ConsoleWorld, text_of
from tests.adapters.web.world import data_of
from tests.builders import an_event_payload
from tests.fakes.stripe.payloads import invoice_object

PATH = "/console/events"
PLAN = f"{PATH}/replay"


@pytest.fixture
def paid(world: ConsoleWorld) -> ConsoleWorld:
    """An invoice that is open here and paid at Stripe; the event about that is stored, and was not applied."""
    integration = world.connect()
    world.put_order()
    invoice = data_of(world.send(integration["id"]))
    account_id, stripe_id = invoice["stripe_account_id"], invoice["stripe_invoice_id"]
    world.stripe.pay(account_id, stripe_id)
    object_ = invoice_object(world.stripe.accounts[account_id].invoices[stripe_id])
    assert world.post_event(an_event_payload("invoice.paid", object_, account=account_id)).status_code == 200
    return world


def digest_on(page: str) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def agree(visitor: Browser, **query: str) -> str:
    """Look at the plan, and have it carried out; returns where that leads."""
    page = visitor.get(PLAN, **query).get_data(as_text=True)
    fields = {"digest": digest_on(page), **query}
    answer = visitor.client.post(PLAN, data={"csrf": visitor.token(), **fields})
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["Location"])


def test_events_are_listed_with_what_became_of_them_and_found_by_what_they_are(paid):
    jane = paid.visitor(Role.VIEWER)

    assert "invoice.paid in_" in text_of(jane.get(PATH))
    assert "No events match." in text_of(jane.get(PATH, status="failed"))
    page = text_of(jane.get(PATH, status="received", event_type="invoice.paid"))
    assert "invoice.paid in_" in page
    assert "stripe-bridge events list --status received --type invoice.paid --tenant acme" in page
    assert "invoice.paid in_" not in text_of(jane.get(PATH, since="2027-01-01"))


def test_what_makes_no_sense_as_a_filter_is_refused(paid):
    jane = paid.visitor(Role.ADMIN)

    for query in ({"since": "yesterday"}, {"status": "new"}, {"ids": "1,x"}):
        assert jane.get(PATH, **query).status_code == 422


def test_a_long_list_goes_on_by_key(paid):
    for number in range(60):
        payload = an_event_payload(
            "invoice.paid", {"id": f"in_{number}"}, id_=f"evt_{number}", account="acct_9"
        )
        paid.post_event(payload)
    olga = paid.operator()

    first = olga.get(PATH).get_data(as_text=True)
    older = re.search(r'rel="next" href="([^"]+)"', first)

    assert older is not None
    assert "in_59" in first
    assert "in_59" not in olga.get(older[1]).get_data(as_text=True)


def test_a_payload_is_shown_on_request_as_one_can_read_it_and_who_read_it_is_recorded(paid):
    paid.bridge.webhook_events.apply()
    jane = paid.visitor(Role.POWER_USER)
    event = f"{PATH}/1"
    assert '"object": "event"' not in text_of(jane.get(event))

    shown = jane.post(f"{event}/payload", form=event)

    assert '"object": "event"' in text_of(shown)
    assert "{\n  &#34;id&#34;: &#34;evt_1&#34;" in shown.get_data(as_text=True)
    changes = data_of(paid.ask("GET", "/api/changes?type=webhook_event.payload_read"))
    assert [(each["actor"]["id"], each["subject"]["id"]) for each in changes] == [("jane", 1)]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b'{"id": "evt_1", "da', '{"id": "evt_1", "da'),
        (b"\x28\xb5\x2f\xfd\x9b2J", "(\ufffd/"),
        (b'{"note": "half \\ud83d"}', '"half \\ud83d"'),
        (b"", "It is no longer kept."),
    ],
)
def test_a_payload_that_is_damaged_or_that_no_text_can_hold_is_shown_as_far_as_it_can_be(paid, stored, shown):
    events = paid.store.committed.events.rows
    events[1] = replace(events[1], payload=stored)
    jane = paid.visitor(Role.ADMIN)

    assert shown in text_of(jane.post(f"{PATH}/1/payload", form=f"{PATH}/1"))


def test_the_payload_of_what_may_be_the_merchants_other_dealings_is_for_admins(paid):
    event = f"{PATH}/1"

    for role, status in ((Role.VIEWER, 403), (Role.POWER_USER, 403), (Role.ADMIN, 200)):
        visitor = paid.visitor(role)
        answer = visitor.client.post(f"{event}/payload", data={"csrf": visitor.token()})
        assert answer.status_code == status


def test_a_plan_shows_field_by_field_what_would_change_and_changes_nothing(paid):
    before = paid.store.committed.invoices, paid.store.committed.events

    page = text_of(paid.visitor().get(PLAN, event_type="invoice.paid"))

    assert (paid.store.committed.invoices.rows, paid.store.committed.events.rows) == (
        before[0].rows,
        before[1].rows,
    )
    assert "amount paid 0.00 EUR 120.00 EUR" in page
    assert "status open paid" in page
    assert "Order 1001" in page
    assert "stripe-bridge events replay --type invoice.paid --tenant acme" in page


def test_what_the_plan_says_is_done_once_somebody_agrees_and_can_be_followed(paid):
    jane = paid.visitor()

    replay = agree(jane, event_type="invoice.paid")

    assert replay == f"{PATH}/replays/1"
    page = text_of(jane.get(replay))
    assert "Replay 1 has begun." in page
    assert "running" in page
    assert 'hx-trigger="every 2s"' in jane.get(replay).get_data(as_text=True)
    while paid.bridge.webhook_events.run_replays():
        pass
    paid.bridge.webhook_events.apply()
    page = text_of(jane.get(replay))
    assert "completed" in page
    assert "processed 1" in page
    assert "jane" in page
    assert "1 of 1" in text_of(jane.get(f"{PATH}/replays"))
    assert data_of(paid.ask("GET", "/api/stripe/invoices/1"))["status"] == "paid"


def test_one_event_is_replayed_from_its_own_page(paid):
    jane = paid.visitor()
    leads_to = re.search(r'href="([^"]+)">Replay<', jane.get(f"{PATH}/1").get_data(as_text=True))
    assert leads_to is not None

    assert "1 event" in text_of(jane.get(leads_to[1]))
    assert agree(jane, ids="1") == f"{PATH}/replays/1"


def test_a_plan_that_no_longer_holds_is_shown_anew_with_the_reason_and_nothing_is_begun(paid):
    jane = paid.visitor()
    digest = digest_on(jane.get(PLAN, event_type="invoice.paid").get_data(as_text=True))
    paid.bridge.webhook_events.apply()

    fields = {"csrf": jane.token(), "digest": digest, "event_type": "invoice.paid"}
    answer = jane.client.post(PLAN, data=fields)

    assert answer.headers["Location"] == f"{PLAN}?event_type=invoice.paid"
    page = text_of(jane.get(answer.headers["Location"]))
    assert "Events or objects have changed since the plan was made." in page
    assert "Nothing: what these events say is already known here." in page
    assert "No events have been replayed yet." in text_of(jane.get(f"{PATH}/replays"))


def test_a_replay_is_canceled_after_a_question(paid):
    jane = paid.visitor()
    replay = agree(jane, event_type="invoice.paid")
    assert "0 of its 1 events" in text_of(jane.get(f"{replay}/cancel"))

    answer = jane.post(f"{replay}/cancel", form=f"{replay}/cancel")

    assert answer.headers["Location"] == replay
    assert "Replay 1 is canceled." in text_of(jane.get(replay))
    again = jane.client.post(f"{replay}/cancel", data={"csrf": jane.token()})
    assert again.status_code == 409
    assert "The replay is already canceled." in text_of(again)


def test_whoever_canceled_a_replay_is_named_as_on_every_other_page(paid):
    jane = paid.visitor()
    replay = agree(jane, event_type="invoice.paid")
    paid.ask("POST", f"/api/stripe/replays/{replay.rpartition('/')[2]}/cancel")
    (token, *_) = paid.bridge.access.list_tokens()
    assert f"Canceled by token {token.id} " in text_of(jane.get(replay))


def test_whoever_may_not_replay_is_not_offered_to(paid):
    victor = paid.visitor(Role.VIEWER)

    assert "Replay these" not in text_of(victor.get(PATH, status="received"))
    assert victor.get(PLAN, status="received").status_code == 403
    assert "Replay these" in text_of(paid.visitor(Role.POWER_USER).get(PATH, status="received"))


def test_an_operator_replays_across_tenants_or_for_the_one_that_he_chose(paid):
    olga = paid.operator()

    assert "1 event" in text_of(olga.get(PLAN, status="received"))
    paid.token(Role.ADMIN, "initech")
    assert "There is nothing to replay" in text_of(olga.get(PLAN, status="received", tenant="initech"))
    assert agree(olga, status="received") == f"{PATH}/replays/1"
    assert "No events have been replayed yet." in text_of(paid.visitor().get(f"{PATH}/replays"))


def test_without_a_filter_it_is_asked_for_one(paid):
    assert "Choose the events" in text_of(paid.visitor().get(PLAN))
