"""Front ends in browsers, and users of the ERP's own identity provider, both through a real server."""

import pytest

from tests.adapters.identity.provider import AUDIENCE, ISSUER, Provider
from tests.conformance.conftest import erp_of
from tests.journeys.people import problem

ORIGIN = "https://erp.example.com"
PATH = "/api/stripe/integrations"
EXPOSED = {
    "Idempotent-Replayed",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-Request-Id",
    "X-Sequence",
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def provider():
    with Provider() as started:
        yield started


@pytest.fixture(scope="module")
def stack(run_stack, provider):
    settings = {
        "CORS_ORIGINS": f"{ORIGIN},http://localhost:5173",
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_JWKS_URL": provider.url,
    }
    with run_stack(settings=settings) as started:
        yield started


@pytest.fixture
def erp(stack):
    with erp_of(stack) as one:
        yield one


def preflight(erp, origin, path=PATH, method="POST"):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, x-request-id",
    }
    return erp.http.options(f"{erp.stack.url}{path}", headers=headers, timeout=60)


def names_in(header):
    return {name.strip() for name in header.split(",")}


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5173"])
def test_a_configured_origin_may_send_what_the_api_takes_and_read_what_it_tells(erp, origin):
    allowed = preflight(erp, origin)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in names_in(allowed.headers["Access-Control-Allow-Methods"])
    asked = {"authorization", "content-type", "idempotency-key", "x-request-id"}
    assert asked <= names_in(allowed.headers["Access-Control-Allow-Headers"].lower())
    answers = [
        erp.ask("POST", PATH, {"name": "Shop"}, headers={"Origin": origin}),
        erp.ask("GET", f"{PATH}/999", headers={"Origin": origin}),
        erp.http.get(f"{erp.stack.url}{PATH}", headers={"Origin": origin}, timeout=60),
    ]
    assert [answer.status_code for answer in answers] == [201, 404, 401]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in names_in(answer.headers["Vary"])
        assert names_in(answer.headers["Access-Control-Expose-Headers"]) == EXPOSED
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", f"{ORIGIN}.evil.com", "null", f"{ORIGIN}:8443"]
)
def test_no_other_origin_may(erp, origin):
    answer = erp.ask("GET", PATH, headers={"Origin": origin})
    for one in (preflight(erp, origin), answer):
        assert "Access-Control-Allow-Origin" not in one.headers


def test_a_jwt_of_the_identity_provider_acts_for_its_tenant_with_its_role(erp, provider):
    def ask(method, path, body=None, **claims):
        token = provider.token(**{"tenant": erp.tenant, **claims})
        headers = {"Authorization": f"Bearer {token}"}
        return erp.http.request(method, erp.stack.url + path, json=body, headers=headers, timeout=60)

    created = ask("POST", PATH, {"name": "Shop"}, role="power_user")
    assert created.status_code == 201
    path = f"{PATH}/{created.json()['data']['id']}"
    assert erp.get(path)["name"] == "Shop"
    assert ask("GET", path, role="viewer").status_code == 200
    problem(ask("POST", PATH, {"name": "Shop"}, role="member"), 403)
    problem(ask("GET", path, tenant="another"), 404)
    for refused in ({"aud": "another"}, {"iss": "https://other.example.com/"}, {"exp": 1}, {"role": "owner"}):
        answer = ask("GET", path, **refused)
        assert problem(answer, 401)["message"] == "Unauthenticated."
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_who_sent_an_invoice_is_who_the_jwt_says(erp, provider):
    integration = erp.connect()
    erp.new_order()
    body = {"integration_instance_id": integration["id"], "sales_order_id": 1001}
    token = provider.token(tenant=erp.tenant, role="member", user_id=4711)
    answer = erp.http.post(
        f"{erp.stack.url}/api/stripe/invoices",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert answer.status_code == 201
    assert answer.json()["data"]["user_id"] == 4711
