from stripe_bridge.domain.going_live import Outcome
from stripe_bridge.use_cases.operations.going_live_here import Evidence
from tests.use_cases.operations.patient import checked
from tests.world import World


def test_a_service_that_may_go_live_passes_every_check_without_a_remedy(ready: World):
    checks = checked(ready)

    assert [each for each in checks if each.outcome is not Outcome.OK or each.remedy] == []
    assert len({each.subject for each in checks}) == len(checks) > 15


def test_whatever_does_not_come_out_well_has_a_remedy():
    world = World(PUBLIC_URL="http://bridge.test", EVENT_PAYLOAD_DAYS="0")
    world.own_address.is_reachable = False

    bad = [each for each in checked(world, Evidence()) if each.outcome is not Outcome.OK]

    assert len(bad) > 8
    assert [each.subject for each in bad if not each.remedy] == []


def test_nothing_is_changed_here_or_at_stripe(ready: World):
    before, at_stripe = ready.store.commits, len(ready.stripe.calls)

    checked(ready)

    assert ready.store.commits == before
    assert {call.method for call in ready.stripe.calls[at_stripe:]} == {"key", "endpoints"}


def test_without_a_database_only_that_is_reported(ready: World):
    ready.store.is_available = False

    (only,) = checked(ready)

    assert (only.outcome, only.subject) == (Outcome.FAIL, "database")
