import getpass

import pytest

from stripe_bridge.adapters.cli.operator import operator
from stripe_bridge.domain.actor import Actor, ActorType


def operator_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Actor:
    for name in ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return operator()


def test_the_operator_is_whoever_is_logged_in_also_behind_sudo(monkeypatch: pytest.MonkeyPatch):
    assert operator_of(monkeypatch, LOGNAME="bob") == Actor(type=ActorType.OPERATOR, id="bob")
    assert operator_of(monkeypatch, LOGNAME="root", SUDO_USER="alice").id == "alice"


def test_an_operator_without_a_name_is_an_operator(monkeypatch: pytest.MonkeyPatch):
    """As in a container whose user has a number only."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert operator_of(monkeypatch).id is None
