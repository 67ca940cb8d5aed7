"""For pytest, with `-p tests.api_version.plugin`: record what the service reads while tests run.

There are four doors through which Stripe's objects come in, and each is given objects that note what is read. The record is
written as JSON to the file that API_VERSION_RECORD names.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import msgspec
import pytest
import stripe

from stripe_bridge.adapters import event_reader
from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.domain import webhook_event
from tests.api_version.declared import Keys
from tests.api_version.recording import Read, Record, Recorded, RecordedText

RECORD = pytest.StashKey[tuple[Record, pytest.MonkeyPatch]]()
# What is read of Stripe without a name of its own: by which reader, and the class that the package has for it.
_NAMELESS = {"authorization": "OAuth.OAuthToken"}
_NEW_VALUE = "a_value_of_tomorrow"


def pytest_configure(config: pytest.Config) -> None:
    record, doors = Record(), pytest.MonkeyPatch()
    _answers_and_payloads(record, doors)
    _parsed_payloads(record, doors)
    _received_payloads(record, doors)
    _objects_of_the_sdk(record, doors)
    config.stash[RECORD] = record, doors


def pytest_sessionfinish(session: pytest.Session) -> None:
    record, doors = session.config.stash[RECORD]
    doors.undo()
    note_refusals(record)
    Path(os.environ["API_VERSION_RECORD"]).write_text(record.to_json())


def _answers_and_payloads(record: Record, doors: pytest.MonkeyPatch) -> None:
    """Every reader of `snapshots` begins with `_raw`."""
    raw_of = snapshots._raw

    def recording(shown: snapshots.Shown) -> snapshots.Raw:
        raw = raw_of(shown)
        if isinstance(raw, Recorded):
            return raw
        reader = sys._getframe(1).f_code.co_name
        root = str(raw.get("object") or _NAMELESS[reader])

        def sample(keys: Keys) -> None:
            record.samples.setdefault((reader, keys), raw)

        return Recorded(record, (root,), raw, sample)

    doors.setattr(snapshots, "_raw", recording)


def _parsed_payloads(record: Record, doors: pytest.MonkeyPatch) -> None:
    def loads(text: str) -> Any:
        body = json.loads(text)
        return Recorded(record, ("event",), body) if _is_in_our_version(body) else body

    doors.setattr(webhook_event, "json", SimpleNamespace(loads=loads))


def _received_payloads(record: Record, doors: pytest.MonkeyPatch) -> None:
    """The decoder reads all that its types name."""
    decode = event_reader._decoder.decode

    def decoding(payload: bytes) -> Any:
        event, body = decode(payload), json.loads(payload)
        if _is_in_our_version(body):
            shown = Recorded(record, ("event",), body)
            _read_all(record, event_reader._Event[event_reader._Data], shown, sys._getframe(1))
        return event

    def refusing(_payload: bytes) -> Any:
        """Then the payload is parsed, which is recorded."""
        raise ValueError

    doors.setattr(event_reader, "_decoder", SimpleNamespace(decode=decoding))
    doors.setattr(event_reader, "_whole_decoder", SimpleNamespace(decode=refusing))


def _read_all(record: Record, type_: type[msgspec.Struct], body: Recorded, reader: FrameType) -> None:
    for member in msgspec.structs.fields(type_):
        value = dict(body).get(member.encode_name)
        if member.encode_name in body:
            record.note((*body.read_as, member.encode_name), value, reader)
        if isinstance(value, Recorded) and issubclass(member.type, msgspec.Struct):
            _read_all(record, member.type, value, reader)


def _objects_of_the_sdk(record: Record, doors: pytest.MonkeyPatch) -> None:
    """Attributes of its objects are members too."""
    member_of = stripe.StripeObject.__getitem__

    def recording(self: stripe.StripeObject, name: str) -> Any:
        value = member_of(self, name)
        reader: FrameType | None = sys._getframe(1)
        while reader is not None and reader.f_code.co_name in ("__getitem__", "__getattr__"):
            reader = reader.f_back
        keys = (*_keys_of(self), name)
        record.note(keys, value, reader)
        if isinstance(value, stripe.StripeObject):
            vars(value)["_read_as"] = keys
        return RecordedText(value, record, keys) if isinstance(value, str) else value

    doors.setattr(stripe.StripeObject, "__getitem__", recording)


def _keys_of(shown: stripe.StripeObject) -> Keys:
    """A part of an object has no name of its own: it is what it was read as."""
    name, read_as = shown._data.get("object"), vars(shown).get("_read_as")
    return (name,) if isinstance(name, str) else read_as or (type(shown).__qualname__,)


def _is_in_our_version(body: Any) -> bool:
    return isinstance(body, dict) and body.get("api_version") == stripe.api_version


def note_refusals(record: Record) -> None:
    """Which members may not be null, or have a value that nobody knows yet, or the reader refuses the whole object."""
    for (reader, keys), raw in record.samples.items():
        read = record.reads.get(keys, Read())
        if _refuses(reader, _with(raw, keys[1:], None)):
            read.refuses.add("null")
        if "string" in read.kinds and _refuses(reader, _with(raw, keys[1:], _NEW_VALUE)):
            read.refuses.add("new values")


def _refuses(reader: str, raw: Mapping[str, Any]) -> bool:
    try:
        getattr(snapshots, reader)(raw)
    except Exception:
        return True
    return False


def _with(raw: Mapping[str, Any], keys: Keys, value: object) -> dict[str, Any]:
    """The object with another value there; in a list, in each of its elements."""
    changed = deepcopy(dict(raw))
    places: list[Any] = [changed]
    for key in keys[:-1]:
        below = [place if key == "[]" else place.get(key) for place in places]
        places = [
            each for one in below for each in (one if isinstance(one, list) else [one]) if each is not None
        ]
    for place in places:
        if isinstance(place, dict) and keys[-1] in place:
            place[keys[-1]] = value
    return changed
