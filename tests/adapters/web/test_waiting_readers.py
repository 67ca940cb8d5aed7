"""Readers of the feed wait in the event loop: for their own tenant's changes, as many as may, and no longer than they may."""

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.adapters.web.waiting_readers import WaitingReaders
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.changes.feed import FeedQuery
from tests.adapters.web.over_fast_path import Connection
from tests.adapters.web.world import World, problem
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign
from tests.waiting import wait_until

# In seconds: longer than any test is to take.
LONG = 25


class Waiting:
    """A world behind the front, whose readers wait. `looks` counts how often logs were looked at."""

    def __init__(self, world, **limits):
        changes = world.bridge.changes
        self.world, self.committed = world, CommittedChanges()
        self.looks = 0
        self.readers = WaitingReaders(self._find_heads, changes.skip_foreign, self.committed, **limits)
        self.front = FastPath(
            world.app,
            world.bridge.webhook_events.receive,
            world.metrics,
            threads=2,
            on_shutdown=lambda: None,
            readers=self.readers,
        )
        self.connections = []

    def _find_heads(self, tenants):
        heads = self.world.bridge.changes.find_heads(tenants)
        self.looks += 1
        return heads

    def latest(self, tenant="acme"):
        return self.world.bridge.changes.find_heads([tenant])[tenant]

    async def ask(self, query, *, token=None, role=Role.ADMIN, **headers):
        """The connection on which it was asked; the answer may not be there yet."""
        bearer = token or self.world.token(role)
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"GET /api/changes?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n{more}\r\n"
        connection = Connection(self.front)
        self.connections.append(connection)
        await connection.send([head.encode()])
        return connection

    async def wait_for(self, count):
        """Until so many readers wait."""
        await until(lambda: self.readers.waiting == count)

    async def put_order(self, number=1001, tenant="acme"):
        await asyncio.to_thread(
            self.world.ask, "PUT", f"/api/sales-orders/{number}", _order(number), tenant=tenant
        )


def _order(number):
    return {
        "number": f"SO-{number}",
        "currency": "eur",
        "total_in_cents": 100,
        "customer": {"id": 77, "name": "Jenny Rosen", "email": "jenny@example.com"},
        "lines": [{"description": "Oak table", "quantity": "1", "amount_in_cents": 100}],
        "updated_at": "2026-11-23T10:00:00Z",
    }


async def until(condition):
    """In the event loop, which goes on meanwhile."""
    await asyncio.to_thread(wait_until, condition)


async def page_of(connection):
    ((answer, body),) = await connection.wire.answers()
    assert answer.status == 200, body
    return json.loads(body)


def waiting(talk, world=None, **limits):
    """Run the talk with a front of its own."""

    async def talked():
        here = Waiting(world or World(), **limits)
        here.world.token()
        try:
            return await talk(here)
        finally:
            here.front.shutting_down()
            for connection in here.connections:
                await connection.end()
            here.front.close()

    return asyncio.run(talked())


def test_a_reader_waits_until_something_is_recorded():
    async def talk(here):
        latest = here.latest()
        reader = await here.ask(f"after={latest}&wait={LONG}")
        await here.wait_for(1)
        assert not reader.wire.written
        await here.put_order()
        page = await page_of(reader)
        assert [each["type"] for each in page["data"]] == ["sales_order.created"]
        assert page["after"] == latest

    waiting(talk)


def test_who_has_something_to_read_does_not_wait():
    async def talk(here):
        assert (await page_of(await here.ask(f"wait={LONG}")))["data"]

    waiting(talk)


def test_when_the_time_is_up_the_page_is_empty():
    async def talk(here):
        latest = here.latest()
        page = await page_of(await here.ask(f"after={latest}&wait=1"))
        assert (page["data"], page["next_after"]) == ([], latest)

    waiting(talk)


def test_what_other_tenants_record_wakes_nobody():
    async def talk(here):
        reader = await here.ask(f"after={here.latest()}&wait={LONG}")
        await here.wait_for(1)
        here.world.token(tenant="other")
        await here.put_order(tenant="other")
        looks = here.looks
        await until(lambda: here.looks >= looks + 3)
        assert not reader.wire.written

    waiting(talk)


