from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import Call, operation
from stripe_bridge.adapters.web.schemas.sales_orders import (
    SalesOrderAnswer,
    SalesOrderBody,
    SalesOrderWritten,
)
from stripe_bridge.adapters.web.views.sequence import sequence_of
from stripe_bridge.domain.access import Permission
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrderCommand

_PATH = "/api/sales-orders/<id:sales_order_id>"


@operation(
    "PUT",
    _PATH,
    permission=Permission.WRITE_SALES_ORDERS,
    body=SalesOrderBody,
    answers={200: SalesOrderWritten, 201: SalesOrderWritten},
    problems=(409,),
    says_sequence=True,
)
def put_sales_order(call: Call, sales_order_id: int) -> Any:
    """Store Sales Order

    201 if it is new. Storing the same copy again changes nothing; an older one is a 409.
    """
    command = PutSalesOrderCommand(
        tenant_id=call.principal.tenant_id, sales_order_id=sales_order_id, **call.body
    )
    stored = call.bridge.sales_orders.put(command)
    body = {"data": stored.view, "message": "Sales order stored."}
    return body, 201 if stored.created else 200, sequence_of(call, sales_order_id=sales_order_id)


@operation("GET", _PATH, permission=Permission.READ, answers={200: SalesOrderAnswer})
def show_sales_order(call: Call, sales_order_id: int) -> Any:
    """Show Sales Order"""
    return {"data": call.bridge.sales_orders.show(call.principal.tenant_id, sales_order_id)}


SALES_ORDERS = (put_sales_order, show_sales_order)
