"""The machine's randomness and identifiers."""

import re

from stripe_bridge.adapters.system import SystemIdentifiers, SystemRandomness


def test_jitter_lies_between_nothing_and_all_of_it():
    throws = {SystemRandomness().jitter() for _ in range(50)}
    assert len(throws) > 1
    assert all(0 <= throw <= 1 for throw in throws)


def test_references_are_new_and_fit_where_stripe_keeps_them():
    references = {SystemIdentifiers().reference() for _ in range(50)}
    assert len(references) == 50
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", reference) for reference in references)


def test_secrets_are_new_url_safe_and_of_256_bits():
    secrets = {SystemIdentifiers().secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)
