"""Bearer JWTs against a provider that publishes its keys over HTTP."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.identity import ClaimNames, JwtIdentityProvider, JwtTrust
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.identity_provider import IdentityProviderUnavailable
from stripe_bridge.ports.system import Clock
from tests.adapters.identity.provider import AUDIENCE, ISSUER, Provider
from tests.fakes.system import FrozenClock


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as started:
        yield started


def trusting(url: str, clock: Clock | None = None) -> JwtIdentityProvider:
    return JwtIdentityProvider(
        JwtTrust(
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks_url=url,
            claim_names=ClaimNames(tenant="tenant", role="role", user="user_id"),
        ),
        clock or AnchoredClock(),
    )


def test_a_good_token_acts_for_its_tenant_role_and_user(provider: Provider):
    principal = trusting(provider.url).principal(provider.token())
    assert (principal.tenant_id, principal.role, principal.user_id) == ("acme", Role.MEMBER, 7)


def test_a_user_may_come_back_with_a_fresh_token_and_is_the_same(provider: Provider):
    identity = trusting(provider.url)
    first, second = (identity.principal(provider.token(jti=str(number))) for number in range(2))
    assert first.token_id == second.token_id


def test_no_two_users_are_the_same_whatever_tenants_and_subjects_are_called(provider: Provider):
    identity = trusting(provider.url)
    users = [("org", "1:jane"), ("org:1", "jane"), ("org%3A1", "jane"), ("org%253A1", "jane")]
    tokens = [provider.token(tenant=tenant, sub=subject) for tenant, subject in users]
    assert len({identity.principal(token).token_id for token in tokens}) == len(users)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"user_id": "12"}, 12),
        ({"user_id": "ann"}, None),
        ({"user_id": None}, None),
        ({"user_id": True}, None),
        ({"user_id": "9" * 5_000}, None),
    ],
)
def test_a_user_id_is_a_number_or_none(provider: Provider, claims: dict[str, Any], expected: int | None):
    assert trusting(provider.url).principal(provider.token(**claims)).user_id == expected


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com/"},
        {"aud": "another-service"},
        {"exp": None},
        {"sub": None},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": 5},
        {"tenant": "x" * 65},
        {"tenant": "a\0b"},
        {"tenant": "\ud800"},
        {"sub": "a\0b"},
        {"sub": "x" * 256},
        {"role": None},
        {"role": "owner"},
        {"role": ["admin"]},
    ],
)
def test_a_token_that_does_not_say_all_we_need_is_refused(provider: Provider, claims: dict[str, Any]):
    with pytest.raises(Unauthenticated):
        trusting(provider.url).principal(provider.token(**claims))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -120), ("nbf", 600)])
def test_a_token_that_has_expired_or_is_not_valid_yet_is_refused(
    provider: Provider, claim: str, seconds: int
):
    claims: dict[str, Any] = {claim: int(time.time()) + seconds}
    with pytest.raises(Unauthenticated):
        trusting(provider.url).principal(provider.token(**claims))


def test_times_in_a_token_count_by_the_clock_of_this_process_not_of_its_host(provider: Provider):
    clock = FrozenClock()
    now, identity = int(clock.now().timestamp()), trusting(provider.url, clock)
    good: dict[str, Any] = {"iat": now, "nbf": now, "exp": now + 60}
    assert identity.principal(provider.token(**good)).user_id == 7
    for wrong in ({"exp": now - 31}, {"nbf": now + 31}, {"iat": now + 31}):
        with pytest.raises(Unauthenticated):
            identity.principal(provider.token(**(good | wrong)))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("time_", ["soon", True, float("nan"), float("inf"), [1]])
def test_a_time_that_is_none_is_refused(provider: Provider, claim: str, time_: object):
    claims: dict[str, Any] = {claim: time_}
    with pytest.raises(Unauthenticated):
        trusting(provider.url).principal(provider.token(**claims))


def test_a_token_of_another_key_is_refused(provider: Provider):
    with pytest.raises(Unauthenticated):
        trusting(provider.url).principal(provider.token(key=ec.generate_private_key(ec.SECP256R1())))


def test_a_token_of_another_algorithm_than_its_key_is_refused(provider: Provider):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    identity = trusting(provider.url)
    for token in (
        provider.token(key=other, algorithm="RS256"),
        provider.token(key="x" * 40, algorithm="HS256"),
        jwt.encode({"sub": "u"}, "", algorithm="none"),
        "no token at all",
    ):
        with pytest.raises(Unauthenticated):
            identity.principal(token)


def test_unknown_key_ids_do_not_make_us_fetch_again_and_again(provider: Provider):
    identity = trusting(provider.url)
    identity.principal(provider.token())
    for number in range(5):
        with pytest.raises(Unauthenticated):
            identity.principal(provider.token(kid=f"unknown-{number}"))
    assert provider.fetches <= 2


def test_a_provider_that_does_not_answer_says_nothing_about_the_token(provider: Provider):
    token = provider.token()
    with pytest.raises(IdentityProviderUnavailable):
        trusting("http://127.0.0.1:9/jwks.json").principal(token)


@pytest.mark.slow
def test_a_silent_provider_is_not_waited_for_by_one_request_after_the_other(provider: Provider):
    identity = trusting(provider.url)
    provider.may_answer.clear()
    for _ in range(3):
        with pytest.raises(IdentityProviderUnavailable):
            identity.principal(provider.token())
    assert provider.fetches == 1


@pytest.mark.parametrize("answer", [b"<html>", b"\xff", b"[]", b'{"keys": []}'])
def test_an_answer_without_keys_says_nothing_about_the_token(provider: Provider, answer: bytes):
    provider.answer = answer
    with pytest.raises(IdentityProviderUnavailable):
        trusting(provider.url).principal(provider.token())


def test_a_connection_that_breaks_says_nothing_about_the_token(provider: Provider):
    provider.breaks_off = True
    with pytest.raises(IdentityProviderUnavailable):
        trusting(provider.url).principal(provider.token())
