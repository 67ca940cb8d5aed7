"""Canonical JSON is what RFC 8785 asks for."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.changes.canonical import MAX_INTEGER, canonical

# Any text that is Unicode, beyond the Basic Multilingual Plane too, where keys sort differently by code points.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_what_the_library_for_the_rfc_writes(value: Any):
    assert canonical(value) == rfc8785.dumps(value)


def test_keys_are_sorted_by_utf_16_units():
    # U+1F600 is written with surrogates, which come before U+FB33, though its code point is higher.
    value = {"\ufb33": 1, "\U0001f600": 2, "a": 3}
    assert canonical(value) == '{"a":3,"\U0001f600":2,"\ufb33":1}'.encode()
    assert canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(), st.text(), max_size=3))
def test_no_text_makes_it_fail_and_what_it_writes_is_read_back(value: dict[str, str]):
    read = json.loads(canonical(value).decode())
    clean = {_clean(key): _clean(text) for key, text in value.items()}
    assert set(read) == set(clean)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_lone_surrogates_are_replaced(text: str):
    assert json.loads(canonical({"key": text})) == {"key": _clean(text)}


def _clean(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
