"""Settling, with a step that is scripted, on a store in memory."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.domain.intent import Intent, LeasePolicy, Operation
from stripe_bridge.use_cases.intents.settle import SettleIntent
from tests.builders import an_integration, an_intent
from tests.fakes.steps import ScriptedStep
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.system import FixedRandomness, FrozenClock
from tests.fakes.tracing import RecordingTracing


class Settling:
    """Intents are planned by `plan`, and by `leased` if another worker has leased them already."""

    def __init__(
        self, calls: Callable[[Intent], Any] = lambda _: "done", *, effect: str | None = None
    ) -> None:
        self.store, self.clock, self.tracing = FakeStore(), FrozenClock(), RecordingTracing()
        self.step = ScriptedStep(calls, effect=effect)
        self.leases = LeasePolicy(lease=timedelta(seconds=60), settle_after=timedelta(seconds=60))
        self.settle = SettleIntent(
            self.store,
            self.clock,
            FixedRandomness(),
            {Operation.CREATE_DRAFT: self.step},
            self.leases,
            PrometheusMetrics(),
            self.tracing,
        )
        with self.store.writing() as work:
            self.integration_id = work.integrations.add(an_integration()).id
            work.commit()

    def plan(self, **changes: Any) -> Intent:
        """Due now. One call, about an invoice of its own unless `subject` says otherwise."""
        now = self.clock.now()
        planned = an_intent(**{"created_at": now, "updated_at": now, "due_at": now} | changes)
        with self.store.writing() as work:
            added = work.intents.add(planned)
            work.commit()
        return added

    def leased(self, lease: timedelta | None = None, **changes: Any) -> Intent:
        policy = self.leases if lease is None else LeasePolicy(lease=lease)
        planned = self.plan(**changes)
        return self.save(planned.lease(self.clock.now(), policy))

    def save(self, intent: Intent) -> Intent:
        with self.store.writing() as work:
            saved = work.intents.save(intent)
            work.commit()
        return saved

    def find(self, intent_id: int) -> Intent:
        with self.store.reading() as work:
            found = work.intents.find(intent_id)
        assert found is not None
        return found
