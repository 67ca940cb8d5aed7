import time

import pytest
import stripe

from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.stripe_gateway.signatures import StripeSignatures
from stripe_bridge.domain.errors.outcomes import SignatureInvalid
from stripe_bridge.ports.stripe.signatures import Signatures
from tests.fakes.stripe.signatures import FakeSignatures

PAYLOAD = '{"id": "evt_1", "name": "Zoë"}'
SECRET = "whsec_right"


@pytest.fixture(params=[lambda: StripeSignatures(AnchoredClock()), FakeSignatures])
def signatures(request: pytest.FixtureRequest) -> Signatures:
    made: Signatures = request.param()
    return made


def header(secret: str = SECRET, *, payload: str = PAYLOAD, age: int = 0) -> str:
    """The header, signed as Stripe signs."""
    signed: str = stripe.WebhookSignature.generate_signature_header(payload, secret, int(time.time()) - age)
    return signed


def test_the_secret_that_signs_is_named(signatures: Signatures):
    assert signatures.check(PAYLOAD.encode(), header(), ["whsec_other", SECRET]) == SECRET


def test_one_good_signature_among_several_is_enough(signatures: Signatures):
    """While a secret is rolled, Stripe signs with the old and the new one."""
    old = header("whsec_old")
    both = f"{old},{header().partition(',')[2]},v0=abc"

    assert signatures.check(PAYLOAD.encode(), both, [SECRET]) == SECRET


@pytest.mark.parametrize(
    "payload",
    [PAYLOAD.encode() + b" ", PAYLOAD.encode()[:-1], b"", b"\xff\xfe\x00", PAYLOAD.encode("latin-1")],
)
def test_other_bytes_are_not_signed(signatures: Signatures, payload: bytes):
    with pytest.raises(SignatureInvalid):
        signatures.check(payload, header(), [SECRET])


@pytest.mark.parametrize("secrets", [[], ["whsec_other"], [""], [" "], ["whsec_other", ""]])
def test_without_the_right_secret_nothing_passes(signatures: Signatures, secrets: list[str]):
    with pytest.raises(SignatureInvalid):
        signatures.check(PAYLOAD.encode(), header(), secrets)


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_never_counts(signatures: Signatures, secret: str):
    with pytest.raises(SignatureInvalid):
        signatures.check(PAYLOAD.encode(), header(secret), [secret])


@pytest.mark.parametrize("age", [0, 290, -3600])
def test_up_to_five_minutes_old_is_fresh(signatures: Signatures, age: int):
    assert signatures.check(PAYLOAD.encode(), header(age=age), [SECRET]) == SECRET


def test_older_than_five_minutes_is_refused(signatures: Signatures):
    with pytest.raises(SignatureInvalid):
        signatures.check(PAYLOAD.encode(), header(age=302), [SECRET])


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        "",
        "garbage",
        "t=,v1=",
        "t=1",
        "v1=" + "0" * 64,
        "t=x,v1=" + "0" * 64,
        "t={now},v1=é",
        "t={now},v0=" + "0" * 64,
        "t=" + "9" * 5000 + ",v1=" + "0" * 64,
        ",,,===",
    ],
)
def test_a_header_that_makes_no_sense_is_refused(signatures: Signatures, garbage: str | None):
    given = garbage and garbage.replace("{now}", str(int(time.time())))
    with pytest.raises(SignatureInvalid):
        signatures.check(PAYLOAD.encode(), given, [SECRET])
