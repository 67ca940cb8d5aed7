"""A step of an intent whose outcomes are scripted."""

from collections.abc import Callable
from typing import Any

from stripe_bridge.domain.intent import Intent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused


class ScriptedStep:
    """Succeeds, unless `calls` says otherwise: it runs in place of the call. `called` and `checked` are the ids of intents."""

    def __init__(
        self, calls: Callable[[Intent], Any] = lambda _: "done", *, effect: str | None = None
    ) -> None:
        self._calls, self.effect = calls, effect
        self.called: list[int] = []
        self.checked: list[int] = []

    def find_effect(self, intent: Intent) -> str | None:
        self.checked.append(intent.id)
        return self.effect

    def call(self, intent: Intent) -> str:
        self.called.append(intent.id)
        return str(self._calls(intent))

    def on_success(self, work: UnitOfWork, intent: Intent, result: str) -> Intent | None:
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None
