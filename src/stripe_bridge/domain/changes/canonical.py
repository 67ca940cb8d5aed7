"""Canonical JSON, byte for byte the same wherever it is written: RFC 8785, for values without fractions.

Only objects, lists, strings, integers, booleans and null. The standard library's encoder writes what the RFC asks for, but
for one thing: it sorts keys by code points, and the RFC by UTF-16 units, which differ beyond the Basic Multilingual Plane.
"""

from __future__ import annotations

import json
from typing import Any

# The largest integers that every JSON reader keeps exactly (RFC 8785, 3.2.2.3).
MAX_INTEGER = 2**53 - 1
_SORTING = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
_IN_ORDER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> bytes:
    """UTF-8. Lone surrogates, which are no text, become U+FFFD: nothing that Stripe or an ERP sends makes this fail."""
    text = _SORTING.encode(value)
    if text.isascii():
        return text.encode()
    return _IN_ORDER.encode(_in_order(value)).encode()


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = ((_clean(key), _in_order(item)) for key, item in value.items())
        return dict(sorted(pairs, key=lambda pair: pair[0].encode("utf-16-be")))
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    """Without lone surrogates."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
