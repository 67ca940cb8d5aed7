"""Lists by page and by cursor."""

from __future__ import annotations

from marshmallow import fields

from stripe_bridge.adapters.web.schemas.fields import QueryNumber, RequestSchema, ResponseSchema, Text
from stripe_bridge.domain.paging import DEFAULT_PER_PAGE, MAX_PAGE, MAX_PER_PAGE


class PageQuery(RequestSchema):
    page = QueryNumber(low=1, high=MAX_PAGE)
    per_page = QueryNumber(low=1, high=MAX_PER_PAGE, load_default=DEFAULT_PER_PAGE)
    cursor = Text(
        metadata={
            "description": "Instead of `page`: the `next_cursor` of the previous page. Costs the same on every page, "
            "but shows no totals."
        },
    )


class PageSchema(ResponseSchema):
    """By cursor there is no `total` and no `last_page`, and only the next page is known."""

    current_page = fields.Integer(allow_none=True, metadata={"examples": [1]})
    per_page = fields.Integer(metadata={"examples": [DEFAULT_PER_PAGE]})
    total = fields.Integer(metadata={"sometimes": True, "examples": [1]})
    last_page = fields.Integer(metadata={"sometimes": True, "examples": [1]})
    first_row = fields.Integer(data_key="from", allow_none=True, metadata={"examples": [1]})
    last_row = fields.Integer(data_key="to", allow_none=True, metadata={"examples": [1]})
    next_page_url = fields.String(allow_none=True)
    prev_page_url = fields.String(allow_none=True)
    next_cursor = fields.String(allow_none=True)
