"""Tokens: who may call the API."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf

from stripe_bridge.adapters.console.once import SENT_BEFORE, OneUseForm, act_once, new_form_key
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, Text
from stripe_bridge.domain.access import ApiToken, Permission, Role
from stripe_bridge.domain.errors.base import TokenNotFound

_MAX_LABEL = 255


class NewToken(OneUseForm):
    role = fields.String(required=True, validate=OneOf([role.value for role in Role]))
    label = Text(load_default="", validate=Length(max=_MAX_LABEL))
    user_id = QueryNumber(low=1, high=MAX_ID, load_default=None)


@page("GET", "/tokens", permission=Permission.MANAGE_TOKENS, scope=Scope.ALL_TENANTS)
def list_tokens(visit: Visit) -> Any:
    tokens = [token for token in visit.bridge.access.list_tokens() if _is_visible(visit, token)]
    return render("tokens/list.html", tokens=tokens[::-1])


@page("GET", "/tokens/new", permission=Permission.MANAGE_TOKENS)
def new_token(_visit: Visit) -> Any:
    return _form()


@page("POST", "/tokens", permission=Permission.MANAGE_TOKENS)
def create_token(visit: Visit) -> Any:
    """Answers with the token, which is shown only once: no other page could."""
    try:
        given = visit.form(NewToken)
    except RequestInvalid as error:
        return _form(422, error)
    create = partial(
        visit.bridge.access.create_token,
        tenant_id=visit.tenant,
        role=Role(given["role"]),
        user_id=given["user_id"],
        label=given["label"],
    )
    issued = act_once(visit, given["form_key"], create)
    if issued is None:
        return done(SENT_BEFORE, "/tokens")
    return render("tokens/created.html", issued=issued)


@page("GET", "/tokens/<id:token_id>/revoke", permission=Permission.MANAGE_TOKENS, scope=Scope.ALL_TENANTS)
def confirm_revoking_token(visit: Visit, token_id: int) -> Any:
    return render("tokens/revoke.html", token=_find(visit, token_id))


@page("POST", "/tokens/<id:token_id>/revoke", permission=Permission.MANAGE_TOKENS, scope=Scope.ALL_TENANTS)
def revoke_token(visit: Visit, token_id: int) -> Any:
    token = visit.bridge.access.revoke_token(_find(visit, token_id).id)
    return done(f"Token {token.id} of {token.tenant_id} is revoked.", "/tokens")


TOKENS = Section("Tokens", (list_tokens, new_token, create_token, confirm_revoking_token, revoke_token))


def _form(status: int = 200, invalid: RequestInvalid | None = None) -> Any:
    return render(
        "tokens/new.html",
        status,
        roles=[role.value for role in Role],
        faults={} if invalid is None else invalid.errors,
        form_key=new_form_key(),
    )


def _find(visit: Visit, token_id: int) -> ApiToken:
    """Raises TokenNotFound, for another tenant's as for one that does not exist."""
    for token in visit.bridge.access.list_tokens():
        if token.id == token_id and _is_visible(visit, token):
            return token
    raise TokenNotFound


def _is_visible(visit: Visit, token: ApiToken) -> bool:
    return visit.tenant_id is None or token.tenant_id == visit.tenant_id
