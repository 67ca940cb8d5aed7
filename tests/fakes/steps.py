"""A step of an intent whose outcomes are scripted."""

from collections.abc import Callable
from typing import Any

from stripe_bridge.domain.intent import Intent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayError, GatewayRefused


class ScriptedStep:
    """Succeeds, unless `calls` says otherwise: it runs in place of the call. `called` and `checked` are the ids of intents.

    `plan` runs in place of what the step writes, and returns the intent that follows.
    """

    def __init__(
        self, calls: Callable[[Intent], Any] = lambda _: "done", *, effect: str | None = None
    ) -> None:
        self._calls = calls
        self.effect: str | GatewayError | None = effect
        self.called: list[int] = []
        self.checked: list[int] = []
        self.plan: Callable[[UnitOfWork, Intent], Intent | None] = lambda work, intent: None

    def find_effect(self, intent: Intent) -> str | None:
        self.checked.append(intent.id)
        if isinstance(self.effect, GatewayError):
            raise self.effect
        return self.effect

    def call(self, intent: Intent) -> str:
        self.called.append(intent.id)
        return str(self._calls(intent))

    def on_success(self, work: UnitOfWork, intent: Intent, result: str) -> Intent | None:
        return self.plan(work, intent)

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return self.plan(work, intent)
