"""What a provider's claims say of somebody: tenant, role, user and subject."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.errors.base import Unauthenticated

_log = logging.getLogger(__name__)
_MAX_TENANT_LENGTH = 64
# OpenID Connect's own bound.
_MAX_SUBJECT_LENGTH = 255
_MAX_USER_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimNames:
    tenant: str
    role: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    tenant_id: str
    role: Role


def subject_of(claims: Mapping[str, Any]) -> str:
    """Raises Unauthenticated."""
    subject = claims["sub"]
    if not _is_name(subject, _MAX_SUBJECT_LENGTH):
        _log.info("JWT without a usable subject")
        raise Unauthenticated
    return subject


def membership_of(claims: Mapping[str, Any], names: ClaimNames) -> Membership:
    """Raises Unauthenticated: there is no default tenant, and no default role."""
    tenant, role = claims.get(names.tenant), claims.get(names.role)
    known = {known.value for known in Role}
    if not _is_name(tenant, _MAX_TENANT_LENGTH) or not isinstance(role, str) or role not in known:
        _log.info("JWT without a usable tenant or role")
        raise Unauthenticated
    return Membership(tenant_id=tenant, role=Role(role))


def user_id_of(claims: Mapping[str, Any], names: ClaimNames) -> int | None:
    """The ERP's integer; some providers send numbers as text."""
    claim = claims.get(names.user)
    if isinstance(claim, str) and re.fullmatch("[0-9]{1,19}", claim):
        claim = int(claim)
    is_id = isinstance(claim, int) and not isinstance(claim, bool) and 0 < claim <= _MAX_USER_ID
    return claim if is_id and isinstance(claim, int) else None


def _is_name(claim: object, max_length: int) -> TypeGuard[str]:
    """Whether it is text that every database can store."""
    return (
        isinstance(claim, str)
        and 0 < len(claim) <= max_length
        and not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in claim)
    )