def test_a_filter_is_waited_for_until_it_matches_and_what_was_passed_over_is_said():
    async def talk(here):
        latest = here.latest()
        reader = await here.ask(f"after={latest}&type=token.*&wait={LONG}")
        await here.wait_for(1)
        await here.put_order(1001)
        await here.put_order(1002)
        (waiter,) = here.readers._waiting
        await until(lambda: waiter.query.after == here.latest())
        assert not reader.wire.written
        await asyncio.to_thread(here.world.token, Role.MEMBER)
        page = await page_of(reader)
        assert [each["type"] for each in page["data"]] == ["token.created"]
        assert page["after"] == latest

    waiting(talk)


def test_who_has_not_been_shown_the_end_of_the_log_does_not_wait_for_it_to_grow():
    """A page passes over only so many."""

    async def talk(here):
        with here.world.store.writing() as work:
            for number in range(6000):
                work.acts.add(an_act(number))
            work.commit()
        reader = await here.ask(f"after=1&type=invoice.*&wait={LONG}")
        ((answer, body),) = await reader.wire.answers()
        page = json.loads(body)
        assert page["data"] == []
        assert 1 < page["next_after"] < page["latest"]
        # Had it wanted to wait, it would have been refused.
        assert answer.getheader("retry-after") is None

    waiting(talk, most=0)


def an_act(number):
    return Change(
        type=ChangeType.WEBHOOK_EVENT_REPLAYED,
        subject_type=SubjectType.WEBHOOK_EVENT,
        subject_id=number,
        origin=SERVICE,
        object={},
        tenant_id="acme",
    )


def test_a_commit_in_this_process_is_heard_of_at_once():
    """Without the nudge, nothing would be looked at again in this test."""

    async def talk(here):
        reader = await here.ask(f"after={here.latest()}&wait={LONG}")
        await until(lambda: here.looks == 1)
        await here.put_order()
        here.committed({"acme": here.latest()})
        assert (await page_of(reader))["data"]

    waiting(talk, poll=3600.0)


def test_a_token_that_was_revoked_meanwhile_reads_nothing():
    async def talk(here):
        access = here.world.bridge.access
        issued = access.create_token(tenant_id="acme", role=Role.VIEWER, user_id=None, label="x")
        reader = await here.ask(f"after={here.latest()}&wait={LONG}", token=issued.secret)
        await here.wait_for(1)
        await asyncio.to_thread(access.revoke_token, issued.token.id)
        ((answer, _),) = await reader.wire.answers()
        assert answer.status == 401

    waiting(talk)


def test_an_answer_that_came_late_has_all_that_others_have():
    async def talk(here):
        reader = await here.ask(f"after={here.latest()}&wait={LONG}", **{"X-Request-Id": "mine"})
        await here.wait_for(1)
        await here.put_order()
        ((late, _),) = await reader.wire.answers()
        ((at_once, _),) = await (await here.ask("", **{"X-Request-Id": "mine"})).wire.answers()
        for name in ("x-request-id", "content-type", "cache-control", "x-content-type-options"):
            assert late.getheader(name) == at_once.getheader(name)

    waiting(talk)


def test_a_waiting_request_is_counted_and_logged_once(caplog):
    async def talk(here):
        reader = await here.ask(f"after={here.latest()}&wait={LONG}")
        await here.wait_for(1)
        await here.put_order()
        await reader.wire.answers()
        return here.world

    with caplog.at_level("INFO"):
        world = waiting(talk)
    logged = [each for each in caplog.records if getattr(each, "route", None) == "/api/changes"]
    assert [each.status for each in logged] == [200]
    assert 'route="/api/changes",status="200"} 1.0' in world.metrics.render(None).decode()


def test_the_rate_limit_counts_a_waiting_request_once():
    async def talk(here):
        for _ in range(998):
            here.world.ask("GET", "/api/changes?limit=1")
        reader = await here.ask(f"after={here.latest()}&wait={LONG}")
        await here.wait_for(1)
        await here.put_order()
        # That was the thousandth.
        assert (await page_of(reader))["data"]
        problem(here.world.ask("GET", "/api/changes?limit=1"), 429)

    waiting(talk)


@pytest.mark.parametrize("limits", [{"most": 2}, {"most_of_token": 2}])
def test_at_the_limit_the_next_one_is_answered_at_once_and_the_log_says_so(limits, caplog):
    async def talk(here):
        latest = here.latest()
        for _ in range(2):
            await here.ask(f"after={latest}&wait={LONG}")
        await here.wait_for(2)
        refused = await here.ask(f"after={latest}&wait={LONG}")
        ((answer, body),) = await refused.wire.answers()
        assert (answer.status, answer.getheader("retry-after")) == (200, "5")
        assert json.loads(body)["data"] == []

    waiting(talk, **limits)
    (record,) = [each for each in caplog.records if "at their limit" in each.message]
    assert (record.waiting, record.of_token) == (2, 2)


