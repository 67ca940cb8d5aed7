"""The change log, read and checked: what was recorded of our own objects, in the order in which it became true."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.changes.read import FindHeads, FindLastChange, ReadFeed, SkipForeign
from stripe_bridge.use_cases.changes.resume import ResumeSends


@dataclass(frozen=True, kw_only=True)
class Changes:
    read: ReadFeed
    find_heads: FindHeads
    find_last: FindLastChange
    skip_foreign: SkipForeign
    resume_sends: ResumeSends
