"""Why a reader of the change log cannot go on from where it is."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import BridgeError


class FeedRefused(BridgeError):
    """The reader reads the present state of everything, and then goes on after `restart_after`, in `log`.

    `log` is None if nothing was ever recorded.
    """

    reason = "refused"

    def __init__(self, log: str | None, restart_after: int) -> None:
        super().__init__(log, restart_after)
        self.log, self.restart_after = log, restart_after


class HistoryChanged(FeedRefused):
    """What the reader holds is not what stands here under the same number."""

    reason = "history-changed"
    message = (
        "The change log is not the one that you have read: the database was restored from a backup, or altered. "
        "Read the current state, then continue after restart_after."
    )


class CursorAhead(FeedRefused):
    """The reader has read further than the log goes."""

    reason = "cursor-ahead"
    message = (
        "The change log ends before the change that you have read: the database was restored from a backup, or altered. "
        "Read the current state, then continue after restart_after."
    )


class FeedExpired(FeedRefused):
    """The objects of the entries that would follow are purged."""

    reason = "feed-expired"
    message = "The changes that follow are no longer kept in full. Read the current state, then continue after restart_after."
