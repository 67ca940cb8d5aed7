"""How old a signature may be, to the second, by the system's clock."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from freezegun import freeze_time

from stripe_bridge.adapters.stripe_gateway.signatures import TOLERANCE, StripeSignatures
from stripe_bridge.domain.errors import SignatureInvalid

SIGNED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET, PAYLOAD = "whsec_1", '{"id": "evt_1"}'


def test_a_signature_is_good_for_five_minutes_and_not_a_second_longer():
    header = stripe.WebhookSignature.generate_signature_header(PAYLOAD, SECRET, int(SIGNED_AT.timestamp()))
    signatures = StripeSignatures()
    with freeze_time(SIGNED_AT + timedelta(seconds=TOLERANCE)) as clock:
        assert signatures.check(PAYLOAD.encode(), header, [SECRET]) == SECRET
        clock.tick(timedelta(seconds=1))
        with pytest.raises(SignatureInvalid):
            signatures.check(PAYLOAD.encode(), header, [SECRET])
