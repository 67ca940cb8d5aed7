"""What every signer promises."""

from dataclasses import replace

import pytest

from stripe_bridge.adapters.vault import HmacSigner, new_key
from stripe_bridge.domain.provenance import Signature
from stripe_bridge.ports.signer import Signer
from tests.fakes.signer import FakeSigner

KEYS = [new_key() for _ in range(3)]


def hmac(newest: int, *others: int, retired: tuple[int, ...] = ()) -> Signer:
    return HmacSigner([KEYS[number] for number in (newest, *others)], [KEYS[number] for number in retired])


def fake(newest: int, *others: int, retired: tuple[int, ...] = ()) -> Signer:
    return FakeSigner(*(f"key-{number}" for number in (newest, *others, *retired)))


@pytest.fixture(params=[hmac, fake])
def signer_of(request: pytest.FixtureRequest):
    """Makes a signer with some of three keys, the newest first."""
    return request.param


def test_what_was_signed_can_be_verified(signer_of):
    signer = signer_of(0)
    assert signer.verify(b"text", signer.sign(b"text"))


def test_another_text_does_not_have_the_signature(signer_of):
    signer = signer_of(0)
    assert not signer.verify(b"other", signer.sign(b"text"))


@pytest.mark.parametrize("value", ["", "0" * 64, "no hex", "é", "\udc80"])
def test_a_made_up_signature_is_worth_nothing(signer_of, value):
    signer = signer_of(0)
    assert not signer.verify(b"text", replace(signer.sign(b"text"), value=value))


def test_a_key_signs_the_same_text_alike(signer_of):
    assert signer_of(0).sign(b"text") == signer_of(0, 1).sign(b"text")


def test_older_and_retired_keys_verify_but_do_not_sign(signer_of):
    old, older = signer_of(1).sign(b"text"), signer_of(2).sign(b"text")
    signer = signer_of(0, 1, retired=(2,))
    assert signer.verify(b"text", old)
    assert signer.verify(b"text", older)
    assert signer.sign(b"text").key == signer_of(0).sign(b"text").key
    assert signer.has_key(old.key)
    assert signer.has_key(older.key)


def test_a_key_that_is_not_configured_verifies_nothing(signer_of):
    signature = signer_of(1).sign(b"text")
    assert not signer_of(0).verify(b"text", signature)
    assert not signer_of(0).has_key(signature.key)


def test_the_name_of_a_key_does_not_make_another_keys_signature_valid(signer_of):
    ours, theirs = signer_of(0), signer_of(1)
    forged = Signature(ours.sign(b"text").key, theirs.sign(b"text").value)
    assert not signer_of(0, 1).verify(b"text", forged)
