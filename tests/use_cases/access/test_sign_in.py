from dataclasses import replace

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.console_session import Person
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.sign_in_provider import PendingSignIn
from stripe_bridge.use_cases.access import Access
from tests.builders import TENANT
from tests.world import World

JANE = Person(name="u-7", tenant_id=TENANT, role=Role.MEMBER, is_vouched_for=True)
PENDING = PendingSignIn(url="https://id.example/authorize", state="s-1", nonce="n", code_verifier="v")


class FakeSignInProvider:
    """Vouches for Jane, whatever the code is."""

    issuer = "https://id.example"

    def __init__(self) -> None:
        self.codes: list[str] = []

    def begin(self) -> PendingSignIn:
        return PENDING

    def complete(self, code: str, pending: PendingSignIn) -> Person:
        assert pending == PENDING
        self.codes.append(code)
        return JANE


@pytest.fixture
def provider() -> FakeSignInProvider:
    return FakeSignInProvider()


@pytest.fixture
def access(provider: FakeSignInProvider) -> Access:
    def with_provider(adapters: Adapters) -> Adapters:
        return replace(adapters, sign_in_provider=provider)

    world = World()
    world.restart(with_provider)
    found: Access = world.bridge.access
    return found


def test_whoever_comes_back_from_the_provider_has_a_session(access: Access):
    assert access.begin_sign_in.issuer == "https://id.example"
    begun = access.complete_sign_in(pending=access.begin_sign_in(), code="c", state="s-1")
    session = access.authenticate_console(begun.secret)
    assert (session.name, session.tenant_id, session.role) == ("u-7", TENANT, Role.MEMBER)
    assert session.is_vouched_for


@pytest.mark.parametrize(
    "answer",
    [
        {"code": "c", "state": "s-2"},
        {"code": "c", "state": ""},
        {"code": "c", "state": "s-é"},
        {"code": "", "state": "s-1"},
        {"code": "c", "state": "s-1", "issuer": "https://evil.example"},
    ],
)
def test_an_answer_to_another_question_is_not_even_redeemed(access, provider, answer):
    with pytest.raises(Unauthenticated):
        access.complete_sign_in(pending=PENDING, **answer)
    assert provider.codes == []
    assert access.list_console_sessions() == []


def test_an_answer_may_say_from_whom_it_is(access: Access):
    access.complete_sign_in(pending=PENDING, code="c", state="s-1", issuer="https://id.example")


def test_without_a_provider_nobody_signs_in_by_one():
    access = World().bridge.access
    assert access.begin_sign_in.issuer is None
    with pytest.raises(Unauthenticated):
        access.begin_sign_in()
    with pytest.raises(Unauthenticated):
        access.complete_sign_in(pending=PENDING, code="c", state="s-1")
