"""Values for tests: valid by default, with a keyword argument for each difference."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from stripe_bridge.domain.access import ApiToken, Role
from stripe_bridge.domain.billed_customer import CustomerKey
from stripe_bridge.domain.changes.entry import GENESIS
from stripe_bridge.domain.console_session import ConsoleLink, ConsoleSession
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import STATE_LIFETIME, Integration, OAuthState
from stripe_bridge.domain.intent import Intent, Operation, invoice_subject
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.domain.panel_session import PanelAction, PanelSession
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.receiver import Receiver, ReceiverKind
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.replay import Replay
from stripe_bridge.domain.sales_order import Address, Customer, InvoiceLine, OrderLine, SalesOrder
from stripe_bridge.domain.stripe_objects import (
    AccountSnapshot,
    StripeDispute,
    StripeInvoice,
    StripeInvoiceStatus,
    StripePayment,
    StripeRefund,
)
from stripe_bridge.domain.subscriber import Delivery, DeliveryType, Subscriber
from stripe_bridge.domain.webhook_event import PLATFORM, WebhookEvent, parse_event

TENANT = "acme"
ACCOUNT = "acct_1"
AMOUNT = 12_000
# With microseconds, so that a store that drops them is noticed.
NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
_NUMBERS = count(1)


def an_account(**changes: Any) -> AccountSnapshot:
    account = AccountSnapshot(
        account_id=ACCOUNT,
        charges_enabled=True,
        payouts_enabled=True,
        details_submitted=True,
        country="DE",
        default_currency="eur",
        email="owner@merchant.example",
        display_name="Merchant",
        business_name="Merchant GmbH",
        business_url="https://merchant.example",
        capabilities={"card_payments": "active", "transfers": "active"},
    )
    return replace(account, **changes)


def a_pending_integration(**changes: Any) -> Integration:
    """One that was never connected."""
    integration = Integration(
        id=1, tenant_id=TENANT, name="Main shop", livemode=False, created_at=NOW, updated_at=NOW
    )
    return replace(integration, **changes)


def an_integration(*, account_id: str = ACCOUNT, **changes: Any) -> Integration:
    """A connected one that can charge."""
    connected = a_pending_integration().connect(
        snapshot=an_account(account_id=account_id),
        livemode=False,
        sealed_access_token="sealed",
        now=NOW,
    )
    return replace(connected, **changes)


def a_customer(**changes: Any) -> Customer:
    customer = Customer(
        id=77,
        name="Jane Doe",
        email="jane@customer.example",
        address=Address(line1="1 High Street", city="Berlin", postal_code="10115", country="DE"),
    )
    return replace(customer, **changes)


def an_order_line(amount: int = AMOUNT, **changes: Any) -> OrderLine:
    return replace(OrderLine(description="Widget", quantity=Decimal("2.50"), amount=amount), **changes)


def a_sales_order(*, total: int = AMOUNT, **changes: Any) -> SalesOrder:
    """With one line, for the total."""
    order = SalesOrder(
        tenant_id=TENANT,
        id=501,
        number="SO-501",
        currency="EUR",
        total=total,
        paid_elsewhere=0,
        customer=a_customer(),
        lines=(an_order_line(total),),
        source_updated_at=NOW - timedelta(hours=1),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(order, **changes)


def a_customer_key(**changes: Any) -> CustomerKey:
    key = CustomerKey(tenant_id=TENANT, account_id=ACCOUNT, erp_customer_id=77, email="jane@customer.example")
    return replace(key, **changes)


def an_invoice(*, amount: int = AMOUNT, **changes: Any) -> Invoice:
    """Reserved."""
    invoice = Invoice(
        id=1,
        tenant_id=TENANT,
        integration_id=1,
        sales_order_id=501,
        sales_order_number="SO-501",
        user_id=7,
        stripe_account_id=ACCOUNT,
        customer_id=1,
        customer_email="jane@customer.example",
        amount=amount,
        currency="EUR",
        lines=(InvoiceLine(description="2.5 × Widget", amount=amount),),
        days_until_due=30,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(invoice, **changes)


def a_stripe_invoice(
    *, status: StripeInvoiceStatus = StripeInvoiceStatus.OPEN, amount: int = AMOUNT, **changes: Any
) -> StripeInvoice:
    """An invoice as Stripe shows it, with amounts and times that fit its status."""
    is_paid = status is StripeInvoiceStatus.PAID
    is_final = status is not StripeInvoiceStatus.DRAFT
    invoice = StripeInvoice(
        id="in_1",
        status=status,
        customer_id="cus_1",
        currency="eur",
        total=amount,
        amount_due=amount,
        amount_paid=amount if is_paid else 0,
        amount_remaining=0 if is_paid else amount,
        number="ACME-0001" if is_final else None,
        line_count=1,
        due_date=NOW + timedelta(days=30) if is_final else None,
        hosted_invoice_url="https://invoice.example/in_1" if is_final else None,
        invoice_pdf="https://invoice.example/in_1/pdf" if is_final else None,
        finalized_at=NOW if is_final else None,
        paid_at=NOW if is_paid else None,
        voided_at=NOW if status is StripeInvoiceStatus.VOID else None,
        metadata={"tenant": TENANT},
    )
    return replace(invoice, **changes)


def a_stripe_payment(*, status: str = "paid", **changes: Any) -> StripePayment:
    payment = StripePayment(
        id="inpay_1",
        invoice_id="in_1",
        status=status,
        is_default=True,
        amount_paid=AMOUNT if status == "paid" else None,
        payment_intent_id="pi_1",
        charge_id="ch_1" if status == "paid" else None,
        paid_at=NOW if status == "paid" else None,
    )
    return replace(payment, **changes)


def a_payment(**changes: Any) -> Payment:
    """Paid."""
    payment = Payment(
        invoice_id=1,
        account_id=ACCOUNT,
        stripe_id="inpay_1",
        payment_intent_id="pi_1",
        charge_id="ch_1",
        status="paid",
        is_default=True,
        amount_paid=AMOUNT,
        paid_at=NOW,
    )
    return replace(payment, **changes)


def a_refund(**changes: Any) -> Refund:
    """Reserved."""
    refund = Refund(
        id=1,
        tenant_id=TENANT,
        invoice_id=1,
        account_id=ACCOUNT,
        payment_intent_id="pi_1",
        charge_id="ch_1",
        amount=AMOUNT,
        currency="EUR",
        created_at=NOW,
        updated_at=NOW,
        reference=f"reference-{next(_NUMBERS)}",
    )
    return replace(refund, **changes)


def a_stripe_refund(**changes: Any) -> StripeRefund:
    """Succeeded."""
    refund = StripeRefund(
        id="re_1",
        status="succeeded",
        amount=AMOUNT,
        currency="eur",
        charge_id="ch_1",
        payment_intent_id="pi_1",
        created_at=NOW,
    )
    return replace(refund, **changes)


def a_dispute(**changes: Any) -> Dispute:
    dispute = Dispute(
        invoice_id=1,
        account_id=ACCOUNT,
        stripe_id="dp_1",
        status="needs_response",
        amount=AMOUNT,
        charge_id="ch_1",
        payment_intent_id="pi_1",
        is_charge_refundable=False,
        opened_at=NOW,
    )
    return replace(dispute, **changes)


def a_stripe_dispute(**changes: Any) -> StripeDispute:
    dispute = StripeDispute(
        id="dp_1",
        status="needs_response",
        amount=AMOUNT,
        currency="eur",
        charge_id="ch_1",
        payment_intent_id="pi_1",
        is_charge_refundable=False,
        created_at=NOW,
    )
    return replace(dispute, **changes)


def an_intent(**changes: Any) -> Intent:
    """Planned, and due at once. Each has its own reference."""
    intent = Intent(
        id=1,
        tenant_id=TENANT,
        integration_id=1,
        account_id=ACCOUNT,
        operation=Operation.CREATE_DRAFT,
        subject=invoice_subject(1),
        invoice_id=None,
        parameters={"currency": "eur", "days_until_due": 30},
        reference=f"reference-{next(_NUMBERS)}",
        created_at=NOW,
        updated_at=NOW,
        due_at=NOW,
    )
    return replace(intent, **changes)


def an_event_payload(
    event_type: str = "invoice.paid",
    object_: Mapping[str, Any] | None = None,
    *,
    id_: str = "evt_1",
    account: str | None = ACCOUNT,
    livemode: bool = False,
    created: datetime = NOW,
    **members: Any,
) -> bytes:
    """A snapshot event as Stripe posts it; `members` are added to the usual ones."""
    event = {
        "id": id_,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(created.timestamp()),
        "data": {"object": dict(object_ or {"id": "in_1", "object": "invoice"})},
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
        **({"account": account} if account else {}),
    }
    return json.dumps(event | members, indent=2).encode()


def a_webhook_event(*, payload: bytes | None = None, **changes: Any) -> WebhookEvent:
    """Received and due; its fields match its payload, unless told otherwise."""
    payload = payload or an_event_payload()
    shown = parse_event(payload)
    event = WebhookEvent(
        id=1,
        tenant_id=None,
        integration_id=None,
        stripe_event_id=shown.id,
        event_type=shown.type,
        account_id=shown.account or PLATFORM,
        livemode=shown.livemode,
        related_object_id=shown.related_object_id,
        event_created_at=shown.created_at,
        created_at=NOW,
        updated_at=NOW,
        due_at=NOW,
        payload=payload,
    )
    return replace(event, **changes)


def a_token(**changes: Any) -> ApiToken:
    token = ApiToken(
        id=1,
        tenant_id=TENANT,
        role=Role.MEMBER,
        user_id=7,
        label="ERP",
        token_hash="5e884898",
        created_at=NOW,
    )
    return replace(token, **changes)


def a_panel_session(**changes: Any) -> PanelSession:
    """Made by a user of the identity provider."""
    session = PanelSession(
        id=1,
        token_hash="8d969eef",
        tenant_id=TENANT,
        sales_order_id=501,
        can=frozenset({PanelAction.READ, PanelAction.SEND}),
        origin="https://erp.example.com",
        user_id=7,
        role=Role.MEMBER,
        creator="jwt:acme:jenny",
        subject="jenny",
        api_token_id=None,
        created_at=NOW,
        expires_at=NOW,
    )
    return replace(session, **changes)


def a_console_link(**changes: Any) -> ConsoleLink:
    link = ConsoleLink(
        id=1,
        token_hash="1f3870be",
        name="jane",
        tenant_id=TENANT,
        role=Role.MEMBER,
        created_at=NOW,
        expires_at=NOW,
    )
    return replace(link, **changes)


def a_console_session(**changes: Any) -> ConsoleSession:
    session = ConsoleSession(
        id=1,
        token_hash="72b302bf",
        name="jane",
        tenant_id=TENANT,
        role=Role.MEMBER,
        user_id=7,
        is_vouched_for=True,
        created_at=NOW,
        expires_at=NOW,
    )
    return replace(session, **changes)


def an_oauth_state(**changes: Any) -> OAuthState:
    state = OAuthState(
        state_hash="d74ff0ee", tenant_id=TENANT, integration_id=1, expires_at=NOW + STATE_LIFETIME
    )
    return replace(state, **changes)


def a_receiver(**changes: Any) -> Receiver:
    """The platform's own."""
    receiver = Receiver(
        id=1,
        kind=ReceiverKind.PLATFORM,
        integration_id=None,
        stripe_endpoint_id="we_1",
        url="https://bridge.example/api/webhooks/stripe",
        sealed_secret="sealed",
        enabled=True,
        created_at=NOW,
        checked_at=NOW,
    )
    return replace(receiver, **changes)


def a_subscriber(**changes: Any) -> Subscriber:
    subscriber = Subscriber(
        id=1,
        tenant_id=TENANT,
        url="https://erp.example/changes",
        after=0,
        after_hash=GENESIS,
        examined=0,
        next_attempt_at=NOW,
        sealed_secret="sealed-secret",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(subscriber, **changes)


def a_delivery(**changes: Any) -> Delivery:
    delivery = Delivery(
        id=0,
        subscriber_id=1,
        type=DeliveryType.CHANGES,
        message_id="msg_1",
        after=0,
        last=1,
        attempted_at=NOW,
        status=200,
        ms=12,
        error=None,
    )
    return replace(delivery, **changes)


def a_replay(**changes: Any) -> Replay:
    """Of three events, of which none has been queued."""
    replay = Replay(
        id=0,
        tenant_id=TENANT,
        origin=Origin(actor=Actor(type=ActorType.TOKEN, id="token:1"), cause={"operation": "replay"}),
        filter={"status": "failed"},
        limit=100,
        digest="d" * 64,
        event_ids=(1, 2, 3),
        planned={"applied": 3, "skipped": 0, "unknown": 0, "failed": 0},
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(replay, **changes)
