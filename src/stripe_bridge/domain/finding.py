"""A finding: a problem that the doctor found, and what can be done about it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Fix(StrEnum):
    """A way to fix a finding that needs no decision; discarding secrets has to be asked for by name."""

    REGISTER_RECEIVERS = "register_receivers"
    REPAIR_RECEIVERS = "repair_receivers"
    RECONCILE = "reconcile"
    RESOLVE_INTENTS = "resolve_intents"
    REPLAY_EVENTS = "replay_events"
    DISCARD_SECRETS = "discard_secrets"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is wrong with the `subject`, and the `remedy`. `integration_id` names the integration to `fix`, if it is one."""

    severity: Severity
    subject: str
    what: str
    remedy: str
    fix: Fix | None = None
    integration_id: int | None = None

    @classmethod
    def error(
        cls, subject: str, what: str, remedy: str, fix: Fix | None = None, integration_id: int | None = None
    ) -> Finding:
        """Something does not work."""
        return cls(Severity.ERROR, subject, what, remedy, fix, integration_id)

    @classmethod
    def warning(
        cls, subject: str, what: str, remedy: str, fix: Fix | None = None, integration_id: int | None = None
    ) -> Finding:
        """Something is late, or unusual."""
        return cls(Severity.WARNING, subject, what, remedy, fix, integration_id)

    @classmethod
    def note(cls, subject: str, what: str, remedy: str) -> Finding:
        """Nothing is known to be wrong, but it cannot be checked."""
        return cls(Severity.NOTE, subject, what, remedy)


def counted(number: int, noun: str) -> str:
    """`1 invoice`, `2 invoices`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def for_tenant(command: str, tenant_id: str) -> str:
    """The command for one tenant, whose name may be any text, to be copied into a shell."""
    return f"{command} --tenant {shlex.quote(tenant_id)}"