def test_another_token_has_places_of_its_own():
    async def talk(here):
        viewer = here.world.token(Role.VIEWER)
        latest = here.latest()
        await here.ask(f"after={latest}&wait={LONG}")
        await here.ask(f"after={latest}&wait={LONG}", token=viewer)
        await here.wait_for(2)

    waiting(talk, most_of_token=1)


def test_whoever_hangs_up_gives_his_place_back():
    async def talk(here):
        latest = here.latest()
        for _ in range(3):
            reader = await here.ask(f"after={latest}&wait={LONG}")
            await here.wait_for(1)
            await reader.end()
            await here.wait_for(0)
        here.connections.clear()

    waiting(talk, most=1)


def test_at_a_shutdown_all_are_answered_with_an_empty_page():
    async def talk(here):
        latest = here.latest()
        readers = [await here.ask(f"after={latest}&wait={LONG}") for _ in range(20)]
        await here.wait_for(20)
        readers[0].protocol.shutdown()
        for reader in readers:
            page = await page_of(reader)
            assert (page["data"], page["next_after"]) == ([], latest)
        late = await here.ask(f"after={latest}&wait={LONG}")
        assert (await page_of(late))["data"] == []

    waiting(talk)


def test_while_the_database_does_not_answer_readers_go_on_waiting():
    async def talk(here):
        reader = await here.ask(f"after={here.latest()}&wait={LONG}")
        await here.wait_for(1)
        here.world.store.is_available = False
        await until(lambda: here.readers._is_failing)
        here.world.store.is_available = True
        await here.put_order()
        assert (await page_of(reader))["data"]

    waiting(talk)


@pytest.mark.slow
def test_a_thousand_readers_take_no_threads_and_keep_no_webhook_waiting():
    async def talk(here):
        create = here.world.bridge.access.create_token
        issued = [create(tenant_id="many", role=Role.VIEWER, user_id=None, label="x") for _ in range(20)]
        here.world.token(tenant="many")
        webhook = Connection(here.front)
        for number, token in enumerate(issued, start=1):
            for _ in range(50):
                await here.ask(f"after={here.latest('many')}&wait={LONG}", token=token.secret)
            await here.wait_for(number * 50)
            for event in range(10):
                webhook.wire.written = b""
                await webhook.send([a_webhook(here.world, number * 100 + event)])
                ((answer, _),) = await webhook.wire.answers()
                assert answer.status == 200
        assert here.readers.waiting == 1000
        assert threading.active_count() < 30
        await here.put_order(tenant="many")
        bodies = set()
        for reader in here.connections:
            ((answer, body),) = await reader.wire.answers()
            assert answer.status == 200
            bodies.add(body)
        assert len(bodies) == 1
        await webhook.end()

    waiting(talk)


def a_webhook(world, number):
    payload = an_event_payload(id_=f"evt_{number}")
    signature = sign(payload, "whsec_platform", world.clock.now())
    head = f"POST /api/webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: {signature}\r\n"
    return f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload


def test_readers_of_the_same_are_looked_up_together():
    """A thousand with the same filter cost one look."""
    asked = []

    def skip(query):
        asked.append(query)
        return 7, False

    async def talk():
        readers = WaitingReaders(lambda tenants: dict.fromkeys(tenants, 7), skip, CommittedChanges())
        query = FeedQuery(tenant_id="acme", after=3, sales_order_id=1)
        limits = [1, 100, 500]
        places: list[Any] = [readers.admit("t", replace(query, limit=each), 5.0) for each in limits]
        tasks = [asyncio.create_task(each.over()) for each in places]
        await until(lambda: all(each.query.after == 7 for each in places))
        readers.dismiss()
        await asyncio.gather(*tasks)
        readers.close()

    asyncio.run(talk())
    assert len(asked) == 1


def test_a_fault_of_the_database_is_logged_once(caplog):
    def fail(_tenants):
        raise StoreUnavailable

    async def talk():
        readers = WaitingReaders(fail, lambda query: (query.after, False), CommittedChanges())
        place: Any = readers.admit("t", FeedQuery(tenant_id="acme"), 0.6)
        await place.over()
        readers.close()

    asyncio.run(talk())
    assert [each.message for each in caplog.records] == ["changes are not watched"]
