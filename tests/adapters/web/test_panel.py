"""The panel's sessions, and what they open."""

from datetime import timedelta

import pytest

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.endpoints import Credential
from stripe_bridge.domain.access import Role
from tests.adapters.web.world import ERP, ORDER, PUBLIC_URL, World, data_of, problem

PANEL = "/api/panel"
SCRIPT = "<script>alert(1)</script>"
OF_PANEL = sorted(
    (each.method, each.path.replace("<id:invoice_id>", "1"))
    for each in operations_by_endpoint().values()
    if each.credential is Credential.PANEL_SESSION
)
OF_TOKENS = sorted(
    (each.method, each.path)
    for each in operations_by_endpoint().values()
    if each.permission is not None and each.credential is Credential.BEARER and "<" not in each.path
)


@pytest.fixture
def integration(world: World):
    connected = world.connect()
    world.put_order()
    return connected


@pytest.fixture
def invoice(world: World, integration):
    return data_of(world.send(integration["id"]))


def new_session(world: World, status: int = 201, role: Role = Role.ADMIN, **body: object):
    answer = world.ask(
        "POST", "/api/panel-sessions", {"sales_order_id": 1001, "origin": ERP, **body}, role=role
    )
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer


def test_a_session_lasts_ten_minutes(world: World, integration):
    session = world.panel_session()
    world.clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert world.ask_from_page("GET", PANEL, session=session).status_code == 200
    world.clock.advance(timedelta(seconds=1))
    problem(world.ask_from_page("GET", PANEL, session=session), 401)


def test_only_the_hash_of_a_sessions_token_is_stored(world: World):
    session = world.panel_session()
    assert session.startswith("sbp_")
    assert session not in repr(world.store.committed)


def test_a_session_dies_with_its_token_at_once(world: World):
    issued = world.bridge.access.create_token(tenant_id="acme", role=Role.ADMIN, user_id=None, label="")
    body = {"sales_order_id": 1001, "origin": ERP}
    session = data_of(world.ask("POST", "/api/panel-sessions", body, token=issued.secret))["token"]
    assert world.ask_from_page("GET", PANEL, session=session).status_code == 200
    world.bridge.access.revoke_token(issued.token.id)
    problem(world.ask_from_page("GET", PANEL, session=session), 401)


@pytest.mark.parametrize(("method", "path"), OF_TOKENS)
def test_a_session_opens_nothing_but_the_panel(world: World, method: str, path: str):
    problem(world.ask_from_page(method, path, session=world.panel_session()), 401)


@pytest.mark.parametrize(("method", "path"), OF_PANEL)
def test_a_token_does_not_open_the_panel(world: World, method: str, path: str):
    problem(world.ask(method, path, headers={"Origin": ERP}), 401)


@pytest.mark.parametrize("role", Role)
def test_a_session_can_do_what_its_creator_can_unless_less_is_asked_for(
    world: World, integration, role: Role
):
    shown = data_of(world.ask_from_page("GET", PANEL, session=world.panel_session(role)))
    expected = {
        Role.VIEWER: ["read"],
        Role.MEMBER: ["read", "send", "void"],
        Role.POWER_USER: ["read", "refund", "send", "void"],
        Role.ADMIN: ["read", "refund", "send", "void"],
    }
    assert shown["session"]["can"] == expected[role]
    less = world.panel_session(role, can=[])
    assert data_of(world.ask_from_page("GET", PANEL, session=less))["session"]["can"] == ["read"]


def test_a_session_cannot_do_more_than_its_creator(world: World):
    problem(new_session(world, 403, role=Role.MEMBER, can=["refund"]), 403)


def test_a_session_that_may_only_read_changes_nothing(world: World, invoice):
    session = world.panel_session(can=["read"])
    for method, path in OF_PANEL:
        if method == "POST":
            body = {"integration_instance_id": 1} if path.endswith("/invoices") else None
            problem(world.ask_from_page(method, path, body, session=session), 403)
    assert data_of(world.ask("GET", "/api/stripe/invoices/1"))["status"] == "open"


