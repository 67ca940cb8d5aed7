"""Holding back an answer for as long as there is nothing new to say."""

from __future__ import annotations

import time
from collections.abc import Mapping

import flask

from stripe_bridge.adapters.web.waiting_readers import WAITING_READERS, WaitingReaders
from stripe_bridge.adapters.web.wsgi_in_threads import RESUMED, SUSPENDED
from stripe_bridge.use_cases.changes.feed import FeedQuery

_NOBODY_MAY_WAIT = {"Retry-After": "5"}


def wait_for_entries(reader: str, query: FeedQuery, seconds: float) -> Mapping[str, str]:
    """Have the request served once more when there may be entries of the change log for this query, or the time is up. Returns
    the headers of the answer as it is now."""
    environ = flask.request.environ
    if RESUMED in environ:
        seconds = environ[RESUMED].deadline - time.monotonic()
    if seconds <= 0:
        return {}
    readers: WaitingReaders | None = environ.get(WAITING_READERS)
    place = readers and readers.admit(reader, query, seconds)
    if place:
        environ[SUSPENDED] = place
    return {} if place or RESUMED in environ else _NOBODY_MAY_WAIT
