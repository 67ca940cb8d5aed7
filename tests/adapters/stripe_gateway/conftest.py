from collections.abc import Iterator

import pytest

from tests.adapters.stripe_gateway.scripted_stripe import ScriptedStripe


@pytest.fixture
def stripe_says() -> Iterator[ScriptedStripe]:
    with ScriptedStripe() as server:
        yield server
