"""A page of a list, as the contract shows it."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request

from stripe_bridge.domain.paging import Page, PageRequest


def page_request(query: Mapping[str, Any], *, by_update: bool = False) -> PageRequest:
    return PageRequest.of(
        page=query.get("page"),
        per_page=query["per_page"],
        cursor=query.get("cursor"),
        by_update=by_update,
    )


def paginated(page: Page[Any]) -> dict[str, Any]:
    """For a PageSchema. By cursor only the next page is known."""
    asked = page.request
    body = {
        "data": page.items,
        "current_page": None,
        "per_page": asked.per_page,
        "first_row": None,
        "last_row": None,
        "next_page_url": None,
        "prev_page_url": None,
        "next_cursor": page.next_cursor,
    }
    if page.total is None:
        if page.next_cursor is not None:
            body["next_page_url"] = _url(cursor=page.next_cursor)
        return body
    last_page = max(1, ceil(page.total / asked.per_page))
    body |= {"current_page": asked.page, "total": page.total, "last_page": last_page}
    if page.items:
        body |= {"first_row": asked.offset + 1, "last_row": asked.offset + len(page.items)}
    if asked.page < last_page:
        body["next_page_url"] = _url(page=asked.page + 1)
    if asked.page > 1:
        body["prev_page_url"] = _url(page=min(asked.page - 1, last_page))
    return body


def _url(**other: int | str) -> str:
    """This list with the same filters, at another page."""
    query = {**request.args.to_dict(), **other}
    return f"{current_app.config['PUBLIC_URL']}{request.path}?{urlencode(query)}"
