"""Pages by number and by cursor."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stripe_bridge.domain.errors.values import Invalid, InvalidCursor
from stripe_bridge.domain.paging import Page, PageRequest, Update, cursor_after, cursor_after_update


@given(st.integers(min_value=1, max_value=10**18 - 1))
def test_a_cursor_leads_below_the_id_it_was_made_of(last_id):
    request = PageRequest.of(page=None, per_page=25, cursor=cursor_after(last_id))
    assert request.before_id == last_id
    assert request.by_cursor


@given(st.text())
@example("")
@example("é")
@example("=")
@example(base64.urlsafe_b64encode(b"id:-1").decode())
@example(base64.urlsafe_b64encode(b"id:1.5").decode())
@example(base64.urlsafe_b64encode(b"id:").decode())
@example(base64.urlsafe_b64encode("id:²".encode()).decode())
@example(base64.urlsafe_b64encode(b"id:" + b"9" * 19).decode())
@example(base64.urlsafe_b64encode(b"page:1").decode())
def test_what_is_not_our_cursor_is_broken(cursor):
    with pytest.raises(InvalidCursor):
        PageRequest.of(page=None, per_page=25, cursor=cursor)


@given(
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=365_000)),
    st.integers(min_value=1, max_value=10**18 - 1),
)
def test_a_cursor_leads_behind_the_update_it_was_made_of(since_1970, last_id):
    at = datetime(1970, 1, 1, tzinfo=UTC) + since_1970
    cursor = cursor_after_update(Update(at, last_id))
    request = PageRequest.of(page=None, per_page=25, cursor=cursor, by_update=True)
    assert (request.after, request.before_id) == (Update(at, last_id), None)
    assert request.by_cursor


@pytest.mark.parametrize(
    ("cursor", "by_update"),
    [
        (cursor_after(7), True),
        (cursor_after_update(Update(datetime(2026, 11, 23, tzinfo=UTC), 7)), False),
        (base64.urlsafe_b64encode(b"updated:" + b"9" * 18 + b":7").decode(), True),
        (base64.urlsafe_b64encode(b"updated:7").decode(), True),
        (base64.urlsafe_b64encode(b"updated:7:7:7").decode(), True),
    ],
)
def test_a_cursor_is_of_one_kind_of_list(cursor, by_update):
    with pytest.raises(InvalidCursor):
        PageRequest.of(page=None, per_page=25, cursor=cursor, by_update=by_update)


@given(st.integers(min_value=1, max_value=5), st.integers(min_value=0, max_value=6))
def test_a_page_has_a_cursor_exactly_if_there_is_more(per_page, rows):
    request = PageRequest(per_page=per_page)
    page = Page.of(list(range(rows)), request, rows, cursor_after)
    assert list(page.items) == list(range(min(rows, per_page)))
    assert page.next_cursor == (cursor_after(per_page - 1) if rows > per_page else None)
    assert page.shown_as([]) == Page(items=[], request=request, total=rows, next_cursor=page.next_cursor)


def test_a_cursor_and_a_page_together_are_refused():
    with pytest.raises(Invalid):
        PageRequest.of(page=1, per_page=25, cursor=cursor_after(1))


@given(st.integers(min_value=1, max_value=10**9), st.integers(min_value=1, max_value=100))
def test_pages_follow_one_another_without_gap_or_overlap(page, per_page):
    request, following = (
        PageRequest.of(page=number, per_page=per_page, cursor=None) for number in (page, page + 1)
    )
    assert not request.by_cursor
    assert following.offset == request.offset + per_page
    assert PageRequest.of(page=None, per_page=per_page, cursor=None).offset == 0
