import re

import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import text_of


def test_a_tenants_admin_sees_the_tokens_of_the_tenant_alone(world):
    world.token(Role.VIEWER, "initech")
    page = world.visitor().get("/console/tokens")
    assert page.status_code == 200
    assert "acme" in text_of(page)
    assert "initech" not in text_of(page)


def test_an_operator_sees_all_tokens_or_those_of_the_tenant_that_he_chose(world):
    world.token(Role.VIEWER, "initech")
    world.token(Role.VIEWER, "acme")
    everything = text_of(world.operator().get("/console/tokens"))
    assert "acme viewer" in everything
    assert "initech viewer" in everything
    chosen = text_of(world.operator().get("/console/tokens", tenant="initech"))
    assert "initech viewer" in chosen
    assert "acme viewer" not in chosen


def test_a_new_token_is_shown_once_and_works(world):
    jane = world.visitor()
    page = jane.post("/console/tokens", {"role": "member", "label": "ERP"}, form="/console/tokens/new")
    (secret,) = re.findall(r"sbt_[\w-]+", page.get_data(as_text=True))
    assert world.bridge.access.authenticate(secret).role is Role.MEMBER
    assert secret not in jane.get("/console/tokens").get_data(as_text=True)


def test_a_page_that_is_loaded_again_creates_no_other_token_and_keeps_no_secret(world):
    jane, page = world.visitor(), "/console/tokens"
    sent = {**jane.hidden(f"{page}/new"), "role": "member"}
    assert jane.client.post(page, data=sent).status_code == 200
    before = world.bridge.access.list_tokens()

    again = jane.client.post(page, data=sent)

    assert (again.status_code, again.headers["Location"]) == (303, page)
    assert "nothing was done again" in text_of(jane.get(page))
    assert world.bridge.access.list_tokens() == before
    assert jane.client.post(page, data=sent | jane.hidden(f"{page}/new")).status_code == 200


def test_a_token_is_not_created_by_a_form_without_its_key(world):
    jane = world.visitor()
    before = world.bridge.access.list_tokens()
    fields = {"role": "member", "form_key": "mine"}
    assert jane.post("/console/tokens", fields, form="/console/tokens/new").status_code == 422
    assert world.bridge.access.list_tokens() == before


def test_a_form_that_is_filled_in_wrongly_says_where(world):
    page = world.visitor().post(
        "/console/tokens", {"role": "member", "user_id": "x"}, form="/console/tokens/new"
    )
    assert page.status_code == 422
    assert "Not a whole number." in text_of(page)


def test_what_was_filled_in_is_still_there_when_something_of_it_is_wrong(world):
    fields = {"role": "member", "label": "ERP", "user_id": "x"}
    page = world.visitor().post("/console/tokens", fields, form="/console/tokens/new").get_data(as_text=True)
    assert '<option value="member" selected>' in page
    assert 'name="label" value="ERP"' in page
    assert 'name="user_id" value="x"' in page


def test_a_token_is_revoked_after_a_question_and_the_result_is_said_once(world):
    jane = world.visitor()
    secret = world.token(Role.VIEWER)
    (token,) = [each for each in world.bridge.access.list_tokens() if each.role is Role.VIEWER]
    path = f"/console/tokens/{token.id}/revoke"
    assert "still uses it will be refused" in text_of(jane.get(path))
    answer = jane.post(path, form=path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/tokens")
    said = f"Token {token.id} of acme is revoked."
    assert said in text_of(jane.get("/console/tokens"))
    assert said not in text_of(jane.get("/console/tokens"))
    assert world.ask("GET", "/api/me", token=secret).status_code == 401


def test_another_tenants_token_is_not_found(world):
    world.token(Role.VIEWER, "initech")
    (theirs,) = [each for each in world.bridge.access.list_tokens() if each.tenant_id == "initech"]
    jane = world.visitor()
    path = f"/console/tokens/{theirs.id}/revoke"
    assert jane.get(path).status_code == 404
    assert jane.post(path, form="/console/tokens/new").status_code == 404
    assert world.bridge.access.list_tokens()[0].revoked_at is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.POWER_USER])
def test_only_admins_manage_tokens(world, role):
    assert world.visitor(role).get("/console/tokens").status_code == 403
