"""Who may call the API: bearer tokens, and the idempotency keys of their requests."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.access.denials import ForgetActWindows, RecordDenial
from stripe_bridge.use_cases.access.idempotency import (
    BeginIdempotentRequest,
    FinishIdempotentRequest,
    PurgeIdempotencyKeys,
)
from stripe_bridge.use_cases.access.panel_sessions import (
    AuthenticatePanelSession,
    CreatePanelSession,
    PurgePanelSessions,
)
from stripe_bridge.use_cases.access.tokens import (
    Authenticate,
    CheckTenant,
    CreateToken,
    ListTokens,
    RevokeToken,
)


@dataclass(frozen=True, kw_only=True)
class Access:
    authenticate: Authenticate
    create_panel_session: CreatePanelSession
    authenticate_panel_session: AuthenticatePanelSession
    purge_panel_sessions: PurgePanelSessions
    create_token: CreateToken
    list_tokens: ListTokens
    revoke_token: RevokeToken
    check_tenant: CheckTenant
    begin_request: BeginIdempotentRequest
    finish_request: FinishIdempotentRequest
    purge_idempotency_keys: PurgeIdempotencyKeys
    record_denial: RecordDenial
    forget_act_windows: ForgetActWindows


def build_access(adapters: Adapters) -> Access:
    store, clock = adapters.store, adapters.clock
    return Access(
        authenticate=Authenticate(store, adapters.identity_provider),
        create_panel_session=CreatePanelSession(store, clock, adapters.identifiers),
        authenticate_panel_session=AuthenticatePanelSession(store, clock),
        purge_panel_sessions=PurgePanelSessions(store, clock),
        create_token=CreateToken(store, clock, adapters.identifiers),
        list_tokens=ListTokens(store),
        revoke_token=RevokeToken(store, clock),
        check_tenant=CheckTenant(store),
        begin_request=BeginIdempotentRequest(store, clock, adapters.vault),
        finish_request=FinishIdempotentRequest(store, adapters.vault),
        purge_idempotency_keys=PurgeIdempotencyKeys(store, clock),
        record_denial=RecordDenial(store, clock),
        forget_act_windows=ForgetActWindows(store, clock),
    )
