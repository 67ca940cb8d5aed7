"""An emulator per test, a client on it, and a receiver of webhooks."""

import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from stripe_emulator.server import EmulatorServer
from tests.emulator.receiver import Receiver
from tests.emulator.shop import Shop


@pytest.fixture
def make_emulator() -> Iterator[Callable[..., EmulatorServer]]:
    """Starts emulators with the given settings; EMULATOR_WIRE_LOG names a file that logs their requests."""
    servers: list[EmulatorServer] = []

    def make(**settings: Any) -> EmulatorServer:
        if "EMULATOR_WIRE_LOG" in os.environ:
            settings.setdefault("wire_log", pathlib.Path(os.environ["EMULATOR_WIRE_LOG"]))
        server = EmulatorServer(**{"retry_base": 0.02, "retry_cap": 0.1, "retry_attempts": 4, **settings})
        servers.append(server.start())
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def emulator(make_emulator: Callable[..., EmulatorServer]) -> EmulatorServer:
    return make_emulator()


@pytest.fixture
def platform(emulator: EmulatorServer) -> stripe.StripeClient:
    """The platform's client, acting for itself unless a call says otherwise."""
    return client_of(emulator, emulator.settings.secret_key)


@pytest.fixture
def shop(emulator: EmulatorServer, platform: stripe.StripeClient) -> Shop:
    """A connected merchant."""
    account = emulator.control.create_account("Shop", connected=True)
    return Shop(emulator.control, platform, account["id"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def client_of(emulator: EmulatorServer, key: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        client_id=emulator.settings.client_id,
        base_addresses=emulator.base_addresses,
        max_network_retries=0,
    )


def error_code(error: stripe.StripeError) -> str | None:
    """The code in the body, which the SDK does not pass on with every kind of error."""
    return error.error.code if error.error else None


def header(error: stripe.StripeError, name: str) -> str | None:
    return (error.headers or {}).get(name)
