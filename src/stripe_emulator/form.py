"""Stripe's bracket encoding of nested parameters."""

import re
import urllib.parse

from stripe_emulator.errors import Json, malformed

_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(encoded: str) -> Json:
    """`a[b][0][c]=x` as nested dictionaries of strings; `a[]=x` takes the next index."""
    root: Json = {}
    for key, value in urllib.parse.parse_qsl(encoded, keep_blank_values=True):
        head, bracket, _ = key.partition("[")
        parts = [head, *_PART.findall(bracket + key[len(head) + 1 :])]
        at = root
        for part in parts[:-1]:
            at = at.setdefault(part or str(len(at)), {})
            if not isinstance(at, dict):
                raise malformed(f"Invalid hash: {key} is given both as a value and as a hash", key)
        at[parts[-1] or str(len(at))] = value
    return root
