"""Every route of the console, for every role of the owning tenant and of another one, for operators, and for nobody."""

import re

import pytest

from stripe_bridge.adapters.console.routes import Scope
from stripe_bridge.domain.access import Permission, Role
from tests.adapters.console.browser import Browser, text_of
from tests.adapters.console.scene import OWNER, ROUTES, STRANGER, Scene, a_scene

ALL = sorted(ROUTES)
WITH_ID = [name for name in ALL if "<" in ROUTES[name].path]
POSTS = [name for name in ALL if ROUTES[name].method == "POST"]
# It notes what it saw of receivers, and how far logs were checked, as monitoring does.
NOTING = {"ask_doctor"}
CHOOSE = "Operators see the data of every tenant."


@pytest.fixture(scope="module")
def prepared() -> Scene:
    return a_scene()


@pytest.fixture
def scene(prepared: Scene):
    """The same for each test: what one does is undone."""
    with prepared.world.undoing():
        yield prepared


def without_what_varies(answer, scene, ids):
    """The page, but for the request's id, the time and the path."""
    page = text_of(answer).replace(str(answer.headers["X-Request-Id"]), "")
    for value in ids.values():
        page = re.sub(rf"/{value}\b", "/?", page)
    return page


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", ALL)
def test_what_is_ones_own_is_shown_to_whoever_may_see_it(scene, name, role):
    route = ROUTES[name]
    answer = scene.ask(scene.visitor(role), route)
    if route.permission in role.permissions:
        assert answer.status_code in (200, 303), text_of(answer)
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", WITH_ID)
def test_what_is_anothers_answers_exactly_as_what_is_nowhere(scene, name, role):
    route = ROUTES[name]
    stranger = scene.visitor(role, STRANGER)
    commits = scene.world.store.commits
    foreign, nowhere = scene.ask(stranger, route), scene.ask(stranger, route, ids=scene.nowhere())
    assert foreign.status_code == (404 if route.permission in role.permissions else 403)
    assert without_what_varies(foreign, scene, scene.ids_for(route)) == without_what_varies(
        nowhere, scene, scene.nowhere()
    )
    if route.permission in role.permissions:
        assert scene.world.store.commits == commits


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", ALL)
def test_nobody_sees_another_tenant_by_naming_it(scene, name, role):
    stranger = scene.visitor(role, STRANGER)
    assert scene.ask(stranger, ROUTES[name], tenant=OWNER).status_code == 404


@pytest.mark.parametrize("name", [name for name in ALL if ROUTES[name].method == "GET"])
def test_a_page_of_another_tenant_shows_nothing_of_the_owners(scene, name):
    stranger = scene.visitor(Role.ADMIN, STRANGER)
    page = scene.ask(stranger, ROUTES[name]).get_data(as_text=True)
    assert "onerror" not in page
    assert OWNER not in page


@pytest.mark.parametrize("name", ALL)
def test_an_operator_sees_every_page_of_the_tenant_that_he_chose(scene, name):
    answer = scene.ask(scene.visitor(None, None), ROUTES[name], tenant=OWNER)
    assert answer.status_code in (200, 303), text_of(answer)


@pytest.mark.parametrize("name", ALL)
def test_an_operator_who_has_not_chosen_a_tenant_is_asked_to_where_there_must_be_one(scene, name):
    route = ROUTES[name]
    # What belongs to no tenant has a log of its own.
    answer = scene.ask(scene.visitor(None, None), route, ids=scene.ids | {"sequence": 1})
    assert answer.status_code in (200, 303), text_of(answer)
    if route.scope is Scope.ONE_TENANT:
        assert CHOOSE in text_of(answer)


@pytest.mark.parametrize("name", ALL)
def test_an_operator_who_names_a_tenant_that_is_none_is_told_so(scene, name):
    assert scene.ask(scene.visitor(None, None), ROUTES[name], tenant="nobody").status_code == 404


@pytest.mark.parametrize("name", ALL)
def test_who_is_not_signed_in_sees_and_does_nothing(scene, name):
    commits = scene.world.store.commits
    answer = scene.ask(Browser(scene.world), ROUTES[name])
    assert answer.status_code == (302 if ROUTES[name].method == "GET" else 401)
    assert scene.world.store.commits == commits


@pytest.mark.parametrize("token", ["missing", "wrong", "another session's", "another browser's"])
@pytest.mark.parametrize("name", POSTS)
def test_a_form_that_is_not_from_this_session_does_nothing(scene, name, token):
    admin, stranger = (
        scene.visitor(),
        scene.world.visitor(Role.ADMIN, OWNER, "mallory"),
    )
    nobody = Browser(scene.world)
    nobody.get("/console/sign-in")
    tokens = {
        "missing": "",
        # All of it: the last letter of a signature has bits that do not count.
        "wrong": admin.token().swapcase(),
        "another session's": stranger.token(),
        "another browser's": nobody.token(),
    }
    commits = scene.world.store.commits
    answer = admin.client.post(scene.path(ROUTES[name]), data={"csrf": tokens[token]})
    assert answer.status_code == 403
    assert "The form is not from this session." in text_of(answer)
    assert scene.world.store.commits == commits


@pytest.mark.parametrize("name", ALL)
def test_no_page_acts_by_get(scene, name):
    route = ROUTES[name]
    if route.method == "GET":
        admin = scene.visitor(None, None)
        commits = scene.world.store.commits
        recorded = scene.world.store.committed.changes
        scene.ask(admin, route, tenant=OWNER)
        assert scene.world.store.commits == commits or route.id in NOTING
        assert scene.world.store.committed.changes.rows == recorded.rows


def test_what_belongs_to_the_service_is_for_operators_alone():
    assert not any(Permission.OPERATE in role.permissions for role in Role)
