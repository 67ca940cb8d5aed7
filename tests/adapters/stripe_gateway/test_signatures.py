"""How old a signature may be, to the second, by the clock of this process; and that our own check agrees with the SDK."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.adapters.stripe_gateway.signatures import TOLERANCE, StripeSignatures
from stripe_bridge.domain.errors.outcomes import SignatureInvalid
from tests.fakes.system import FrozenClock

SIGNED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET, PAYLOAD = "whsec_1", '{"id": "evt_1"}'


def test_a_signature_is_good_for_five_minutes_and_not_a_second_longer():
    header = stripe.WebhookSignature.generate_signature_header(PAYLOAD, SECRET, int(SIGNED_AT.timestamp()))
    clock = FrozenClock(SIGNED_AT + timedelta(seconds=TOLERANCE))
    signatures = StripeSignatures(clock)
    assert signatures.check(PAYLOAD.encode(), header, [SECRET]) == SECRET
    clock.advance(seconds=1)
    with pytest.raises(SignatureInvalid):
        signatures.check(PAYLOAD.encode(), header, [SECRET])


@pytest.mark.parametrize("shape", ["{}", " {}"])
def test_the_clock_of_the_host_neither_refuses_nor_lets_in(shape: str):
    signatures = StripeSignatures(FrozenClock(SIGNED_AT))

    @given(st.integers(-86_400, 86_400))
    def holds(host_ahead: int) -> None:
        host.move_to(SIGNED_AT + timedelta(seconds=host_ahead))
        for age, is_let_in in ((0, True), (TOLERANCE, True), (TOLERANCE + 1, False)):
            header = stripe.WebhookSignature.generate_signature_header(PAYLOAD, SECRET, NOW - age)
            # The second form is one that only the SDK reads.
            given_header = header if shape == "{}" else header + ",v2=x"
            try:
                signatures.check(PAYLOAD.encode(), given_header, [SECRET])
            except SignatureInvalid:
                assert not is_let_in
            else:
                assert is_let_in

    # Once, not for each example: it goes through all modules that are imported.
    with freeze_time(SIGNED_AT) as host:
        holds()


NOW = int(SIGNED_AT.timestamp())
# Around what is too old, and far from it.
TIMES = st.integers(NOW - TOLERANCE - 2, NOW + 2) | st.just(0) | st.just(10**13)
SECRETS = st.sampled_from([SECRET, "whsec_2", "", " "])


def says_the_sdk(payload: bytes, header: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(payload, header, secret, TOLERANCE)
    except Exception:
        return False
    return True


def says(payload: bytes, header: str, secret: str) -> bool:
    try:
        return StripeSignatures(FrozenClock(SIGNED_AT)).check(payload, header, [secret]) == secret
    except SignatureInvalid:
        return False


@freeze_time(SIGNED_AT)
@given(
    st.text(),
    TIMES,
    SECRETS,
    SECRETS,
    st.sampled_from(["{}", "{},v0={v0}", "v0={v0},{}", "{},v1={v0}", " {}", "{}\n", "{},"]),
)
def test_what_is_signed_is_judged_as_the_sdk_judges_it(text, at, signer, secret, shape):
    header = stripe.WebhookSignature.generate_signature_header(text, signer, at)
    header = shape.format(header, v0="0" * 64)
    assert says(text.encode(), header, secret) == says_the_sdk(text.encode(), header, secret)


@freeze_time(SIGNED_AT)
@given(st.binary(), st.from_regex(r"\At=[0-9]{0,3},v1=[0-9a-f]{0,66}\Z") | st.text(), SECRETS)
def test_what_is_not_signed_is_refused_as_the_sdk_refuses_it(payload, header, secret):
    assert says(payload, header, secret) == says_the_sdk(payload, header, secret)
