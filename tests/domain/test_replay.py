import pytest

from stripe_bridge.domain.errors.conflicts import ReplayEnded
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.domain.replay import ReplayStatus
from tests.builders import NOW, a_replay

ANNA = Actor(type=ActorType.OPERATOR, id="anna")


def test_a_replay_is_over_with_its_last_event_whatever_became_of_it():
    replay = a_replay(event_ids=(1, 2, 3))

    half = replay.advance(NOW, queued=1, purged=1)
    whole = half.advance(NOW, being_processed=1)

    assert (half.is_running, half.next_ids(10), half.ids_so_far) == (True, (3,), (1, 2))
    assert (whole.status, whole.ended_at, whole.next_ids(10)) == (ReplayStatus.COMPLETED, NOW, ())


def test_what_has_ended_cannot_be_canceled():
    canceled = a_replay().cancel(ANNA, NOW)

    assert (canceled.status, canceled.canceled_by, canceled.ended_at) == (ReplayStatus.CANCELED, ANNA, NOW)
    with pytest.raises(ReplayEnded, match="already canceled"):
        canceled.cancel(ANNA, NOW)
