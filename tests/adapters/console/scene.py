"""A tenant with one of everything, and in every text that an ERP, a customer or Stripe can set something that wants to run."""

import re
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import TestResponse

from stripe_bridge.adapters.console.app import routes_by_endpoint
from stripe_bridge.adapters.console.routes import Route
from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import Browser, ConsoleWorld
from tests.adapters.web.world import ORDER, data_of

OWNER, STRANGER = "acme", "initech"
NOWHERE = 999_999
HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}"
ROUTES = routes_by_endpoint()
# Fields that pass validation, by the route that takes them.
FORMS: dict[str, dict[str, Any]] = {
    "create_token": {"role": "viewer"},
    "start_replay": {"status": "processed", "digest": "0" * 64},
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
    """`ids` by the name that paths have for them."""

    world: ConsoleWorld
    ids: dict[str, object] = field(default_factory=dict)

    def path(self, route: Route, ids: dict[str, object] | None = None) -> str:
        given = self.ids if ids is None else ids
        return "/console" + re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(given[name[1]]), route.path)

    def ask(
        self,
        browser: Browser,
        route: Route,
        *,
        ids: dict[str, object] | None = None,
        tenant: str | None = None,
    ) -> TestResponse:
        query = None if tenant is None else {"tenant": tenant}
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
    ids = {
        "replay_id": data_of(replay)["id"],
        "integration_id": integration["id"],
        "sales_order_id": 1001,
        "invoice_id": invoice["id"],
        "refund_id": refund["id"],
        "event_id": event["id"],
        "subscriber_id": data_of(subscriber)["id"],
        "token_id": token.token.id,
        "request_id": sent.headers["X-Request-Id"],
    }
    return Scene(world, ids)
