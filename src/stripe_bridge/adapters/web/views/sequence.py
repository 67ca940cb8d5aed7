"""The header with which a write says what it has recorded, so that a front end can wait for its own write."""

from __future__ import annotations

import logging

from stripe_bridge.adapters.web.endpoints import ApiRequest
from stripe_bridge.domain.errors.base import BridgeError

_log = logging.getLogger(__name__)
SEQUENCE = "X-Sequence"


def sequence_of(
    request: ApiRequest, *, sales_order_id: int | None = None, invoice_id: int | None = None
) -> dict[str, str]:
    """The number of the last change of the order, or of the invoice's order. Without one there is no header."""
    tenant_id = request.principal.tenant_id
    try:
        number = request.bridge.changes.find_last(
            tenant_id, sales_order_id=sales_order_id, invoice_id=invoice_id
        )
    except BridgeError as error:
        # The write is done, and its answer stands.
        _log.warning("the number of a change was not found", extra={"reason": error.message})
        return {}
    return sequence_header(number)


def sequence_header(number: int | None) -> dict[str, str]:
    return {} if number is None else {SEQUENCE: str(number)}
