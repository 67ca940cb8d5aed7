"""A tenant with one of everything, and in every text that an ERP, a customer or Stripe can set something that wants to run."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from stripe_bridge.adapters.console.app import routes_by_endpoint
from stripe_bridge.adapters.console.routes import Route
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter
from tests.adapters.console.browser import Browser, ConsoleWorld
from tests.adapters.web.world import ORDER, data_of

OWNER, STRANGER = "acme", "initech"
NOWHERE = 999_999
HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}"
ROUTES = routes_by_endpoint()
# Fields that pass validation, by the route that takes them.
FORMS: dict[str, dict[str, Any]] = {
    "create_token": {"role": "viewer", "form_key": "0" * 32},
    "start_replay": {"status": "processed", "digest": "0" * 64},
    "create_integration": {"name": "Pop-up"},
    "refund_invoice": {"amount": "1.00", "form_key": "0" * 32},
    "send_order_invoice": {"integration": 1, "amount": "1.00"},
    "create_subscriber": {"url": "https://erp.example.com/y", "form_key": "0" * 32},
    "resume_subscriber": {"after": "1"},
    "apply_fix": {"fix": "reconcile"},
}
# What a route is about whose act not everything is ready for: not a paid invoice, nor a connected integration.
ABOUT: dict[str, str] = {
    "send_invoice_again": "open invoice",
    "void_invoice": "open invoice",
    "send_order_invoice": "order to invoice",
    "start_connecting": "pending integration",
}
# And the same for pages that ask what is about to be done.
QUERIES: dict[str, dict[str, Any]] = {
    "confirm_changing_subscriber": {"act": "ping"},
    "confirm_fix": {"fix": "reconcile"},
}
HOSTILE_ORDER: dict[str, Any] = ORDER | {
    "number": f"SO{HOSTILE}"[:60],
    "customer": {
        "id": 77,
        "name": HOSTILE,
        "email": '"><img/src=x/onerror=alert(1)>"@example.com',
    },
    "lines": [{"description": HOSTILE, "quantity": "1", "amount_in_cents": 12_000}],
}


@dataclass
class Scene:
    """`ids` by the name that paths have for them, `others` by what they are ready for."""

    world: ConsoleWorld
    ids: dict[str, object] = field(default_factory=dict)
    others: dict[str, dict[str, object]] = field(default_factory=dict)
    cookies: dict[tuple[Role | None, str | None], str] = field(default_factory=dict)

    def visitor(self, role: Role | None = Role.ADMIN, tenant: str | None = OWNER) -> Browser:
        """Somebody who signed in before the test began; without a role, an operator."""
        browser = Browser(self.world)
        browser.keep(self.cookies[role, tenant])
        return browser

    def ids_for(self, route: Route) -> dict[str, object]:
        return {**self.ids, **self.others.get(ABOUT.get(route.id, ""), {})}

    def path(self, route: Route, ids: dict[str, object] | None = None) -> str:
        given = self.ids_for(route) if ids is None else ids
        return "/console" + re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(given[name[1]]), route.path)

    def ask(
        self,
        browser: Browser,
        route: Route,
        *,
        ids: dict[str, object] | None = None,
        tenant: str | None = None,
    ) -> TestResponse:
        query = QUERIES.get(route.id, {}) | ({} if tenant is None else {"tenant": tenant})
        path = self.path(route, ids)
        if route.method == "GET":
            return browser.client.get(path, query_string=query)
        fields = {"csrf": browser.token(), **FORMS.get(route.id, {})}
        return browser.client.post(path, data=fields, query_string=query)

    def nowhere(self) -> dict[str, object]:
        """Ids that nobody has."""
        return {name: NOWHERE if isinstance(value, int) else "0" * 32 for name, value in self.ids.items()}


def a_scene() -> Scene:
    world = ConsoleWorld()
    ask = world.ask
    integration = world.connect(display_name=HOSTILE, business_name=HOSTILE, email=HOSTILE)
    answer = ask("PUT", "/api/sales-orders/1001", HOSTILE_ORDER)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    sent = world.send(integration["id"])
    invoice = data_of(sent)
    world.pay(invoice)
    world.tell_of_payments(invoice)
    ask("POST", f"/api/stripe/invoices/{invoice['id']}/refunds", {"amount_in_cents": 100})
    (refund,) = data_of(ask("GET", f"/api/stripe/invoices/{invoice['id']}/refunds"))
    subscriber = ask("POST", "/api/subscribers", {"url": "https://erp.example.com/x", "description": HOSTILE})
    token = world.bridge.access.create_token(tenant_id=OWNER, role=Role.VIEWER, user_id=7, label=HOSTILE)
    (event, *_) = data_of(ask("GET", "/api/stripe/webhook-events"))
    plan = {"filter": {"ids": [event["id"]]}}
    digest = data_of(ask("POST", "/api/stripe/webhook-events/replay", plan))["digest"]
    replay = ask("POST", "/api/stripe/webhook-events/replay", plan | {"dry_run": False, "digest": digest})
    # The first change that belongs to no tenant.
    world.bridge.receivers.register()
    with world.store.reading() as work:
        call = work.intents.page(IntentFilter(tenant_id=OWNER), PageRequest()).items[0]
    changed = world.bridge.changes.list(OWNER, 1, types=frozenset({ChangeType.INVOICE_PAID}))
    ids = {
        "replay_id": data_of(replay)["id"],
        "call_id": call.id,
        "sequence": changed[0].sequence,
        "integration_id": integration["id"],
        "sales_order_id": 1001,
        "invoice_id": invoice["id"],
        "refund_id": refund["id"],
        "event_id": event["id"],
        "subscriber_id": data_of(subscriber)["id"],
        "token_id": token.token.id,
        "request_id": sent.headers["X-Request-Id"],
    }
    return Scene(world, ids, _others(world, integration["id"]), _cookies(world))


def _cookies(world: ConsoleWorld) -> dict[tuple[Role | None, str | None], str]:
    cookies: dict[tuple[Role | None, str | None], str] = {(None, None): world.operator().cookie()}
    for role in Role:
        for tenant in (OWNER, STRANGER):
            cookies[role, tenant] = world.visitor(role, tenant).cookie()
    return cookies


def _others(world: ConsoleWorld, integration_id: int) -> dict[str, dict[str, object]]:
    for order_id in (2002, 2003):
        world.ask("PUT", f"/api/sales-orders/{order_id}", HOSTILE_ORDER)
    unpaid = data_of(world.send(integration_id, 2002))
    # It may be emailed again after a minute.
    world.clock.advance(timedelta(minutes=2))
    return {
        "open invoice": {"invoice_id": unpaid["id"]},
        "order to invoice": {"sales_order_id": 2003},
        "pending integration": {"integration_id": world.create_integration(HOSTILE)["id"]},
    }
