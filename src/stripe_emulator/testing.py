"""Fixtures for the tests of any project that calls Stripe. In its conftest.py:

    pytest_plugins = ["stripe_emulator.testing"]

docs/emulator.md shows how to use them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from stripe_emulator.server import EmulatorServer

# A failed delivery is tried again at once, and soon given up: a test waits for its end.
_IMPATIENT = {"retry_base": 0.05, "retry_cap": 0.2, "retry_attempts": 4}


@pytest.fixture(scope="session")
def stripe_emulator_settings() -> dict[str, Any]:
    """Override it for another emulator: keyword arguments of `EmulatorServer`, such as `redirect_uris`."""
    return {}


@pytest.fixture(scope="session")
def stripe_emulator_server(stripe_emulator_settings: dict[str, Any]) -> Iterator[EmulatorServer]:
    """One emulator for all tests, on a free port of this machine: its `url` is the same for all of them."""
    with EmulatorServer(**{**_IMPATIENT, **stripe_emulator_settings}) as server:
        yield server


@pytest.fixture
def stripe_emulator(stripe_emulator_server: EmulatorServer) -> Iterator[EmulatorServer]:
    """The emulator as after its start: no customers, no endpoints, no faults, and the real time."""
    yield stripe_emulator_server
    stripe_emulator_server.control.reset()


@pytest.fixture
def stripe_client(stripe_emulator: EmulatorServer) -> stripe.StripeClient:
    """The SDK's client, with the platform's key. It does not retry, so that a test sees the faults that it asked for."""
    return stripe.StripeClient(**stripe_emulator.client_options, max_network_retries=0)


@pytest.fixture
def stripe_module(stripe_emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> EmulatorServer:
    """For code that calls `stripe.Invoice.create(…)`: until the end of the test, the SDK's module-wide settings are ours."""
    monkeypatch.setattr(stripe, "api_key", stripe_emulator.settings.secret_key)
    monkeypatch.setattr(stripe, "client_id", stripe_emulator.settings.client_id)
    for base in ("api_base", "connect_api_base", "upload_api_base", "meter_events_api_base"):
        monkeypatch.setattr(stripe, base, stripe_emulator.url)
    return stripe_emulator


@pytest.fixture
def stripe_account(stripe_emulator: EmulatorServer) -> str:
    """The id of a merchant's account that is connected to the platform and may charge."""
    account: str = stripe_emulator.control.create_account("Shop", connected=True)["id"]
    return account


@pytest.fixture
def stripe_webhooks(stripe_client: stripe.StripeClient) -> Callable[..., str]:
    """`stripe_webhooks(url, *types, connect=False)` has events sent to a URL of yours, and returns the signing secret.

    Without types it is all events; with `connect`, those of connected accounts instead of the platform's own.
    """

    def listen(url: str, *types: Any, connect: bool = False) -> str:
        wanted: list[Any] = list(types) or ["*"]
        endpoint = stripe_client.v1.webhook_endpoints.create(
            {"url": url, "enabled_events": wanted, "connect": connect}
        )
        assert endpoint.secret is not None, "Stripe shows the secret in the answer that creates the endpoint"
        return endpoint.secret

    return listen
