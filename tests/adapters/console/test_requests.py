import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import text_of
from tests.adapters.console.scene import STRANGER, a_scene


@pytest.fixture(scope="module")
def scene():
    return a_scene()


def test_a_request_shows_what_it_changed_and_which_calls_it_led_to(scene):
    page = text_of(scene.world.visitor(Role.VIEWER).get(f"/console/requests/{scene.ids['request_id']}"))
    for what in ("invoice.created", "invoice.sent", "create draft", "finalize", "confirmed"):
        assert what.replace("_", " ") in page, page
    assert "By token" not in page


def test_who_may_read_acts_sees_who_made_the_request(scene):
    page = text_of(scene.world.visitor(Role.ADMIN).get(f"/console/requests/{scene.ids['request_id']}"))
    assert "By token " in page


def test_a_request_is_found_by_the_form(scene):
    jane = scene.world.visitor(Role.VIEWER)
    answer = jane.get("/console/requests", id=scene.ids["request_id"])
    assert answer.headers["Location"] == f"/console/requests/{scene.ids['request_id']}"


def test_an_id_that_a_caller_chose_is_found_whatever_is_in_it(scene):
    world, id_ = scene.world, "erp:/a+b=c..d"
    world.ask("POST", "/api/stripe/integrations", {"name": "Other"}, headers={"X-Request-Id": id_})
    jane = world.visitor(Role.VIEWER)
    answer = jane.get(jane.get("/console/requests", id=id_).headers["Location"])
    assert "integration.created" in text_of(answer)
    assert id_ in text_of(answer)


def test_another_tenants_request_is_not_found_and_an_operator_finds_every_one(scene):
    path = f"/console/requests/{scene.ids['request_id']}"
    assert scene.world.visitor(Role.ADMIN, STRANGER).get(path).status_code == 404
    assert scene.world.operator().get(path).status_code == 200
    assert scene.world.operator().get(path, tenant=STRANGER).status_code == 404


def test_what_was_done_in_the_console_is_found_by_its_request_too(scene):
    jane = scene.world.visitor()
    created = jane.post("/console/tokens", {"role": "viewer"}, form="/console/tokens/new")
    path = f"/console/requests/{created.headers['X-Request-Id']}"
    assert "token.created" in text_of(jane.get(path))
    hidden = text_of(scene.world.visitor(Role.VIEWER).get(path))
    assert "act" in hidden
    assert "token.created" not in hidden
