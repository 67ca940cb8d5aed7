"""Which work is traced. Traces do not pass through the queue: a nudge stands for any number of events and intents, so the
work after it belongs to no single request. The ids of intents and events link one trace to the other."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.webhook_event import StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.tracing import Tracing
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.webhook_events.handlers.handler import Fetched, Handler, HandlerResult

Key = TypeVar("Key")
Result = TypeVar("Result")
UseCase = TypeVar("UseCase")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def find_tracing(environ: Mapping[str, str]) -> Any:
    """The adapter if OpenTelemetry's own variables name a collector, else None.

    Raises ImportError if they do but the libraries are not installed.
    """
    is_off = (
        environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER") == "none"
    )
    if is_off or not any(environ.get(name) for name in _ENDPOINTS):
        return None
    # Not an import statement: the SDK costs memory in every process, and only those who want traces have to install it.
    return importlib.import_module("stripe_bridge.adapters.tracing").OpenTelemetryTracing()


def traced(tracing: Tracing | None, use_case: UseCase, name: str, of: str) -> UseCase:
    """The use case with a span around each call. `of` names the id that is its first argument."""
    if tracing is None:
        return use_case

    def call(id_: int, *args: Any, **kwargs: Any) -> Any:
        with tracing.span(name, {of: id_}):
            return cast(Any, use_case)(id_, *args, **kwargs)

    return cast(UseCase, call)


def traced_settle(tracing: Tracing | None, settle: SettleIntent) -> SettleIntent:
    return settle if tracing is None else cast(SettleIntent, _TracedSettle(settle, tracing))


class _TracedSettle:
    def __init__(self, settle: SettleIntent, tracing: Tracing) -> None:
        self._settle, self._tracing = settle, tracing

    def __call__(self, intent_id: int) -> None:
        with self._tracing.span("settle intent", {"intent.id": intent_id}):
            self._settle(intent_id)

    def take(self, work: UnitOfWork, planned: Intent) -> Intent:
        return self._settle.take(work, planned)

    def go_on(self, taken: Intent) -> None:
        with self._tracing.span("settle intent", {"intent.id": taken.id}):
            self._settle.go_on(taken)


def traced_steps(tracing: Tracing | None, steps: Mapping[Key, Step[Any]]) -> Mapping[Key, Step[Any]]:
    return steps if tracing is None else {key: _TracedStep(step, tracing) for key, step in steps.items()}


def traced_handlers(
    tracing: Tracing | None, handlers: Mapping[str, Handler[Any]]
) -> Mapping[str, Handler[Any]]:
    if tracing is None:
        return handlers
    return {type_: _TracedHandler(handler, tracing) for type_, handler in handlers.items()}


class _TracedStep(Generic[Result]):
    """Traces the two parts that ask Stripe."""

    def __init__(self, step: Step[Result], tracing: Tracing) -> None:
        self._step, self._tracing = step, tracing

    def look(self, intent: Intent) -> Result | None:
        with self._tracing.span(f"look {intent.operation}", _facts(intent)):
            return self._step.look(intent)

    def call(self, intent: Intent) -> Result:
        with self._tracing.span(f"call {intent.operation}", _facts(intent)):
            return self._step.call(intent)

    def confirm(self, work: UnitOfWork, intent: Intent, result: Result) -> Intent | None:
        return self._step.confirm(work, intent, result)

    def refuse(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return self._step.refuse(work, intent, error)


class _TracedHandler(Generic[Result]):
    def __init__(self, handler: Handler[Result], tracing: Tracing) -> None:
        self._handler, self._tracing = handler, tracing

    def apply(
        self, work: UnitOfWork, account_id: str, event: StripeEvent, fetched: Fetched[Result] | None
    ) -> HandlerResult:
        with self._tracing.span(f"apply {event.type}", _about(account_id, event)) as note:
            verdict = self._handler.apply(work, account_id, event, fetched)
            note("event.verdict", type(verdict).__name__)
        return verdict

    def fetch(self, account_id: str, event: StripeEvent) -> Result:
        with self._tracing.span(f"fetch for {event.type}", _about(account_id, event)):
            return self._handler.fetch(account_id, event)


def _facts(intent: Intent) -> dict[str, str | int]:
    return {
        "intent.id": intent.id,
        "intent.subject": intent.subject,
        "intent.revision": intent.revision,
        "stripe.account": intent.account_id or "platform",
    }


def _about(account_id: str, event: StripeEvent) -> dict[str, str | int]:
    return {"stripe.event": event.id, "stripe.account": account_id}
