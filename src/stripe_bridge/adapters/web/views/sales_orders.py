from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.sales_orders import (
    SalesOrderAnswer,
    SalesOrderBody,
    SalesOrderWritten,
)
from stripe_bridge.adapters.web.views.sequence import sequence_of
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.errors.conflicts import OrderOutdated
from stripe_bridge.domain.errors.rules import CurrencyLocked
from stripe_bridge.domain.errors.values import (
    AmountNotChargeable,
    CurrencyUnknown,
    LinesDoNotAddUp,
    UpdatedInFuture,
)
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrderCommand

_PATH = "/api/sales-orders/<id:sales_order_id>"


@operation(
    "PUT",
    _PATH,
    permission=Permission.WRITE_SALES_ORDERS,
    body=SalesOrderBody,
    answers={200: SalesOrderWritten, 201: SalesOrderWritten},
    says_sequence=True,
    problems=(
        CurrencyUnknown,
        AmountNotChargeable,
        LinesDoNotAddUp,
        UpdatedInFuture,
        OrderOutdated,
        CurrencyLocked,
    ),
    documented={
        "responses": {
            200: {"description": "The order, which was stored before"},
            201: {"description": "The order, stored for the first time"},
        }
    },
)
def put_sales_order(request: ApiRequest, sales_order_id: int) -> Any:
    """Store Sales Order

    201 if it is new. Storing the same copy again changes nothing; an older one is a 409.
    """
    command = PutSalesOrderCommand(
        tenant_id=request.principal.tenant_id, sales_order_id=sales_order_id, **request.body
    )
    stored = request.bridge.sales_orders.put(command)
    body = {"data": stored.view, "message": "Sales order stored."}
    return body, 201 if stored.created else 200, sequence_of(request, sales_order_id=sales_order_id)


@operation(
    "GET",
    _PATH,
    permission=Permission.READ,
    answers={200: SalesOrderAnswer},
    problems=(SalesOrderNotFound,),
)
def show_sales_order(request: ApiRequest, sales_order_id: int) -> Any:
    """Show Sales Order

    The stored copy, with what the order still owes.
    """
    return {"data": request.bridge.sales_orders.show(request.principal.tenant_id, sales_order_id)}


SALES_ORDERS = (put_sales_order, show_sales_order)
