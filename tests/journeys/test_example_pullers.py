"""The ERPs behind firewalls of docs/receiving-changes.md: they ask, and miss nothing whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import SQLITE, on
from tests.journeys.people import Erp, data_of
from tests.servers.example_receivers import CurlPuller, Held, Puller, PythonPuller, require
from tests.servers.relay import CUT_AFTER, CUT_BEFORE, FAIL_AFTER, Relay
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, on(SQLITE)]


@pytest.fixture(params=[PythonPuller, CurlPuller])
def puller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Puller]:
    require(*request.param.needs)
    example = request.param(tmp_path)
    yield example
    example.kill()


@pytest.fixture
def mishaps() -> list[str]:
    """What happens to the next requests."""
    return []


@pytest.fixture
def relay(erp: Erp, mishaps: list[str]) -> Iterator[Relay]:
    with Relay(erp.stack.url, lambda: mishaps.pop(0) if mishaps else None) as started:
        yield started


def feed(erp: Erp, after: int = 0) -> Held:
    answer = erp.ask("GET", "/api/changes", params={"after": after, "limit": 500})
    return [(each["sequence"], each["hash"]) for each in answer.json()["data"]]


def test_it_learns_of_a_payment_by_waiting_though_answers_are_lost_and_it_is_killed(
    erp: Erp, puller: Puller, relay: Relay, mishaps: list[str]
):
    token = erp.token(Role.VIEWER)
    integration = erp.connect()
    erp.new_order()
    mishaps[:] = [CUT_BEFORE, FAIL_AFTER, CUT_AFTER]
    puller.start(relay.url, token)
    wait_until(lambda: puller.held() == feed(erp))
    invoice = erp.sent(integration)
    puller.kill()
    erp.stack.control.pay(invoice["stripe_invoice_id"])
    erp.invoice_with(invoice, status="paid")
    puller.start(relay.url, token)
    wait_until(lambda: puller.held() == feed(erp))
    data_of(erp.refund(invoice), 201)
    wait_until(lambda: puller.held() == feed(erp))
    *_, last = [each.path for each in relay.relayed]
    assert all(f"{name}=" in last for name in ("after", "hash", "log", "wait"))


def test_it_takes_over_the_present_state_when_the_history_is_another(erp: Erp, puller: Puller, relay: Relay):
    token = erp.token(Role.VIEWER)
    integration = erp.connect()
    erp.new_order(1001)
    erp.new_order(1002)
    erp.paid(integration, 1001)
    puller.start(relay.url, token)
    wait_until(lambda: puller.held() == feed(erp))
    puller.kill()
    puller.hold_another_hash()
    erp.sent(integration, 1002)
    latest = feed(erp)[-1][0]
    puller.start(relay.url, token)
    wait_until(lambda: puller.stored_statuses() == ["paid", "open"])
    erp.new_order(1003)
    wait_until(lambda: puller.held()[-1:] == feed(erp)[-1:])
    assert {each.answered for each in relay.relayed if "/api/changes" in each.path} >= {200, 409}
    assert feed(erp, after=latest) == puller.held()[-len(feed(erp, after=latest)) :]


def test_it_takes_over_the_present_state_when_it_was_away_for_too_long(
    erp: Erp, puller: Puller, relay: Relay
):
    token = erp.token(Role.VIEWER)
    integration = erp.connect()
    erp.new_order()
    erp.paid(integration)
    latest = feed(erp)[-1][0]
    with purged_before(erp, latest):
        puller.start(relay.url, token)
        wait_until(lambda: puller.stored_statuses() == ["paid"])
    erp.new_order(1002)
    wait_until(lambda: puller.held() == feed(erp, after=latest))
    assert 410 in {each.answered for each in relay.relayed}


def test_it_ends_when_its_token_is_not_accepted(erp: Erp, puller: Puller):
    puller.start(erp.stack.url, "unknown")
    wait_until(lambda: puller.status is not None)
    assert puller.status != 0
    assert "not accepted" in puller.log.read_text()


@contextmanager
def purged_before(erp: Erp, sequence: int) -> Iterator[None]:
    """As if the objects of all changes before this one had been purged. Not for long: it is a lie that would be found."""
    set_oldest(erp, sequence)
    yield
    set_oldest(erp, 1)


def set_oldest(erp: Erp, sequence: int) -> None:
    engine = create_engine(erp.stack.database_url)
    with engine.begin() as db:
        update = "UPDATE change_heads SET oldest = :oldest WHERE tenant_id = :tenant"
        assert db.execute(text(update), {"oldest": sequence, "tenant": erp.tenant}).rowcount == 1
    engine.dispose()
