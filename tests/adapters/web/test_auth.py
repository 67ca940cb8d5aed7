import re

import pytest

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.domain.access import Permission, Role
from stripe_bridge.domain.paging import PageRequest
from tests.adapters.web.world import World, problem

# Adding a route here removes it from the protection of tenants.
PUBLIC = {
    "Health.show_health",
    "Health.show_readiness",
    "Integrations.complete_authorization",
    "Webhooks.receive_account_webhook",
    "Webhooks.receive_platform_webhook",
    "docs.design",
    "docs.document",
    "docs.file",
    "docs.page",
    "docs.start",
    "embed.file",
    "embed.frame",
}


@pytest.fixture(scope="module")
def any_world():
    """For tests that leave nothing behind."""
    return World()


def routes():
    operations = operations_by_endpoint()
    return sorted(endpoint for endpoint, each in operations.items() if each.permission is not None)


def path_of(operation):
    return re.sub(r"<id:\w+>", "1", operation.path)


def test_every_route_names_a_permission_or_is_known_to_be_public(world):
    operations = operations_by_endpoint()
    open_routes = {
        rule.endpoint
        for rule in world.app.url_map.iter_rules()
        if (operation := operations.get(rule.endpoint)) is None or operation.permission is None
    }
    assert open_routes == PUBLIC


@pytest.mark.parametrize("endpoint", routes())
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer sbt_unknown", "Bearer \xff\xfe"]
)
def test_without_a_good_token_nothing_answers(any_world, endpoint, header):
    operation = operations_by_endpoint()[endpoint]
    headers = {} if header is None else {"Authorization": header}
    # The body is not JSON and the query is unknown, but nobody learns that before they are let in.
    answer = any_world.client.open(
        path_of(operation) + "?x=1", method=operation.method, headers=headers, data=b"{", content_type="a/b"
    )
    assert problem(answer, 401)["message"] == "Unauthenticated."
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("endpoint", routes())
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says_and_is_told_so_before_its_body_is_read(any_world, endpoint, role):
    operation = operations_by_endpoint()[endpoint]
    answer = any_world.ask(
        operation.method,
        path_of(operation) + "?no_such_parameter=1",
        raw=b"{",
        content_type="a/b",
        **any_world.credential(operation, role),
    )
    if operation.permission in role.permissions:
        assert answer.status_code not in (401, 403)
    else:
        assert problem(answer, 403)["message"] == "This action is unauthorized."


def test_a_viewer_only_reads():
    reading = {each.id for each in operations_by_endpoint().values() if each.permission is Permission.READ}
    writing = {
        each.id for each in operations_by_endpoint().values() if each.permission and each.method != "GET"
    }
    assert Role.VIEWER.permissions == {Permission.READ}
    # A session changes nothing by itself, and can do no more than its creator.
    assert reading & writing == {"create_panel_session"}


def test_a_revoked_token_is_refused_at_once(world):
    issued = world.bridge.access.create_token(tenant_id="acme", role=Role.ADMIN, user_id=None, label="x")
    assert world.ask("GET", "/api/stripe/integrations", token=issued.secret).status_code == 200
    world.bridge.access.revoke_token(issued.token.id)
    problem(world.ask("GET", "/api/stripe/integrations", token=issued.secret), 401)


def test_a_forbidden_request_changes_nothing(world):
    problem(world.ask("POST", "/api/stripe/integrations", {"name": "x"}, role=Role.MEMBER), 403)
    assert world.bridge.integrations.list("acme", PageRequest()).total == 0


def test_sending_is_limited_to_thirty_a_minute_whatever_the_answers_were(world):
    for _ in range(30):
        problem(world.ask("POST", "/api/stripe/invoices", {}), 422)
    answer = world.ask("POST", "/api/stripe/invoices", {})
    assert problem(answer, 429)["message"] == "Too Many Attempts."
    assert answer.headers["X-RateLimit-Limit"] == "30"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    # Others, and other operations, go on.
    problem(world.ask("POST", "/api/stripe/invoices", {}, role=Role.MEMBER), 422)
    assert world.ask("GET", "/api/stripe/integrations").status_code == 200


def test_a_weak_role_is_counted_too(world):
    for _ in range(30):
        problem(world.ask("POST", "/api/stripe/invoices", {}, role=Role.VIEWER), 403)
    problem(world.ask("POST", "/api/stripe/invoices", {}, role=Role.VIEWER), 429)


def test_a_limit_whose_storage_is_unavailable_limits_no_client():
    # Nothing listens on this port.
    world = World(rate_limit_storage_uri="redis://127.0.0.1:9/0")
    assert world.ask("GET", "/api/stripe/integrations").status_code == 200


def test_two_applications_count_apart_in_memory():
    first, second = World(), World()
    for _ in range(31):
        first.ask("POST", "/api/stripe/invoices", {})
    problem(second.ask("POST", "/api/stripe/invoices", {}), 422)


def a_failure(world, token="sbt_wrong", **environ):
    headers = {"Authorization": f"Bearer {token}"}
    return world.client.get(
        "/api/stripe/integrations", headers=headers, environ_overrides=environ
    ).status_code


def test_a_credential_that_keeps_failing_is_slowed_down_and_no_other(world):
    assert [a_failure(world) for _ in range(301)] == [401] * 300 + [429]
    assert a_failure(world, "sbt_another") == 401
    assert world.ask("GET", "/api/stripe/integrations").status_code == 200


def test_behind_trusted_proxies_failures_are_counted_by_address_but_refuse_no_good_credential():
    world = World(trusted_proxies=("10.0.0.0/8",))
    path = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "1.1.1.1, 203.0.113.7, 10.0.0.2"}
    assert [a_failure(world, f"sbt_{n}", **path) for n in range(301)] == [401] * 300 + [429]
    # What the client itself put there does not matter, and others are not affected.
    assert a_failure(world, **path | {"HTTP_X_FORWARDED_FOR": "2.2.2.2, 203.0.113.7"}) == 429
    assert a_failure(world, **path | {"HTTP_X_FORWARDED_FOR": "203.0.113.8"}) == 401
    assert a_failure(world, REMOTE_ADDR="198.51.100.1", HTTP_X_FORWARDED_FOR="203.0.113.7") == 401
    assert a_failure(world, world.token(), **path) == 200
