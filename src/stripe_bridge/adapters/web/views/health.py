from __future__ import annotations

from importlib.metadata import version
from typing import Any

from werkzeug.exceptions import ServiceUnavailable

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.service import HealthSchema, ReadinessSchema

HEALTH_ROUTE = "/healthz"


def health() -> dict[str, str]:
    """What a process answers for as long as it is up."""
    return {"status": "ok", "version": version("stripe-bridge")}


@operation(
    "GET",
    HEALTH_ROUTE,
    permission=None,
    query=None,
    answers={200: HealthSchema},
    problems=(ServiceUnavailable,),
)
def show_health(_request: ApiRequest) -> Any:
    """Health

    The process is up, and this is its release.
    """
    return health()


@operation(
    "GET", "/readyz", permission=None, query=None, answers={200: ReadinessSchema, 503: ReadinessSchema}
)
def show_readiness(request: ApiRequest) -> Any:
    """Readiness

    Whether the database (including writes), its schema, the queue and the signing secrets are usable; 503 if not. A clock that
    is more than 30 s off is reported, but the status stays 200.
    """
    readiness = request.bridge.operations.check_readiness()
    checks = {name: fault or "ok" for name, fault in (readiness.faults | readiness.warnings).items()}
    if readiness.is_ready:
        return {"status": "ok", "checks": checks}, 200
    return {"status": "unavailable", "checks": checks}, 503


HEALTH = (show_health, show_readiness)
