"""Who may call the API and see the console: bearer tokens and sessions, and the idempotency keys of requests."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.access.console_links import CreateConsoleLink
from stripe_bridge.use_cases.access.console_sessions import (
    AuthenticateConsole,
    BeginConsoleSession,
    ListConsoleSessions,
    PurgeConsole,
    RevokeConsoleSession,
    SignInByLink,
)
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
from stripe_bridge.use_cases.access.sign_in import BeginSignIn, CompleteSignIn
from stripe_bridge.use_cases.access.tenants import ListTenants
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
    create_console_link: CreateConsoleLink
    sign_in_by_link: SignInByLink
    begin_sign_in: BeginSignIn
    complete_sign_in: CompleteSignIn
    authenticate_console: AuthenticateConsole
    list_console_sessions: ListConsoleSessions
    revoke_console_session: RevokeConsoleSession
    purge_console: PurgeConsole
    create_token: CreateToken
    list_tokens: ListTokens
    revoke_token: RevokeToken
    check_tenant: CheckTenant
    list_tenants: ListTenants
    begin_request: BeginIdempotentRequest
    finish_request: FinishIdempotentRequest
    purge_idempotency_keys: PurgeIdempotencyKeys
    record_denial: RecordDenial
    forget_act_windows: ForgetActWindows


def build_access(adapters: Adapters, *, public_url: str) -> Access:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    provider = adapters.sign_in_provider
    return Access(
        authenticate=Authenticate(store, adapters.identity_provider),
        create_panel_session=CreatePanelSession(store, clock, identifiers),
        authenticate_panel_session=AuthenticatePanelSession(store, clock),
        purge_panel_sessions=PurgePanelSessions(store, clock),
        create_console_link=CreateConsoleLink(store, clock, identifiers, public_url),
        sign_in_by_link=SignInByLink(store, clock, identifiers, public_url),
        begin_sign_in=BeginSignIn(provider),
        complete_sign_in=CompleteSignIn(provider, BeginConsoleSession(store, clock, identifiers)),
        authenticate_console=AuthenticateConsole(store, clock),
        list_console_sessions=ListConsoleSessions(store, clock),
        revoke_console_session=RevokeConsoleSession(store, clock),
        purge_console=PurgeConsole(store, clock),
        create_token=CreateToken(store, clock, identifiers),
        list_tokens=ListTokens(store),
        revoke_token=RevokeToken(store, clock),
        check_tenant=CheckTenant(store),
        list_tenants=ListTenants(store),
        begin_request=BeginIdempotentRequest(store, clock, adapters.vault),
        finish_request=FinishIdempotentRequest(store, adapters.vault),
        purge_idempotency_keys=PurgeIdempotencyKeys(store, clock),
        record_denial=RecordDenial(store, clock),
        forget_act_windows=ForgetActWindows(store, clock),
    )
