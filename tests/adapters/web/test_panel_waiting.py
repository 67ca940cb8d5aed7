"""A panel waits for news of its order in the event loop, as readers of the feed do."""

import asyncio

import pytest

from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.adapters.web.waiting_readers import WaitingReaders
from stripe_bridge.domain.access import Role
from stripe_bridge.ports.committed_changes import CommittedChanges
from tests.adapters.web.over_fast_path import Connection
from tests.adapters.web.world import ERP, World
from tests.waiting import wait_until


class Behind:
    """The ERP's page, whose panel waits over a real event loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        changes = world.bridge.changes
        self.readers = WaitingReaders(changes.find_heads, changes.skip_foreign, CommittedChanges(), poll=0.02)
        self.front = FastPath(
            world.app,
            world.bridge.webhook_events.receive,
            world.metrics,
            threads=2,
            on_shutdown=lambda: None,
            readers=self.readers,
        )

    async def wait_for_news(self, session: str) -> Connection:
        latest = self.world.bridge.changes.find_heads(["acme"])["acme"]
        head = f"GET /api/panel?after={latest}&wait=20 HTTP/1.1\r\nHost: x\r\nOrigin: {ERP}\r\n"
        connection = Connection(self.front)
        await connection.send([f"{head}Authorization: Bearer {session}\r\n\r\n".encode()])
        await until(lambda: self.readers.waiting == 1)
        return connection


async def until(condition) -> None:
    """In the event loop, which goes on meanwhile."""
    await asyncio.to_thread(wait_until, condition)


@pytest.fixture
def behind(world):
    world.connect()
    world.put_order()
    behind = Behind(world)
    yield behind
    behind.front.close()


def status_of(connection: Connection) -> bytes:
    return bytes(connection.wire.written).split(b" ")[1]


def test_a_panel_is_told_of_its_own_order_and_of_no_other(behind):
    async def story() -> None:
        connection = await behind.wait_for_news(behind.world.panel_session())
        await asyncio.to_thread(behind.world.put_order, 1002, number="SO-1002")
        assert behind.readers.waiting == 1
        await asyncio.to_thread(behind.world.send, 1)
        await until(lambda: connection.wire.written)
        assert status_of(connection) == b"200"

    asyncio.run(story())


def test_a_session_whose_token_is_revoked_meanwhile_is_told_nothing(behind):
    access = behind.world.bridge.access
    issued = access.create_token(tenant_id="acme", role=Role.ADMIN, user_id=None, label="")
    body = {"sales_order_id": 1001, "origin": ERP}
    made = behind.world.ask("POST", "/api/panel-sessions", body, token=issued.secret)

    async def story() -> None:
        connection = await behind.wait_for_news(made.get_json()["data"]["token"])
        access.revoke_token(issued.token.id)
        await asyncio.to_thread(behind.world.send, 1)
        await until(lambda: connection.wire.written)
        assert status_of(connection) == b"401"

    asyncio.run(story())
