"""Which objects are recorded, and which of their fields make a change.

Every field stands in one of the two lists; a test fails for one that stands in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.changes import naming, shown
from stripe_bridge.domain.changes.change import SubjectType
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder

Recorded = Integration | SalesOrder | Invoice | Refund | Dispute | ApiToken
Key = tuple[SubjectType, object]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How one kind of object is recorded.

    `visible` fields make a change, and so do `derived` properties; `hidden` fields do not by themselves. `not_compared` are
    members of the shown object that come from hidden fields alone; of `personal` ones, an entry says only whether they were
    and are set.
    """

    subject_type: SubjectType
    key: Callable[[Any], object]
    subject_id: Callable[[Any], int | str]
    show: Callable[[Any], dict[str, Any]]
    name: Callable[[Any, Any], naming.Names]
    visible: frozenset[str]
    hidden: frozenset[str]
    derived: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    not_compared: frozenset[str] = frozenset({"updated_at"})
    details: Callable[[Any], Mapping[str, object]] = field(default=lambda value: {})

    def key_of(self, value: Any) -> Key:
        return self.subject_type, self.key(value)

    def differs(self, before: Any, after: Any) -> bool:
        return self._compared(before) != self._compared(after)

    def diff(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The members that differ, before and after; of a new object, those that it has. `before` and `after` as shown."""
        then = before or dict.fromkeys(after)
        return {
            name: self._pair(name, then[name], now)
            for name, now in after.items()
            if then[name] != now and name not in self.not_compared
        }

    @cached_property
    def _compared(self) -> Callable[[Any], tuple[Any, ...]]:
        return attrgetter(*sorted(self.visible | self.derived))

    def _pair(self, name: str, before: Any, after: Any) -> list[Any]:
        return [bool(before), bool(after)] if name in self.personal else [before, after]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _id(value: Any) -> int:
    id_: int = value.id
    return id_


INTEGRATION = Kind(
    subject_type=SubjectType.INTEGRATION,
    key=_id,
    subject_id=_id,
    show=shown.shown_integration,
    name=naming.name_integration,
    visible=_names("id tenant_id name livemode connected account_id snapshot disconnected_at created_at"),
    hidden=_names("updated_at sealed_access_token connected_at last_reconciled_at version"),
    personal=_names("email display_name business_name business_url"),
    not_compared=_names("updated_at last_reconciled_at"),
)
SALES_ORDER = Kind(
    subject_type=SubjectType.SALES_ORDER,
    key=lambda order: (order.tenant_id, order.id),
    subject_id=_id,
    show=shown.shown_sales_order,
    name=naming.name_sales_order,
    visible=_names("tenant_id id number currency total paid_elsewhere customer lines created_at submitted"),
    hidden=_names("source_updated_at updated_at"),
    personal=_names("customer lines"),
)
INVOICE = Kind(
    subject_type=SubjectType.INVOICE,
    key=_id,
    subject_id=_id,
    show=shown.shown_invoice,
    name=naming.name_invoice,
    details=naming.invoice_details,
    visible=_names(
        "id tenant_id integration_id sales_order_id sales_order_number user_id stripe_account_id customer_email amount "
        "currency days_until_due created_at status stripe_invoice_id stripe_customer_id stripe_payment_intent_id "
        "stripe_charge_id number amount_paid amount_remaining amount_refunded amount_lost dispute_status "
        "due_date overdue_for finalized_at sent_at paid_at voided_at voided_by last_refunded_at payment_progress "
        "payment_failure_reason metadata"
    ),
    hidden=_names(
        "updated_at customer_id lines hosted_invoice_url invoice_pdf links_made_at links_asked_at failure_reason failure "
        "version confirmed_at confirm_due_at contradicted_at amount_collected"
    ),
    derived=_names("settlement"),
    personal=_names("customer_email metadata"),
)
REFUND = Kind(
    subject_type=SubjectType.REFUND,
    key=_id,
    subject_id=_id,
    show=shown.shown_refund,
    name=naming.name_refund,
    details=naming.refund_details,
    visible=_names(
        "id tenant_id invoice_id account_id amount currency created_at state stripe_refund_id reason failure_reason user_id "
        "source"
    ),
    hidden=_names("updated_at payment_intent_id charge_id reference refusal duplicate_of version"),
)
DISPUTE = Kind(
    subject_type=SubjectType.DISPUTE,
    key=lambda dispute: (dispute.account_id, dispute.stripe_id),
    subject_id=lambda dispute: str(dispute.stripe_id),
    show=shown.shown_dispute,
    name=naming.name_dispute,
    visible=_names(
        "invoice_id account_id stripe_id status amount charge_id payment_intent_id is_charge_refundable opened_at"
    ),
    hidden=_names("version"),
)
TOKEN = Kind(
    subject_type=SubjectType.TOKEN,
    key=_id,
    subject_id=_id,
    show=shown.shown_token,
    name=naming.name_token,
    visible=_names("id tenant_id role user_id label created_at revoked_at"),
    hidden=_names("token_hash"),
    personal=_names("label"),
)

KINDS: Mapping[type[Any], Kind] = {
    Integration: INTEGRATION,
    SalesOrder: SALES_ORDER,
    Invoice: INVOICE,
    Refund: REFUND,
    Dispute: DISPUTE,
    ApiToken: TOKEN,
}
