"""What every vault promises."""

import pytest

from stripe_bridge.adapters.vault import FernetVault, new_key
from stripe_bridge.ports.vault import SealBroken, Vault
from tests.fakes.vault import FakeVault

KEYS = [new_key() for _ in range(3)]


def fernet(*numbers: int) -> Vault:
    return FernetVault([KEYS[number] for number in numbers])


def fake(*numbers: int) -> Vault:
    return FakeVault(*(f"key-{number}" for number in numbers))


@pytest.fixture(params=[fernet, fake])
def vault_of(request: pytest.FixtureRequest):
    """Makes a vault with some of three keys, the newest first."""
    return request.param


@pytest.mark.parametrize("secret", ["whsec_abc", "", "schlüssel 🔑", "xy" * 5_000])
def test_what_was_sealed_can_be_opened(vault_of, secret):
    vault = vault_of(0)
    sealed = vault.seal(secret)
    assert vault.open(sealed) == secret
    assert not secret or secret not in sealed


def test_an_older_key_still_opens(vault_of):
    sealed = vault_of(1).seal("whsec_abc")
    assert vault_of(0, 1).open(sealed) == "whsec_abc"


def test_resealing_moves_to_the_newest_key(vault_of):
    resealed = vault_of(0, 1).reseal(vault_of(1).seal("whsec_abc"))
    assert vault_of(0).open(resealed) == "whsec_abc"
    with pytest.raises(SealBroken):
        vault_of(1).open(resealed)


@pytest.mark.parametrize("action", ["open", "reseal"])
def test_what_none_of_the_keys_sealed_is_refused(vault_of, action):
    sealed = vault_of(0).seal("whsec_abc")
    for broken in (sealed[:-1], "nonsense", "", "schlüssel"):
        if vault_of is fernet or broken != sealed[:-1]:
            with pytest.raises(SealBroken):
                getattr(vault_of(0), action)(broken)
    with pytest.raises(SealBroken):
        getattr(vault_of(1, 2), action)(sealed)


def test_fingerprints_distinguish_keys_newest_first_and_are_the_same_in_every_process(vault_of):
    first, second, third = (vault_of(number).fingerprints()[0] for number in range(3))

    assert len({first, second, third}) == 3
    assert list(vault_of(2, 0).fingerprints()) == [third, first]
    assert not any(key in fingerprint for key in KEYS for fingerprint in (first, second, third))


@pytest.mark.parametrize("keys", [[], ["short"], [KEYS[0], "not a key at all"], [""], ["ü" * 44]])
def test_a_bad_key_is_refused_with_help_and_without_showing_it(keys):
    with pytest.raises(ValueError, match="stripe-bridge keys generate") as refusal:
        FernetVault(keys)
    assert not any(key and key in str(refusal.value) for key in keys)
