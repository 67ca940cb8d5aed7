"""Fake repositories, on the tables of one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors import (
    IntegrationNotFound,
    InvoiceNotFound,
    NotFound,
    SalesOrderNotFound,
    StaleWrite,
    TokenNotFound,
)
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.intent import invoice_subject
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.receiver import PLATFORM_KINDS, Receiver, ReceiverKind
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.ports.unit_of_work import AccountInUse, PayableInvoiceExists
from tests.fakes.tables import Tables, add, page_of, save

_NOT_LISTED = InvoiceStatus.ABANDONED
_SHOWN_AS_DRAFT = (InvoiceStatus.RESERVED, InvoiceStatus.DRAFT)


class FakeTokens:
    def __init__(self, tables: Tables) -> None:
        self._tokens = tables.tokens

    def add(self, token: ApiToken) -> ApiToken:
        return add(self._tokens, token)

    def find_by_hash(self, token_hash: str) -> ApiToken | None:
        return next(iter(self._tokens.matching(lambda token: token.token_hash == token_hash)), None)

    def all(self) -> Sequence[ApiToken]:
        return self._tokens.matching(lambda _token: True)

    def revoke(self, token_id: int, now: datetime) -> ApiToken:
        token = self._tokens.find(token_id, lock=True)
        if token is None:
            raise TokenNotFound
        if token.revoked_at is None:
            token = replace(token, revoked_at=now)
            self._tokens.put(token_id, token)
        return token


class FakeOAuthStates:
    def __init__(self, tables: Tables) -> None:
        self._states = tables.oauth_states
        self._integrations = tables.integrations

    def add(self, state: OAuthState) -> None:
        _must_exist(self._integrations.find(state.integration_id))
        self._states.put(state.state_hash, state)

    def find(self, state_hash: str, *, lock: bool = False) -> OAuthState | None:
        return self._states.find(state_hash, lock=lock)

    def consume(self, state_hash: str, now: datetime) -> None:
        state = self._states.find(state_hash, lock=True)
        if state is not None:
            self._states.put(state_hash, replace(state, consumed_at=now))

    def remove_expired_before(self, moment: datetime) -> int:
        expired = self._states.matching(lambda each: each.expires_at < moment)
        for state in expired:
            self._states.remove(state.state_hash)
        return len(expired)


class FakeIntegrations:
    def __init__(self, tables: Tables) -> None:
        self._integrations = tables.integrations

    def add(self, integration: Integration) -> Integration:
        self._check_account(integration, own_id=None)
        return add(self._integrations, integration)

    def get(self, tenant_id: str, integration_id: int, *, lock: bool = False) -> Integration:
        found = self._integrations.find(integration_id, lock=lock)
        if found is None or found.tenant_id != tenant_id:
            raise IntegrationNotFound
        return found

    def find(self, integration_id: int, *, lock: bool = False) -> Integration | None:
        return self._integrations.find(integration_id, lock=lock)

    def find_by_account(self, account_id: str, *, lock: bool = False) -> Integration | None:
        self._integrations.check_writable(lock)
        return last_connected(self._integrations.matching(lambda each: each.account_id == account_id))

    def names_of(self, integration_ids: Sequence[int]) -> Mapping[int, str]:
        found = self._integrations.matching(lambda each: each.id in integration_ids)
        return {integration.id: integration.name for integration in found}

    def page(self, tenant_id: str, request: PageRequest) -> Page[Integration]:
        return page_of(self._integrations.matching(lambda each: each.tenant_id == tenant_id), request)

    def with_tokens(self) -> Sequence[int]:
        return [each.id for each in self._integrations.matching(lambda each: bool(each.sealed_access_token))]

    def save(self, integration: Integration) -> Integration:
        self._check_account(integration, own_id=integration.id)
        return save(self._integrations, integration)

    def _check_account(self, integration: Integration, own_id: int | None) -> None:
        if integration.connected and self._integrations.matching(
            lambda each: each.connected and each.account_id == integration.account_id and each.id != own_id
        ):
            raise AccountInUse


def last_connected(integrations: Sequence[Integration]) -> Integration | None:
    """The one that is connected, or else the last one that was."""

    def rank(integration: Integration) -> tuple[bool, float, int]:
        left = integration.disconnected_at
        return integration.connected, left.timestamp() if left else 0.0, integration.id

    return max(integrations, key=rank, default=None)


class FakeSalesOrders:
    def __init__(self, tables: Tables) -> None:
        self._orders = tables.sales_orders

    def get(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder:
        order = self.find(tenant_id, sales_order_id, lock=lock)
        if order is None:
            raise SalesOrderNotFound
        return order

    def find(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder | None:
        return self._orders.find((tenant_id, sales_order_id), lock=lock)

    def add(self, order: SalesOrder) -> bool:
        if self.find(order.tenant_id, order.id, lock=True) is not None:
            return False
        self._orders.put((order.tenant_id, order.id), order)
        return True

    def save(self, order: SalesOrder) -> None:
        stored = self.find(order.tenant_id, order.id, lock=True)
        if stored is None or stored.source_updated_at >= order.source_updated_at:
            raise StaleWrite
        self._orders.put((order.tenant_id, order.id), order)


class FakeBilledCustomers:
    def __init__(self, tables: Tables) -> None:
        self._customers = tables.customers

    def get_or_add(self, key: CustomerKey) -> BilledCustomer:
        self._customers.check_writable(True)
        for customer in self._customers.matching(lambda each: each.key == key):
            return customer
        return add(self._customers, BilledCustomer(id=0, key=key, stripe_customer_id=None))

    def get(self, customer_id: int, *, lock: bool = False) -> BilledCustomer:
        customer = self._customers.find(customer_id, lock=lock)
        if customer is None:
            raise NotFound
        return customer

    def is_known(self, account_id: str, stripe_customer_id: str) -> bool:
        return bool(
            self._customers.matching(
                lambda each: (
                    (each.key.account_id, each.stripe_customer_id) == (account_id, stripe_customer_id)
                )
            )
        )

    def save(self, customer: BilledCustomer) -> None:
        self._customers.put(customer.id, customer)


class FakeInvoices:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._invoices = tables.invoices

    def add(self, invoice: Invoice) -> Invoice:
        _must_exist(self._tables.integrations.find(invoice.integration_id))
        _must_exist(self._tables.customers.find(invoice.customer_id))
        _must_exist(self._tables.sales_orders.find((invoice.tenant_id, invoice.sales_order_id)))
        self._check_only_payable(invoice, own_id=None)
        return add(self._invoices, invoice)

    def get(self, tenant_id: str, invoice_id: int, *, lock: bool = False) -> Invoice:
        found = self._invoices.find(invoice_id, lock=lock)
        if found is None or found.tenant_id != tenant_id or found.status is _NOT_LISTED:
            raise InvoiceNotFound
        return found

    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        return self._invoices.find(invoice_id, lock=lock)

    def find_settled(self, invoice_id: int) -> Invoice | None:
        subject = invoice_subject(invoice_id)
        waits = self._tables.intents.matching(lambda each: each.subject == subject and not each.is_settled)
        return None if waits else self._invoices.find(invoice_id)

    def lock(self, invoice_id: int) -> Invoice | None:
        return self._invoices.find(invoice_id, lock=True)

    def _find_payable(self, tenant_id: str, sales_order_id: int) -> Invoice | None:
        return next((each for each in self.of_order(tenant_id, sales_order_id) if each.is_payable), None)

    def of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[Invoice]:
        found = self._invoices.matching(
            lambda each: (
                (each.tenant_id, each.sales_order_id) == (tenant_id, sales_order_id)
                and each.status is not _NOT_LISTED
            )
        )
        return found[::-1]

    def reserved_for_customer(self, customer_id: int) -> Sequence[Invoice]:
        return self._invoices.matching(
            lambda each: each.customer_id == customer_id and each.status is InvoiceStatus.RESERVED
        )

    def has_other_account(self, integration_id: int, account_id: str) -> bool:
        return bool(
            self._invoices.matching(
                lambda each: (
                    each.integration_id == integration_id
                    and each.stripe_account_id != account_id
                    and each.status is not _NOT_LISTED
                )
            )
        )

    def page(
        self,
        tenant_id: str,
        integration_id: int,
        status: InvoiceStatus | None,
        request: PageRequest,
    ) -> Page[Invoice]:
        if status is None:
            wanted = frozenset(InvoiceStatus) - {_NOT_LISTED}
        elif status is InvoiceStatus.DRAFT:
            wanted = frozenset(_SHOWN_AS_DRAFT)
        else:
            wanted = frozenset({status}) - {_NOT_LISTED}
        found = self._invoices.matching(
            lambda each: (
                each.tenant_id == tenant_id
                and each.integration_id == integration_id
                and each.status in wanted
            )
        )
        return page_of(found, request)

    def save(self, invoice: Invoice) -> Invoice:
        self._check_only_payable(invoice, own_id=invoice.id)
        return save(self._invoices, invoice)

    def _check_only_payable(self, invoice: Invoice, own_id: int | None) -> None:
        other = self._find_payable(invoice.tenant_id, invoice.sales_order_id)
        if invoice.is_payable and other is not None and other.id != own_id:
            raise PayableInvoiceExists


class FakeLinks:
    def __init__(self, tables: Tables) -> None:
        self._links = tables.links
        self._invoices = tables.invoices

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        _must_exist(self._invoices.find(invoice_id))
        for stripe_id in stripe_ids:
            if self._links.find((account_id, stripe_id), lock=True) is None:
                self._links.put((account_id, stripe_id), invoice_id)

    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None:
        return self._links.find((account_id, stripe_id))

    def of_invoice(self, invoice_id: int) -> Sequence[str]:
        return sorted(
            stripe_id for (_, stripe_id), linked in self._links.rows.items() if linked == invoice_id
        )


class FakePayments:
    def __init__(self, tables: Tables) -> None:
        self._payments = tables.payments
        self._invoices = tables.invoices

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None:
        found = self._payments.matching(
            lambda each: (each.account_id, each.payment_intent_id) == (account_id, payment_intent_id)
        )
        return found[0] if found else None

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        found = self._payments.matching(lambda each: each.invoice_id == invoice_id)
        return sorted(found, key=lambda each: each.stripe_id)

    def put(self, payment: Payment) -> None:
        _must_exist(self._invoices.find(payment.invoice_id))
        self._payments.put((payment.account_id, payment.stripe_id), payment)


class FakeRefunds:
    def __init__(self, tables: Tables) -> None:
        self._refunds = tables.refunds
        self._invoices = tables.invoices

    def add(self, refund: Refund) -> Refund:
        _must_exist(self._invoices.find(refund.invoice_id))
        if refund.stripe_refund_id and self.find_by_stripe_id(refund.account_id, refund.stripe_refund_id):
            raise StaleWrite
        if refund.reference and self.find_by_reference(refund.reference):
            raise StaleWrite
        return add(self._refunds, refund)

    def find(self, refund_id: int) -> Refund | None:
        return self._refunds.find(refund_id)

    def find_by_stripe_id(self, account_id: str, stripe_refund_id: str) -> Refund | None:
        wanted = (account_id, stripe_refund_id)
        found = self._refunds.matching(lambda each: (each.account_id, each.stripe_refund_id) == wanted)
        return found[0] if found else None

    def find_by_reference(self, reference: str) -> Refund | None:
        found = self._refunds.matching(lambda each: each.reference == reference)
        return found[0] if found else None

    def of_invoice(self, invoice_id: int) -> Sequence[Refund]:
        return self._refunds.matching(lambda each: each.invoice_id == invoice_id)[::-1]

    def save(self, refund: Refund) -> Refund:
        return save(self._refunds, refund)


class FakeDisputes:
    def __init__(self, tables: Tables) -> None:
        self._disputes = tables.disputes
        self._invoices = tables.invoices

    def find(self, account_id: str, stripe_dispute_id: str) -> Dispute | None:
        return self._disputes.find((account_id, stripe_dispute_id))

    def of_invoice(self, invoice_id: int) -> Sequence[Dispute]:
        found = self._disputes.matching(lambda each: each.invoice_id == invoice_id)
        return sorted(found, key=lambda each: (each.opened_at, each.stripe_id), reverse=True)

    def put(self, dispute: Dispute) -> None:
        _must_exist(self._invoices.find(dispute.invoice_id))
        self._disputes.put((dispute.account_id, dispute.stripe_id), dispute)


class FakeReceivers:
    def __init__(self, tables: Tables) -> None:
        self._receivers = tables.receivers

    def add(self, receiver: Receiver) -> Receiver:
        if receiver.kind in PLATFORM_KINDS and self.of_kinds([receiver.kind]):
            raise StaleWrite
        return add(self._receivers, receiver)

    def find(self, receiver_id: int, *, lock: bool = False) -> Receiver | None:
        return self._receivers.find(receiver_id, lock=lock)

    def of_kinds(self, kinds: Sequence[ReceiverKind]) -> Sequence[Receiver]:
        return self._receivers.matching(lambda each: each.kind in kinds)

    def of_integration(self, integration_id: int) -> Sequence[Receiver]:
        return self._receivers.matching(lambda each: each.integration_id == integration_id)

    def save(self, receiver: Receiver) -> None:
        if self._receivers.find(receiver.id) is None:
            raise StaleWrite
        self._receivers.put(receiver.id, receiver)

    def remove(self, receiver_id: int) -> None:
        self._receivers.remove(receiver_id)


def _must_exist(referred_to: object) -> None:
    """What a foreign key enforces in a database. Breaking it is a bug, not an error to handle."""
    assert referred_to is not None, "It refers to something that is not stored."
