"""Subscribers: created, tried, resumed and given up by people."""

import re

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.ports.deliveries import NotDelivered
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from tests.adapters.console.browser import ConsoleWorld, text_of

URL = "https://erp.example.com/stripe-changes"
HOSTILE = "<script>alert(1)</script>"


def subscriber(world: ConsoleWorld, tenant: str = "acme", **given) -> int:
    view, _ = world.bridge.subscribers.create(tenant, NewSubscriber(**{"url": URL, **given}))
    return view.subscriber.id


def stored(world: ConsoleWorld, subscriber_id: int):
    return world.bridge.subscribers.show("acme", subscriber_id).subscriber


def test_one_is_created_with_a_secret_that_is_shown_once(world):
    jane = world.visitor()
    assert "No subscribers yet" in text_of(jane.get("/console/subscribers"))
    page = jane.post(
        "/console/subscribers",
        {"url": URL, "types": "invoice.*, refund.succeeded", "description": HOSTILE},
        form="/console/subscribers/new",
    ).get_data(as_text=True)
    (secret,) = set(re.findall(r"whsec_[\w+/=]+", page))
    (view,) = world.bridge.subscribers.list("acme")
    assert view.subscriber.types == ("invoice.*", "refund.succeeded")
    for path in ("/console/subscribers", f"/console/subscribers/{view.subscriber.id}"):
        page = jane.get(path).get_data(as_text=True)
        assert secret not in page
        assert HOSTILE not in page


def test_a_page_that_is_loaded_again_creates_no_other_one(world):
    jane, page = world.visitor(), "/console/subscribers"
    sent = {**jane.hidden(f"{page}/new"), "url": "http://erp.example.com/"}
    assert jane.client.post(page, data=sent).status_code == 422
    # Corrected after Back, it is the same form.
    assert jane.client.post(page, data=sent | {"url": URL}).status_code == 200

    again = jane.client.post(page, data=sent | {"url": URL})

    assert (again.status_code, again.headers["Location"]) == (303, page)
    assert "nothing was done again" in text_of(jane.get(page))
    assert len(world.bridge.subscribers.list("acme")) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "http://erp.example.com/"}, "Must be an https URL."),
        ({"url": ""}, "Missing data"),
        ({"url": URL, "types": "invoice.melted"}, "invoice.melted"),
        ({"url": URL, "max_batch": "1000"}, "100"),
        ({"url": URL, "after": "99999"}, "change is 1"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_says_where_and_nothing_is_created(world, fields, said):
    page = world.visitor().post("/console/subscribers", fields, form="/console/subscribers/new")
    assert page.status_code == 422
    assert said in text_of(page)
    assert 'class="fault"' in page.get_data(as_text=True)
    assert world.bridge.subscribers.list("acme") == []


def test_a_tenant_that_has_as_many_as_possible_is_told_so(world):
    for _ in range(5):
        subscriber(world)
    page = world.visitor().post("/console/subscribers", {"url": URL}, form="/console/subscribers/new")
    assert page.status_code == 422
    assert "the most that are possible" in text_of(page)


def ask(id_: int, act: str) -> str:
    return f"/console/subscribers/{id_}/confirm?act={act}"


def test_a_ping_says_what_was_answered_and_is_among_the_deliveries(world):
    id_ = subscriber(world)
    jane = world.visitor()
    for answer, said in ((204, "It answered 204"), (NotDelivered(HOSTILE), "No answer")):
        world.deliveries.answers.append(answer)
        jane.post(f"/console/subscribers/{id_}/ping", form=ask(id_, "ping"))
        page = jane.get(f"/console/subscribers/{id_}")
        assert said in text_of(page)
        assert HOSTILE not in page.get_data(as_text=True)
    assert len(world.deliveries.posted[URL]) == 2


def test_a_new_secret_is_shown_once_and_both_sign_for_a_day(world):
    id_ = subscriber(world)
    jane = world.visitor()
    page = jane.client.post(f"/console/subscribers/{id_}/rotate", data=jane.hidden(ask(id_, "rotate")))
    assert "requests are also signed with the former one" in text_of(page)
    assert re.search(r"whsec_[\w+/=]+", page.get_data(as_text=True))
    assert len(stored(world, id_).sealed_secrets(world.clock.now())) == 2


def test_one_is_disabled_enabled_resumed_and_deleted_each_after_a_question(world):
    id_ = subscriber(world, after=0)
    jane = world.visitor()
    for act, said in (("disable", "is disabled"), ("enable", "is enabled")):
        assert "continues where it stopped" in text_of(jane.get(ask(id_, act)))
        jane.post(f"/console/subscribers/{id_}/{act}", form=ask(id_, act))
        assert said in text_of(jane.get("/console/subscribers"))
        assert stored(world, id_).enabled is (act == "enable")

    wrong = jane.post(f"/console/subscribers/{id_}/resume", {"after": "999999"}, form=ask(id_, "resume"))
    assert wrong.status_code == 422
    jane.post(f"/console/subscribers/{id_}/resume", {"after": "1"}, form=ask(id_, "resume"))
    assert (stored(world, id_).after, stored(world, id_).resumed) == (1, 1)

    assert "deleted for good" in text_of(jane.get(ask(id_, "delete")))
    jane.post(f"/console/subscribers/{id_}/delete", form=ask(id_, "delete"))
    assert world.bridge.subscribers.list("acme") == []
    recorded = world.bridge.changes.list("acme", 20, types=frozenset({ChangeType.SUBSCRIBER_DELETED}))
    assert [each.shown()["actor"]["id"] for each in recorded] == ["jane"]


def test_asking_for_an_act_that_there_is_not_is_refused(world):
    id_ = subscriber(world)
    assert world.visitor().get(ask(id_, "explode")).status_code == 422


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.POWER_USER])
def test_only_admins_manage_subscribers(world, role):
    id_ = subscriber(world)
    somebody = world.visitor(role)
    assert somebody.get("/console/subscribers").status_code == 403
    assert somebody.post(f"/console/subscribers/{id_}/delete", form="/console/calls").status_code == 403
    assert len(world.bridge.subscribers.list("acme")) == 1


