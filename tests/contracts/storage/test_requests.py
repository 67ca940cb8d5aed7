"""What every store promises about what requests left behind."""

from datetime import timedelta

from stripe_bridge.domain.origin import SERVICE, Actor, ActorType, Origin
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_token, an_integration, an_intent
from tests.contracts.stored import stored_integration, stored_order

BY = Actor(type=ActorType.TOKEN, id="token:1")


def of_request(id_: str) -> Origin:
    return Origin(actor=BY, cause={"request_id": id_})


def test_what_was_recorded_and_planned_for_a_request_is_found_by_its_id(store: Store):
    with acting_as(of_request("a")), store.writing() as work:
        work.tokens.add(a_token(token_hash="a"))
        integration = work.integrations.add(an_integration())
        intent = work.intents.add(an_intent(integration_id=integration.id, invoice_id=None))
        work.commit()
    with acting_as(of_request("b")), store.writing() as work:
        work.tokens.add(a_token(token_hash="b"))
        work.commit()
    with store.reading() as work:
        found = work.request_traces.entries("a", TENANT, 10)
        assert [entry.sequence for entry in found] == [1, 2]
        assert work.request_traces.intents("a", TENANT, 10) == [intent]
        assert [entry.sequence for entry in work.request_traces.entries("b", None, 10)] == [3]
        assert work.request_traces.intents("b", None, 10) == []


def test_a_request_is_found_in_its_own_tenant_alone(store: Store):
    with acting_as(of_request("a")), store.writing() as work:
        for tenant_id in ("acme", "initech"):
            work.tokens.add(a_token(token_hash=tenant_id, tenant_id=tenant_id))
        work.commit()
    with store.reading() as work:
        assert [each.tenant_id for each in work.request_traces.entries("a", "acme", 10)] == ["acme"]
        everywhere = work.request_traces.entries("a", None, 10)
        assert sorted(each.tenant_id for each in everywhere) == ["acme", "initech"]
        assert len(work.request_traces.entries("a", None, 1)) == 1
        assert work.request_traces.entries("a", "nobody", 10) == []


def test_what_is_no_requests_leaves_no_trace(store: Store):
    with acting_as(SERVICE):
        stored_integration(store)
        stored_order(store)
    with store.writing() as work:
        assert work.request_traces.remove_before(NOW + timedelta(days=36_500), 10) == 0


def test_traces_are_removed_by_age_and_what_they_led_to_stays(store: Store):
    integration = stored_integration(store)
    with acting_as(of_request("a")), store.writing() as work:
        for hour in range(3):
            created_at = NOW + timedelta(hours=hour)
            work.intents.add(
                an_intent(
                    integration_id=integration.id,
                    invoice_id=None,
                    subject=f"s{hour}",
                    reference=f"r{hour}",
                    created_at=created_at,
                )
            )
        work.commit()
    with store.writing() as work:
        assert work.request_traces.remove_before(NOW + timedelta(hours=2), 1) == 1
        assert [each.reference for each in work.request_traces.intents("a", None, 10)] == ["r1", "r2"]
        assert work.request_traces.remove_before(NOW + timedelta(hours=2), 10) == 1
        work.commit()
    with store.reading() as work:
        assert [each.reference for each in work.request_traces.intents("a", None, 10)] == ["r2"]
        assert work.intents.find_by_reference("r0") is not None


def test_whatever_is_asked_for_is_found_or_not(store: Store):
    with store.reading() as work:
        for strange in ("", "a\0b", "\N{PILE OF POO}", "%", "x" * 10_000):
            assert work.request_traces.entries(strange, None, 10) == []
            assert work.request_traces.intents(strange, TENANT, 10) == []
