from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.access import MeAnswer
from stripe_bridge.domain.access import Permission


@operation("GET", "/api/me", permission=Permission.READ, answers={200: MeAnswer})
def show_me(request: ApiRequest) -> Any:
    """Show Me

    The token's tenant and user, and what its role allows.
    """
    me = request.principal
    return {
        "data": {
            "tenant": me.tenant_id,
            "role": me.role,
            "user_id": me.user_id,
            "permissions": sorted(me.permissions),
        }
    }


ACCESS = (show_me,)
