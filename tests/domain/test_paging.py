"""Pages by number and by cursor."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stripe_bridge.domain.errors.values import Invalid, InvalidCursor
from stripe_bridge.domain.paging import PageRequest, cursor_after


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
