"""Reading the feed of a world's tenant."""

from typing import Any

from stripe_bridge.domain.access import Role
from stripe_bridge.use_cases.changes.feed import FeedPage, FeedQuery, types_matching
from stripe_bridge.use_cases.changes.read import ReadFeedCommand
from stripe_bridge.use_cases.changes.witness import Held
from tests.world import World


def query(world: World, *patterns: str, **asked: Any) -> FeedQuery:
    types = frozenset().union(*types_matching(patterns).values()) if patterns else None
    return FeedQuery(**{"tenant_id": world.tenant, "types": types, **asked})


def read(world: World, *patterns: str, may_hold: bool = False, **asked: Any) -> FeedPage:
    """`hash` and `log` are what the reader holds."""
    held = Held(**{name: asked.pop(name) for name in ("hash", "log") if name in asked})
    command = ReadFeedCommand(query=query(world, *patterns, **asked), held=held, may_hold_sends=may_hold)
    page: FeedPage = world.bridge.changes.read(command).page
    return page


def all_of(world: World, *patterns: str, **asked: Any) -> list[dict[str, Any]]:
    """Page by page."""
    shown: list[dict[str, Any]] = []
    after = 0
    while (page := read(world, *patterns, after=after, **asked)).next_after > after:
        assert page.after == after
        shown += page.shown()["data"]
        after = page.next_after
    return shown


def do_an_act(world: World) -> None:
    world.bridge.access.create_token(tenant_id=world.tenant, role=Role.VIEWER, user_id=None, label="x")
