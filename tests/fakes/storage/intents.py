"""A fake repository of intents, on the tables of one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.recovery import EVERYONE
from stripe_bridge.domain.request_trace import traces_of_intent
from stripe_bridge.ports.metrics import QueueDepth
from stripe_bridge.ports.storage.intents import IntentFilter, Leased
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled
from tests.fakes.storage.tables import Tables, add, page_of, save


class FakeIntents:
    def __init__(self, tables: Tables, recorder: Recorder) -> None:
        self._tables, self._recorder = tables, recorder
        self._intents = tables.intents

    def add(self, intent: Intent) -> Intent:
        assert intent.integration_id is None or self._tables.integrations.find(intent.integration_id), (
            "Its integration is not stored."
        )
        assert intent.invoice_id is None or self._tables.invoices.find(intent.invoice_id), "Nor its invoice."
        if not intent.is_settled and self.find_unsettled(intent.subject):
            raise IntentUnsettled
        assert not self._intents.matching(lambda each: each.reference == intent.reference), (
            "Not a new reference."
        )
        added = add(self._intents, replace(intent, origin=intent.origin or self._recorder.origin))
        for trace in traces_of_intent(added):
            self._tables.request_traces.put(trace, trace)
        return added

    def add_leased(self, intent: Intent) -> Leased:
        holds = self._tables.recovery_holds.matching(
            lambda each: each.released_at is None and each.tenant_id in (EVERYONE, intent.tenant_id)
        )
        return Leased(self.add(intent), may_be_held=bool(holds))

    def find(self, intent_id: int, *, lock: bool = False) -> Intent | None:
        return self._intents.find(intent_id, lock=lock)

    def find_by_reference(self, reference: str) -> Intent | None:
        found = self._intents.matching(lambda each: each.reference == reference)
        return found[0] if found else None

    def find_unsettled(self, subject: str) -> Intent | None:
        found = self._intents.matching(lambda each: each.subject == subject and not each.is_settled)
        return found[0] if found else None

    def is_unsettled_for(self, invoice_id: int) -> bool:
        return bool(
            self._intents.matching(lambda each: each.invoice_id == invoice_id and not each.is_settled)
        )

    def of_invoice(self, invoice_id: int, limit: int) -> Sequence[Intent]:
        return self._intents.matching(lambda each: each.invoice_id == invoice_id)[::-1][:limit]

    def with_references(self, references: Sequence[str]) -> Sequence[Intent]:
        return self._intents.matching(lambda each: each.reference in references)[::-1]

    def unsettled_of_integration(self, integration_id: int) -> Sequence[Intent]:
        return self._intents.matching(
            lambda each: each.integration_id == integration_id and not each.is_settled
        )

    def unsettled_in_account(self, account_id: str) -> Sequence[Intent]:
        found = self._intents.matching(lambda each: each.account_id == account_id and not each.is_settled)
        return sorted(found, key=lambda each: (each.due_at, each.id))

    def due(self, now: datetime, limit: int) -> Sequence[int]:
        due = sorted(
            self._intents.matching(lambda each: each.is_due(now)), key=lambda each: (each.due_at, each.id)
        )
        return [intent.id for intent in due[:limit]]

    def backlog(self, tenant_id: str | None = None) -> QueueDepth:
        unsettled = self._intents.matching(
            lambda each: not each.is_settled and tenant_id in (None, each.tenant_id)
        )
        return QueueDepth(
            by_status=Counter(each.state for each in unsettled),
            oldest_at=min((each.created_at for each in unsettled), default=None),
        )

    def page(self, matching: IntentFilter, request: PageRequest) -> Page[Intent]:
        found = self._intents.matching(
            lambda each: (
                matching.tenant_id in (None, each.tenant_id)
                and matching.integration_id in (None, each.integration_id)
                and (matching.states is None or each.state in matching.states)
                and (matching.operations is None or each.operation in matching.operations)
            )
        )
        return page_of(found, request)

    def save(self, intent: Intent) -> Intent:
        other = self.find_unsettled(intent.subject)
        if not intent.is_settled and other is not None and other.id != intent.id:
            raise IntentUnsettled
        return save(self._intents, intent)
