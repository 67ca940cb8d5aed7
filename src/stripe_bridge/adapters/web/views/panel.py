"""The panel on the ERP's sales-order page. What its operations are about is the session's order, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, Credential, operation
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
from stripe_bridge.adapters.web.schemas.invoices import InvoiceSent
from stripe_bridge.adapters.web.schemas.panel import (
    NewPanelInvoice,
    NewPanelSession,
    PanelAnswer,
    PanelSessionCreated,
    ShowPanelQuery,
)
from stripe_bridge.adapters.web.schemas.refunds import NewRefund
from stripe_bridge.adapters.web.views.invoices import send_invoice, void_invoice
from stripe_bridge.adapters.web.views.refunds import issue_refund
from stripe_bridge.adapters.web.views.sequence import sequence_of
from stripe_bridge.adapters.web.views.waiting import wait_for_entries
from stripe_bridge.domain.access import PanelGrant, Permission
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.conflicts import InvoiceSentRecently
from stripe_bridge.domain.errors.outcomes import EmailRefused, Recovering
from stripe_bridge.domain.errors.rules import IntegrationNotConnected, InvoiceNotPayable
from stripe_bridge.domain.errors.values import OriginInvalid, UserNotTokens
from stripe_bridge.domain.money import Currency
from stripe_bridge.domain.panel_session import PanelAction, actions_of
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled
from stripe_bridge.use_cases.access.panel_sessions import CreatePanelSessionCommand
from stripe_bridge.use_cases.changes.feed import FeedQuery
from stripe_bridge.use_cases.panel.show import PanelView


@operation(
    "POST",
    "/api/panel-sessions",
    permission=Permission.READ,
    body=NewPanelSession,
    answers={201: PanelSessionCreated},
    problems=(OriginInvalid, UserNotTokens),
    limit="600/minute",
    response_is_secret=True,
)
def create_panel_session(request: ApiRequest) -> Any:
    """Create Panel Session

    For the ERP's server, which hands the token to its page. It is good for ten minutes, one order and one origin, and ends
    at once if the token that created it is revoked. It can do no more than the role allows.
    """
    body = dict(request.body)
    if "can" in body:
        body["can"] = frozenset(map(PanelAction, body["can"]))
    issued = request.bridge.access.create_panel_session(
        CreatePanelSessionCommand(creator=request.principal, **body)
    )
    return {"data": {"token": issued.secret, "expires_at": issued.session.expires_at}}, 201


@operation(
    "GET",
    "/api/panel",
    permission=Permission.READ,
    credential=Credential.PANEL_SESSION,
    query=ShowPanelQuery,
    answers={200: PanelAnswer},
)
def show_panel(request: ApiRequest) -> Any:
    """Show Panel

    Everything that a panel shows about its order. With `after` and `wait`, the response is held back until something about the
    order has changed, or the time is up. If no more requests may wait at the moment, it is returned at once, with
    `Retry-After`.
    """
    panel, after = _grant(request), request.query.get("after")
    shown = request.bridge.panel.show(request.principal.tenant_id, panel.sales_order_id, after)
    headers = {} if shown.has_news else _wait_for_news(request, panel, shown)
    data = {
        "order": shown.order,
        "integrations": shown.integrations,
        "invoices": shown.invoices,
        "timeline": [_timeline_entry(entry) for entry in shown.timeline],
        "decimals": _decimals(shown),
        "session": {
            "can": sorted(actions_of(request.principal.permissions)),
            "origin": panel.origin,
            "expires_at": panel.expires_at,
        },
        "version": version("stripe-bridge"),
        "latest": shown.latest,
    }
    return {"data": data}, 200, headers


@operation(
    "POST",
    "/api/panel/invoices",
    permission=Permission.SEND_INVOICES,
    credential=Credential.PANEL_SESSION,
    body=NewPanelInvoice,
    answers=send_invoice.answers,
    problems=send_invoice.problems,
    limit=send_invoice.limit,
    counts_as=send_invoice.id,
    says_sequence=True,
    documented=send_invoice.documented,
)
def send_panel_invoice(request: ApiRequest) -> Any:
    """Send Invoice from Panel

    As *Send Invoice*, for the session's order. It counts against the limit of the token that created the session.
    """
    return send_invoice.view(request.with_fields(sales_order_id=_grant(request).sales_order_id))


@operation(
    "POST",
    "/api/panel/invoices/<id:invoice_id>/void",
    permission=Permission.VOID_INVOICES,
    credential=Credential.PANEL_SESSION,
    body=EmptySchema,
    answers=void_invoice.answers,
    problems=void_invoice.problems,
    says_sequence=True,
)
def void_panel_invoice(request: ApiRequest, invoice_id: int) -> Any:
    """Void Invoice from Panel

    As *Void Invoice*, for an invoice of the session's order.
    """
    _require_invoice(request, invoice_id)
    return void_invoice.view(request, invoice_id)


@operation(
    "POST",
    "/api/panel/invoices/<id:invoice_id>/refunds",
    permission=Permission.REFUND_INVOICES,
    credential=Credential.PANEL_SESSION,
    body=NewRefund,
    answers=issue_refund.answers,
    problems=issue_refund.problems,
    limit=issue_refund.limit,
    counts_as=issue_refund.id,
    says_sequence=True,
    documented=issue_refund.documented,
)
def refund_panel_invoice(request: ApiRequest, invoice_id: int) -> Any:
    """Issue Refund from Panel

    As *Issue Refund*, for an invoice of the session's order. It counts against the limit of the token that created the
    session.
    """
    _require_invoice(request, invoice_id)
    return issue_refund.view(request, invoice_id)


@operation(
    "POST",
    "/api/panel/invoices/<id:invoice_id>/send-again",
    permission=Permission.SEND_INVOICES,
    credential=Credential.PANEL_SESSION,
    body=EmptySchema,
    answers={200: InvoiceSent},
    problems=(
        InvoiceNotFound,
        Recovering,
        IntentUnsettled,
        InvoiceNotPayable,
        InvoiceSentRecently,
        IntegrationNotConnected,
        EmailRefused,
    ),
    limit=send_invoice.limit,
    counts_as=send_invoice.id,
    says_sequence=True,
)
def send_panel_invoice_again(request: ApiRequest, invoice_id: int) -> Any:
    """Email Invoice Again from Panel

    Stripe emails the open invoice to its customer once more, at most once a minute.
    """
    _require_invoice(request, invoice_id)
    sent = request.bridge.invoices.send_again(request.principal.tenant_id, invoice_id)
    sequence = sequence_of(request, sales_order_id=sent.invoice.sales_order_id)
    return {"data": sent, "message": "Invoice sent to customer again."}, 200, sequence


PANEL = (
    create_panel_session,
    show_panel,
    send_panel_invoice,
    void_panel_invoice,
    refund_panel_invoice,
    send_panel_invoice_again,
)


def _grant(request: ApiRequest) -> PanelGrant:
    assert request.principal.panel is not None
    return request.principal.panel


def _require_invoice(request: ApiRequest, invoice_id: int) -> None:
    request.bridge.panel.require_invoice(
        request.principal.tenant_id, _grant(request).sales_order_id, invoice_id
    )


def _timeline_entry(entry: Entry) -> dict[str, Any]:
    actor = entry.members()["actor"]
    return {
        "sequence": entry.sequence,
        "type": entry.type.value,
        "subject_type": entry.subject_type.value,
        "subject_id": entry.subject_id,
        "occurred_at": entry.occurred_at,
        "actor_type": actor["type"],
        "user_id": actor["user_id"],
    }


def _decimals(shown: PanelView) -> dict[str, int]:
    codes = {each.view.invoice.currency for each in shown.invoices}
    if shown.order is not None:
        codes.add(shown.order.order.currency)
    return {code: Currency.of(code).decimals for code in sorted(codes)}


def _wait_for_news(request: ApiRequest, panel: PanelGrant, shown: PanelView) -> Mapping[str, str]:
    query = FeedQuery(
        tenant_id=request.principal.tenant_id, after=shown.latest, sales_order_id=panel.sales_order_id
    )
    return wait_for_entries(f"panel:{panel.session_id}", query, request.query["wait"])
