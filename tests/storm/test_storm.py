"""Whatever misbehaves or is killed: at rest all is as at Stripe, nothing was made twice, and the ERPs hold every change."""

import os
from pathlib import Path

import pytest

from tests.servers.processes import scratch_folder
from tests.storm.storm import embedded, on_servers, storm

# STORM_SEED repeats the same random choices, but not the same timing.
SEED = int(os.environ.get("STORM_SEED") or 20_261_123)
PLACES = [
    pytest.param(on_servers, 40, id="servers", marks=pytest.mark.servers),
    pytest.param(embedded, 24, id="embedded"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "size"), PLACES)
def test_after_a_storm_everything_is_as_at_stripe_and_nothing_was_made_twice(place, size):
    folder: Path = scratch_folder("storm")
    shown = [f"STORM_SEED={SEED}"]
    with place(folder) as where:
        report = storm(where, size=size, seed=SEED, users=8, every=4.0, report_progress=shown.append)
    assert not report.faults, "\n".join([*shown, *report.faults])
    assert report.events
    # At least to the one that is dead.
    assert report.deliveries["acknowledged"]
    assert report.deliveries["failed"]
