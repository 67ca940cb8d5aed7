"""Mending what an examination found, where that is possible without asking anybody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.finding import Finding, Fix
from stripe_bridge.ports.stripe.errors import GatewayError

_log = logging.getLogger(__name__)
Mend = Callable[[Finding], str]


class ApplyFixes:
    """Do each fix once, with a sentence for each that says what was done, or why it could not be."""

    def __init__(self, fixes: dict[Fix, Mend]) -> None:
        self._fixes = fixes

    def __call__(self, findings: Iterable[Finding]) -> Iterator[str]:
        done = set()
        for finding in findings:
            if finding.fix is None or (finding.fix, finding.integration_id) in done:
                continue
            done.add((finding.fix, finding.integration_id))
            try:
                yield self._fixes[finding.fix](finding)
            except BridgeError as error:
                _log.warning("finding could not be fixed", exc_info=error)
                why = error.reason if isinstance(error, GatewayError) else error.message
                yield f"{finding.subject}: could not be fixed: {why}"
