"""What an invoice's disputes come to."""

from datetime import timedelta

from stripe_bridge.domain.dispute import newest_status, total_lost
from tests.builders import NOW, a_dispute


def test_the_dispute_that_was_opened_last_tells_the_status_whatever_the_order():
    old = a_dispute(stripe_id="dp_9", status="lost")
    new = a_dispute(stripe_id="dp_1", status="under_review", opened_at=NOW + timedelta(seconds=1))
    assert newest_status([old, new]) == newest_status([new, old]) == "under_review"
    assert newest_status([]) is None


def test_only_a_lost_dispute_takes_money():
    statuses = ["lost", "lost", "won", "needs_response", "warning_closed", "new_to_us"]
    assert total_lost([a_dispute(status=status, amount=70) for status in statuses]) == 140