@pytest.mark.parametrize(
    "origin",
    [
        "erp.example.com",
        "http://erp.example.com",
        "https://erp.example.com/",
        "https://erp.example.com:443",
        "https://ERP.example.com",
        "https://user@erp.example.com",
        "https://erp.example.com https://evil.example.com",
        "https://*.example.com",
        "null",
        "*",
        "",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(world: World, origin: str):
    assert "origin" in problem(new_session(world, 422, origin=origin), 422)["errors"]


@pytest.mark.parametrize(
    "origin",
    ["https://erp.example.com:8443", "http://localhost:8000", "http://127.0.0.1:9", "http://[::1]:9"],
)
def test_what_browsers_send_as_an_origin_is_taken(world: World, origin: str):
    new_session(world, origin=origin)


def test_a_token_that_acts_for_a_user_makes_sessions_for_no_other(world: World):
    assert "user_id" in problem(new_session(world, 422, user_id=8), 422)["errors"]
    new_session(world, user_id=7)


def test_an_order_that_was_never_submitted_is_an_empty_panel(world: World):
    shown = data_of(world.ask_from_page("GET", PANEL, session=world.panel_session(order_id=4)))
    assert (shown["order"], shown["invoices"], shown["timeline"]) == (None, [], [])


def test_one_call_draws_the_panel(world: World, invoice):
    world.pay(invoice)
    world.tell_of_payments(invoice)
    world.ask("POST", "/api/stripe/invoices/1/refunds", {"amount_in_cents": 500})
    shown = data_of(world.ask_from_page("GET", PANEL, session=world.panel_session()))
    (drawn,) = shown["invoices"]
    assert shown["order"]["outstanding_in_cents"] == 500
    assert [each["name"] for each in shown["integrations"]] == ["Rosen Furniture"]
    assert (drawn["status"], drawn["refunds"][0]["amount"], drawn["disputes"]) == ("paid", 500, [])
    assert len(drawn["payments"]) == 1
    assert shown["decimals"] == {"EUR": 2}
    types = [entry["type"] for entry in shown["timeline"]]
    assert {"sales_order.created", "invoice.created", "invoice.sent", "invoice.paid"} <= set(types)
    sequences = [entry["sequence"] for entry in shown["timeline"]]
    assert sequences == sorted(sequences, reverse=True)
    assert shown["latest"] >= sequences[0]


def test_the_panel_shows_nothing_of_other_orders(world: World, invoice):
    world.put_order(1002, number="SO-1002")
    shown = data_of(world.ask_from_page("GET", PANEL, session=world.panel_session(order_id=1002)))
    assert shown["invoices"] == []
    assert {entry["subject_id"] for entry in shown["timeline"]} == {"1002"}


@pytest.mark.parametrize("act", ["void", "refunds", "send-again"])
def test_what_is_of_another_order_is_not_found(world: World, invoice, act: str):
    world.put_order(1002, number="SO-1002")
    session = world.panel_session(order_id=1002)
    found = world.ask_from_page("POST", f"{PANEL}/invoices/{invoice['id']}/{act}", session=session)
    problem(found, 404)
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["status"] == "open"


def test_what_is_done_through_the_panel_is_the_tokens_with_the_session_in_the_cause(
    world: World, integration
):
    session = world.panel_session()
    body = {"integration_instance_id": integration["id"]}
    assert world.ask_from_page("POST", f"{PANEL}/invoices", body, session=session).status_code == 201
    feed = world.ask("GET", "/api/changes?type=invoice.created").get_json()
    entry = feed["data"][0]
    assert (entry["actor"]["type"], entry["actor"]["user_id"]) == ("token", 7)
    assert (entry["cause"]["panel_session_id"], entry["cause"]["operation"]) == (1, "send_panel_invoice")


def test_a_click_that_is_repeated_with_a_renewed_session_is_the_same_request(world: World, invoice):
    """The session expires between the request and its answer."""
    world.pay(invoice)
    world.tell_of_payments(invoice)
    path, body = f"{PANEL}/invoices/{invoice['id']}/refunds", {"amount_in_cents": 500}
    key = {"Idempotency-Key": "click-1"}
    first = world.ask_from_page("POST", path, body, session=world.panel_session(), **key)
    world.clock.advance(timedelta(minutes=11))
    again = world.ask_from_page("POST", path, body, session=world.panel_session(), **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert data_of(again)["refund_id"] == data_of(first)["refund_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["amount_refunded"] == 500


def test_the_same_key_for_another_order_is_another_request(world: World, integration):
    world.put_order(1002, number="SO-1002")
    body, key = {"integration_instance_id": integration["id"]}, {"Idempotency-Key": "click-1"}
    sent = [
        data_of(
            world.ask_from_page(
                "POST", f"{PANEL}/invoices", body, session=world.panel_session(order_id=order_id), **key
            )
        )
        for order_id in (1001, 1002)
    ]
    assert [each["sales_order_id"] for each in sent] == [1001, 1002]


def test_an_invoice_is_emailed_again_at_most_once_a_minute(world: World, invoice):
    session, path = world.panel_session(), f"{PANEL}/invoices/{invoice['id']}/send-again"
    refused = problem(world.ask_from_page("POST", path, session=session), 409)
    assert refused["type"].endswith("InvoiceSentRecently")
    world.clock.advance(timedelta(minutes=1))
    answer = world.ask_from_page("POST", path, session=session)
    assert answer.status_code == 200
    assert data_of(answer)["sent_at"] > invoice["sent_at"]
    problem(world.ask_from_page("POST", path, session=session), 409)


def test_each_session_has_120_requests_a_minute(world: World, integration):
    session, other = world.panel_session(), world.panel_session()
    answers = [world.ask_from_page("GET", PANEL, session=session).status_code for _ in range(121)]
    assert answers == [200] * 120 + [429]
    assert world.ask_from_page("GET", PANEL, session=other).status_code == 200


def test_refunds_count_against_the_creating_tokens_limit(world: World, invoice):
    path = f"{PANEL}/invoices/{invoice['id']}/refunds"
    for _ in range(20):
        world.ask("POST", f"/api/stripe/invoices/{invoice['id']}/refunds")
    problem(world.ask_from_page("POST", path, session=world.panel_session()), 429)


PAGES = [
    ({"Origin": ERP}, 200, ERP),
    ({"Origin": PUBLIC_URL}, 200, PUBLIC_URL),
    ({"Sec-Fetch-Site": "same-origin"}, 200, None),
    ({"Origin": "https://evil.example.com"}, 403, None),
    ({"Origin": "null"}, 403, None),
    ({"Origin": f"{ERP}:8443"}, 403, None),
    ({"Origin": "http://erp.example.com"}, 403, None),
    ({"Sec-Fetch-Site": "cross-site"}, 403, None),
    ({}, 403, None),
]


@pytest.mark.parametrize(("headers", "status", "allowed"), PAGES)
def test_a_session_is_used_by_its_page_or_the_frame_alone(
    world: World, integration, headers: dict[str, str], status: int, allowed: str | None
):
    answer = world.ask("GET", PANEL, token=world.panel_session(), headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers
    if status == 403:
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


def test_a_page_can_read_that_its_session_has_ended(world: World):
    answer = world.ask_from_page("GET", PANEL, session="sbp_unknown")
    problem(answer, 401)
    assert answer.headers["Access-Control-Allow-Origin"] == ERP


@pytest.mark.parametrize("origins", [(), ("https://other.example.com",)])
@pytest.mark.parametrize(("_method", "path"), OF_PANEL)
def test_preflights_are_answered_for_every_origin_without_credentials(origins, _method: str, path: str):
    world = World(cors_origins=origins)
    asked = {
        "Origin": "https://anybody.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    answer = world.client.options(path, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://anybody.example.com"
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed.split(", "))


@pytest.mark.parametrize("path", ["/api/panel-sessions", "/api/me"])
def test_other_paths_have_no_preflights_for_every_origin(world: World, path: str):
    answer = world.client.options(path, headers={"Origin": ERP, "Access-Control-Request-Method": "POST"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_text_that_looks_like_html_stays_text(world: World):
    world.connect()
    world.put_order(number=SCRIPT, customer={**ORDER["customer"], "name": SCRIPT})
    answer = world.ask_from_page("GET", PANEL, session=world.panel_session())
    assert answer.content_type == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert data_of(answer)["order"]["customer"]["name"] == SCRIPT


FRAME = f"/embed/v1/frame?origin={ERP}&sales_order_id=1001&lang=de"


def test_the_frame_may_be_shown_by_the_named_origin_alone(world: World):
    page = world.client.get(FRAME)
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors {ERP}" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in page.headers


def test_every_other_page_refuses_to_be_framed(world: World):
    for path in ("/docs", "/", "/embed/v1/stripe-invoices.js", "/embed/v1/frame?origin=x&sales_order_id=1"):
        with world.client.get(path) as page:
            assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "query",
    [
        "origin=https://a.example.com%20https://b.example.com&sales_order_id=1",
        "origin=https://a.example.com;script-src%20*&sales_order_id=1",
        "origin=*&sales_order_id=1",
        "sales_order_id=1",
        f"origin={ERP}&sales_order_id=%22%3E%3Cscript%3E",
        f"origin={ERP}",
    ],
)
def test_a_frame_for_what_makes_no_sense_is_refused(world: World, query: str):
    answer = world.client.get(f"/embed/v1/frame?{query}")
    problem(answer, 422)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_frames_language_is_one_of_ours(world: World):
    page = world.client.get(f"/embed/v1/frame?origin={ERP}&sales_order_id=1&lang=%22%3E%3Cscript%3E")
    assert '<html lang="en"' in page.get_data(as_text=True)


def test_the_panels_scripts_are_for_every_page(world: World):
    with world.client.get("/embed/v1/stripe-invoices.js") as script:
        assert script.get_data()
    assert script.status_code == 200
    assert script.headers["Access-Control-Allow-Origin"] == "*"
    assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert script.cache_control.max_age == 300
    assert script.headers["Content-Type"].startswith("text/javascript")
    known = {"If-None-Match": script.headers["ETag"]}
    with world.client.get("/embed/v1/stripe-invoices.js", headers=known) as again:
        assert again.status_code == 304


def test_without_an_event_loop_a_panel_does_not_wait(world: World, integration):
    session = world.panel_session()
    latest = data_of(world.ask_from_page("GET", PANEL, session=session))["latest"]
    answer = world.ask_from_page("GET", f"{PANEL}?after={latest}&wait=25", session=session)
    assert answer.headers["Retry-After"] == "5"
    news = world.ask_from_page("GET", f"{PANEL}?after={latest - 1}&wait=25", session=session)
    assert "Retry-After" not in news.headers
