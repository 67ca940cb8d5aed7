"""How the service fares beside thousands of clients that never finish their requests."""

import os

import pytest

from benchmarks.slow_clients import MOST_MEGABYTES, MOST_SECONDS, measure


@pytest.mark.slow
@pytest.mark.parametrize("descriptors", [1_024, 20_000])
def test_thousands_of_slow_clients_take_little_memory_and_hold_up_no_other_client(descriptors):
    """The longest wait is for the command to judge: a machine that is busy with other tests is no measure of it."""
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    figures = measure(descriptors, seconds=4)
    # This process runs other tests afterwards, beside those of other processes.
    assert os.getpriority(os.PRIO_PROCESS, 0) == priority
    assert figures.connects > 6_000
    assert figures.memory_more <= MOST_MEGABYTES
    assert figures.honest_median <= MOST_SECONDS