def test_another_tenants_subscriber_is_not_there_and_an_operator_sees_all(world):
    world.token(Role.ADMIN, "initech")
    theirs = subscriber(world, "initech", description="theirs")
    mine = subscriber(world)
    jane, olga = world.visitor(), world.operator()
    assert "theirs" not in text_of(jane.get("/console/subscribers"))
    assert jane.get(f"/console/subscribers/{theirs}").status_code == 404
    for act in ("ping", "rotate", "resume", "disable", "enable", "delete"):
        assert jane.get(ask(theirs, act)).status_code == 404
        answer = jane.post(f"/console/subscribers/{theirs}/{act}", {"after": "1"}, form=ask(mine, "ping"))
        assert answer.status_code == 404
    assert "theirs" in text_of(olga.get("/console/subscribers"))
    assert "theirs" in text_of(olga.get(f"/console/subscribers/{theirs}"))
    assert olga.get("/console/subscribers/999").status_code == 404


def test_a_page_that_is_sent_twice_makes_one_secret_so_that_the_receivers_still_signs(world):
    """Of the former ones only the last signs: a second one would lock out a receiver that has the first."""
    id_, jane = subscriber(world), world.visitor()
    first, hidden = stored(world, id_), jane.hidden(ask(id_, "rotate"))
    path = f"/console/subscribers/{id_}"
    assert jane.client.post(f"{path}/rotate", data=hidden).status_code == 200

    again = jane.client.post(f"{path}/rotate", data=hidden)

    assert first.sealed_secret in stored(world, id_).sealed_secrets(world.clock.now())
    assert (again.status_code, again.headers["Location"]) == (303, path)
    assert "It has received a new secret since, so nothing was done." in text_of(jane.get(path))
    hidden = jane.hidden(ask(id_, "rotate"))
    assert jane.client.post(f"{path}/rotate", data=hidden).status_code == 200
